"""Items, silences and policies in the shorthand of a day of June: `10:05` and minutes."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from loa.protocol.ids import BroadcastId, OccurrenceId, SilenceId, WithdrawalId, occurrence_id
from loa.protocol.kinds import BroadcastClass
from loa.protocol.policy import AllowedHours, DailyMinutes, Policy, PolicyVersion
from loa.protocol.units import to_ms
from loa.schedules.localtime import from_wall, to_wall
from loa.schedules.model import Item, Silence, Timeline, Withdrawal
from loa.schedules.policy import BEGINNING

TZ = "Asia/Ho_Chi_Minh"
ORDINARY = frozenset({BroadcastClass.PRIORITY, BroadcastClass.NORMAL})
CLASSES = {"n": BroadcastClass.NORMAL, "p": BroadcastClass.PRIORITY, "e": BroadcastClass.EMERGENCY}
EARLY = datetime(2026, 6, 1, tzinfo=UTC)
"""When everything was approved and issued unless a test says otherwise."""


def at(wall: str) -> datetime:
    """`10:05` on 10 June 2026, local; `+00:20` on the day after."""
    day = 11 if wall.startswith("+") else 10
    hour, minute = wall.removeprefix("+").split(":")
    return from_wall(datetime(2026, 6, day, int(hour), int(minute)), TZ)  # noqa: DTZ001 -- a wall time is naive


def maybe(wall: str | None) -> datetime | None:
    return None if wall is None else at(wall)


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def digest(name: str) -> BroadcastId:
    return BroadcastId(sha256(name.encode()).hexdigest())


def item(name: str, start: str, length: float = 5, **facts: Any) -> Item:  # noqa: ANN401 -- any field of Item
    """An item whose class is the first letter of its name; it may begin and end at any time of the day."""
    start_at = at(start)
    day_end = at("+03:00") if start >= "03:00" else at("03:00")
    given = dict(facts)
    return Item(
        id=occurrence_id(digest(name), start_at),
        class_=CLASSES[name[0]],
        start_at=start_at,
        duration_ms=int(length * 60_000),
        not_after_at=at(given.pop("na")) if "na" in given else day_end,
        last_end_at=at(given.pop("last_end")) if "last_end" in given else day_end,
        approved_at=at(given.pop("approved")) if "approved" in given else EARLY,
        issued_at=at(given.pop("issued")) if "issued" in given else EARLY,
        known_at=maybe(given.pop("known", None)),
        **given,
    )


def silence(
    begin: str, until: str, issued: str | None = None, *, known: str | None = None, authority: int = 100
) -> Silence:
    return Silence(
        id=SilenceId(sha256(begin.encode()).hexdigest()[:32]),
        from_at=at(begin),
        until_at=at(until),
        issued_at=at(issued or begin),
        known_at=maybe(known),
        authority=authority,
    )


def withdrawal(target: BroadcastId | OccurrenceId, issued: str, known: str | None = None) -> Withdrawal:
    name = WithdrawalId(sha256(target.encode()).hexdigest()[:32])
    return Withdrawal(id=name, target=target, issued_at=at(issued), known_at=maybe(known))


def version(
    *windows: tuple[str, str], since: datetime = BEGINNING, limit: int | None = None
) -> PolicyVersion:
    hours = [
        AllowedHours(classes=ORDINARY, from_local=begin, to_local=end, legal_source="hours of the test")
        for begin, end in windows
    ]
    lines = [DailyMinutes(classes=ORDINARY, minutes=limit, legal_source="limit of the test")] if limit else []
    return PolicyVersion(
        effective_from=since, quiet_source="quiet of the test", hours=tuple(hours), minutes=tuple(lines)
    )


def policy(*versions: PolicyVersion) -> Policy:
    return Policy(versions=versions or (version(("05:00", "22:00")),))


def drawn(timeline: Timeline, names: dict[OccurrenceId, str]) -> str:
    """`n 10:00-10:05, e 10:05-10:15, n 10:15-10:30 +5`."""
    return ", ".join(
        f"{names[segment.item_id]} {_wall(segment.from_at)}-{_wall(segment.to_at)}"
        + (f" +{segment.offset_ms // 60_000}" if segment.offset_ms else "")
        for segment in timeline.segments
    )


def told(timeline: Timeline, names: dict[OccurrenceId, str]) -> dict[str, str]:
    """Of each item that is not complete, `reason HH:MM by whom`."""
    labels: dict[str, str] = dict(names.items())
    return {
        names[id_]: " ".join(
            [outcome.reason.value, _wall(outcome.at), labels.get(outcome.by or "", "")]
        ).strip()
        for id_, outcome in timeline.outcomes.items()
        if outcome.reason != "complete"
    }


def _wall(when: datetime) -> str:
    assert to_ms(when) % 60_000 == 0
    return f"{to_wall(when, TZ):%H:%M}"
