"""Time to lay out 5,000 items, beside sorting and walking the same items once."""

import gc
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from statistics import median
from time import perf_counter

from bench.figure import Figure
from loa.protocol.ids import BroadcastId, SilenceId, WithdrawalId, occurrence_id
from loa.protocol.kinds import AfterInterruption, BroadcastClass, Late
from loa.protocol.policy import AllowedHours, DailyMinutes, Policy, PolicyVersion, VolumeCap
from loa.protocol.units import GainDb
from loa.schedules.model import Item, Segment, Silence, Withdrawal
from loa.schedules.policy import BEGINNING
from loa.schedules.timeline import lay_out

ITEMS = 5_000
DAYS = 30
TARGET_MS = 150.0
ROUNDS = 9
FIRST_DAY = datetime(2026, 6, 1, tzinfo=UTC)


def measure() -> Figure:
    """Median milliseconds of `lay_out` and of the walk, rounds in turn."""
    items, withdrawals, silences, policy = programme(random.Random(1))
    laid: list[float] = []
    walked: list[float] = []
    for _ in range(ROUNDS):
        laid.append(_ms(lambda: lay_out(items, withdrawals, silences, policy)))
        walked.append(_ms(lambda: walk(items)))
    value, peer = median(laid), median(walked)
    return Figure(
        name="layout",
        value=value,
        unit="ms",
        peer=peer,
        peer_unit="ms",
        ratio=value / peer,
        target=f"at most {TARGET_MS:.0f} ms",
        met=value <= TARGET_MS,
        notes=f"{ITEMS} items of {DAYS} days, 100 withdrawals, 100 silences; median of {ROUNDS} rounds; "
        "the peer sorts the items and puts one behind the other, without any rule",
    )


def walk(items: list[Item]) -> list[Segment]:
    """The floor: sort, and put one item behind the other without any rule."""
    segments, free_at = [], datetime.min.replace(tzinfo=UTC)
    for item in sorted(items, key=lambda item: (item.start_at, item.id)):
        begin = max(free_at, item.start_at, item.issued_at)
        free_at = begin + timedelta(milliseconds=item.duration_ms)
        segments.append(Segment(begin, free_at, item.id, 0))
    return segments


def programme(
    dice: random.Random,
) -> tuple[list[Item], list[Withdrawal], list[Silence], Policy]:
    """A month of all classes, so dense that most items wait, with withdrawals and silences."""
    items = [_item(dice, number) for number in range(ITEMS)]
    withdrawals = [
        Withdrawal(id=WithdrawalId(_hex(item.id)[:32]), target=item.id, issued_at=item.start_at)
        for item in dice.sample(items, 100)
    ]
    silences = [_silence(dice, number) for number in range(100)]
    return items, withdrawals, silences, _policy()


def _item(dice: random.Random, number: int) -> Item:
    start_at = _instant(dice)
    duration_ms = dice.randrange(20, 600) * 1_000
    class_ = dice.choices(list(BroadcastClass), (1, 4, 15))[0]
    return Item(
        id=occurrence_id(BroadcastId(_hex(str(number))), start_at),
        class_=class_,
        start_at=start_at,
        duration_ms=duration_ms,
        not_after_at=start_at + timedelta(minutes=dice.choice((15, 60, 600))),
        last_end_at=start_at + timedelta(minutes=dice.choice((60, 120, 700))),
        approved_at=start_at - timedelta(days=1),
        issued_at=start_at - timedelta(hours=dice.randrange(1, 20)),
        known_at=start_at + timedelta(minutes=5) if dice.random() < 0.02 else None,
        authority=dice.randrange(3),
        order=dice.randrange(-2, 3),
        after_interruption=dice.choice(list(AfterInterruption)),
        late=dice.choice(list(Late)),
        whole=dice.random() < 0.8,
    )


def _silence(dice: random.Random, number: int) -> Silence:
    from_at = _instant(dice)
    return Silence(
        id=SilenceId(_hex(str(number))[:32]),
        from_at=from_at,
        until_at=from_at + timedelta(minutes=30),
        issued_at=from_at,
        authority=dice.randrange(3),
    )


def _policy() -> Policy:
    ordinary = frozenset({BroadcastClass.PRIORITY, BroadcastClass.NORMAL})
    spans = (("05:00", "11:00"), ("13:30", "22:00"))
    hours = tuple(
        AllowedHours(classes=ordinary, from_local=begin, to_local=end, legal_source="bench")
        for begin, end in spans
    )
    cap = VolumeCap(
        classes=ordinary, from_local="21:00", to_local="06:00", cap_db=GainDb(-15.0), legal_source="bench"
    )
    limit = DailyMinutes(classes=ordinary, minutes=600, legal_source="bench")
    versions = (BEGINNING, FIRST_DAY + timedelta(days=DAYS / 2))
    return Policy(
        versions=tuple(
            PolicyVersion(
                effective_from=since, quiet_source="bench", hours=hours, caps=(cap,), minutes=(limit,)
            )
            for since in versions
        )
    )


def _instant(dice: random.Random) -> datetime:
    return FIRST_DAY + timedelta(seconds=dice.randrange(DAYS * 86_400))


def _hex(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def _ms(work: Callable[[], object]) -> float:
    gc.collect()
    begin = perf_counter()
    work()
    return (perf_counter() - begin) * 1_000
