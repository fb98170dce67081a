"""Hypothesis strategies for everything that a timeline is made from, dense enough for things to collide."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from loa.protocol.ids import BroadcastId, OccurrenceId, SilenceId, WithdrawalId, broadcast_of, occurrence_id
from loa.protocol.kinds import AfterInterruption, BroadcastClass, Late
from loa.protocol.policy import AllowedHours, DailyMinutes, Policy, PolicyVersion
from loa.schedules.model import Item, Reorder, Silence, Timeline, Withdrawal
from loa.schedules.policy import BEGINNING
from loa.schedules.timeline import lay_out
from tests.schedules.make import ORDINARY, TZ, at, digest, minutes, version

DAWN = at("01:00")
"""Where the worlds begin; a boundary of broadcast days and the edges of many hours lie close ahead."""
SPAN_MIN = 200


@dataclass(frozen=True)
class World:
    """One complete input of `lay_out`."""

    items: Sequence[Item]
    withdrawals: Sequence[Withdrawal]
    silences: Sequence[Silence]
    reorders: Sequence[Reorder]
    policy: Policy

    def lay_out(self) -> Timeline:
        return lay_out(self.items, self.withdrawals, self.silences, self.policy, TZ, reorders=self.reorders)

    def with_(self, **changes: object) -> "World":
        return replace(self, **changes)  # type: ignore[arg-type]  # each caller names fields of World


def instants(until_min: int = SPAN_MIN, step: int = 5) -> st.SearchStrategy[datetime]:
    return st.integers(0, until_min // step).map(lambda count: DAWN + minutes(count * step))


def after(when: datetime, most_min: int = 120, step: int = 5) -> st.SearchStrategy[datetime]:
    return st.integers(0, most_min // step).map(lambda count: when + minutes(count * step))


def arrivals(issued_at: datetime) -> st.SearchStrategy[datetime | None]:
    """In time, within the grace, or late."""
    near = st.just(issued_at + timedelta(seconds=3))
    return st.one_of(st.none(), st.none(), near, after(issued_at))


@st.composite
def items(draw: st.DrawFn, until_min: int = SPAN_MIN, broadcasts: int = 1_000) -> Item:
    start_at = draw(instants(until_min))
    duration_min = draw(st.integers(1, 12)) * 5
    issued_at = start_at - minutes(5 * draw(st.one_of(st.just(200), st.integers(-6, 24))))
    class_ = draw(st.sampled_from(BroadcastClass))
    return Item(
        id=occurrence_id(digest(str(draw(st.integers(0, broadcasts)))), start_at),
        class_=class_,
        start_at=start_at,
        duration_ms=duration_min * 60_000,
        not_after_at=draw(after(start_at)),
        last_end_at=start_at + minutes(duration_min + 5 * draw(st.integers(-2, 24))),
        approved_at=issued_at - minutes(5 * draw(st.integers(0, 24))),
        issued_at=issued_at,
        known_at=draw(arrivals(issued_at)),
        authority=draw(st.integers(0, 2)),
        order=draw(st.integers(-1, 1)),
        after_interruption=draw(st.sampled_from(AfterInterruption)),
        late=draw(st.sampled_from(Late)),
        whole=draw(st.sampled_from([True, True, False])),
    )


@st.composite
def silences(draw: st.DrawFn, until_min: int = SPAN_MIN) -> Silence:
    from_at = draw(instants(until_min))
    issued_at = from_at + minutes(5 * draw(st.integers(-12, 6)))
    return Silence(
        id=SilenceId(_token(draw)),
        from_at=from_at,
        until_at=draw(after(from_at)) + minutes(5),
        issued_at=issued_at,
        known_at=draw(arrivals(issued_at)),
        authority=draw(st.integers(0, 2)),
        is_total=draw(st.booleans()),
    )


@st.composite
def withdrawals(draw: st.DrawFn, targets: Sequence[Item]) -> Withdrawal:
    issued_at = draw(instants())
    return Withdrawal(
        id=WithdrawalId(_token(draw)),
        target=draw(names(targets)),
        issued_at=issued_at,
        known_at=draw(arrivals(issued_at)),
    )


@st.composite
def reorders(draw: st.DrawFn, targets: Sequence[Item]) -> Reorder:
    issued_at = draw(instants())
    return Reorder(
        target=draw(names(targets)),
        order=draw(st.integers(-2, 2)),
        issued_at=issued_at,
        known_at=draw(arrivals(issued_at)),
    )


def names(targets: Sequence[Item]) -> st.SearchStrategy[BroadcastId | OccurrenceId]:
    return st.sampled_from(targets).flatmap(lambda item: st.sampled_from([item.id, broadcast_of(item.id)]))


@st.composite
def versions(draw: st.DrawFn, since: datetime = BEGINNING) -> PolicyVersion:
    windows = draw(
        st.sampled_from(
            [
                [("00:00", "24:00")],
                [("05:00", "02:30")],
                [("01:30", "02:15"), ("02:25", "03:20")],
                [("23:00", "01:40"), ("01:40", "02:00"), ("02:30", "03:05"), ("03:30", "06:00")],
            ]
        )
    )
    normal_only = draw(st.booleans())
    limits = draw(st.lists(st.integers(1, 30).map(lambda count: count * 5), max_size=2))
    classes = frozenset({BroadcastClass.NORMAL}) if normal_only else ORDINARY
    base = version(*windows, since=since)
    extra = [AllowedHours(classes=ORDINARY, from_local="03:45", to_local="04:15", legal_source="early")]
    lines = [
        DailyMinutes(classes=classes if index else ORDINARY, minutes=limit, legal_source="limit")
        for index, limit in enumerate(limits)
    ]
    hours = tuple(window.model_copy(update={"classes": classes}) for window in base.hours)
    return base.model_copy(update={"hours": (*hours, *extra), "minutes": tuple(lines)})


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    changes = sorted(set(draw(st.lists(instants(), max_size=2))))
    return Policy(versions=(draw(versions()), *(draw(versions(since)) for since in changes)))


@st.composite
def worlds(draw: st.DrawFn, most: int = 10, until_min: int = SPAN_MIN) -> World:
    drawn = draw(st.lists(items(until_min), min_size=1, max_size=most, unique_by=lambda item: item.id))
    return World(
        drawn,
        draw(st.lists(withdrawals(drawn), max_size=2)),
        draw(st.lists(silences(until_min), max_size=2)),
        draw(st.lists(reorders(drawn), max_size=2)),
        draw(policies()),
    )


def _token(draw: st.DrawFn) -> str:
    return sha256(str(draw(st.integers(0, 10_000))).encode()).hexdigest()[:32]


_QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large]
WIDE = settings(max_examples=60, deadline=None, suppress_health_check=_QUIET)
"""For properties that lay a world out once or twice."""
THOROUGH = settings(max_examples=150, deadline=None, suppress_health_check=_QUIET)
"""For the comparison with the naive walk, which finds most."""
