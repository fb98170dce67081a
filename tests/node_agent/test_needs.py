"""In which order recordings come, how fast, and what becomes of those that do not fit."""

from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

import pytest

from loa.node_agent.core.bucket import Bucket
from loa.node_agent.core.needs import Haste, Order, in_order, next_turn
from loa.node_agent.core.plan import Need
from loa.node_agent.ports import Job
from loa.protocol.ids import RecordingId, occurrence_id
from loa.protocol.kinds import BroadcastClass, StandingMessage
from loa.protocol.programme import Config, NodeSettings
from loa.protocol.reasons import ProblemCode, Reason
from loa.protocol.units import DurationMs, SizeBytes
from tests.node_agent.makers import (
    NOON,
    make_broadcast,
    make_config,
    make_entry,
    make_programme,
    make_source,
    make_urgent,
    minutes,
    seconds,
)
from tests.node_agent.rig import World

A, B, C, D = (RecordingId(letter * 64) for letter in "abcd")
SIREN = RecordingId("5" * 64)


def need(name: RecordingId, due_s: float, *, emergency: bool = False, lasts_s: float = 600) -> Need:
    due_at = NOON + seconds(due_s)
    return Need(
        source=make_source(name), due_at=due_at, until_at=due_at + seconds(lasts_s), is_emergency=emergency
    )


def names(orders: Iterable[Order]) -> list[tuple[str, Haste]]:
    return [(order.source.recording[0], order.haste) for order in orders]


@pytest.mark.parametrize(
    ("needs", "standing", "expected"),
    [
        ([need(A, 60), need(B, 30)], [], [("b", Haste.SOON), ("a", Haste.SOON)]),
        ([need(A, 30), need(B, 500, emergency=True)], [], [("b", Haste.EMERGENCY), ("a", Haste.SOON)]),
        ([need(A, 30), need(B, 700, emergency=True)], [], [("a", Haste.SOON), ("b", Haste.AHEAD)]),
        ([need(A, 700)], [C], [("c", Haste.STANDING), ("a", Haste.AHEAD)]),
        ([need(A, 500)], [C], [("a", Haste.SOON), ("c", Haste.STANDING)]),
        ([need(A, 9_000), need(A, 30)], [], [("a", Haste.SOON)]),
        ([need(C, 30)], [C], [("c", Haste.SOON)]),
        ([need(A, -700)], [], []),
        ([need(A, -700), need(A, 86_400), need(B, 9_000)], [], [("b", Haste.AHEAD), ("a", Haste.AHEAD)]),
    ],
    ids=[
        "by time",
        "an emergency first",
        "not one of next week",
        "standing before later",
        "due before standing",
        "each once",
        "a standing one that is due",
        "too late for it",
        "yesterday counts for nothing",
    ],
)
def test_recordings_come_in_the_order_in_which_they_are_needed(
    needs: list[Need], standing: list[RecordingId], expected: list[tuple[str, Haste]]
) -> None:
    assert names(in_order(needs, [make_source(name) for name in standing], NOON)) == expected


def test_the_order_is_looked_at_again_when_something_becomes_due_or_hopeless() -> None:
    needs = [need(A, 3_600), need(B, 1_200, lasts_s=60)]
    assert next_turn(needs, NOON) == NOON + minutes(10)
    assert next_turn(needs, NOON + minutes(11)) == NOON + seconds(1_260.001)
    assert next_turn(needs, NOON + minutes(71)) is None


def test_only_what_is_not_due_is_held_back() -> None:
    settings = NodeSettings(fetch_rate_bytes_s=SizeBytes(80_000))
    orders = in_order([need(A, 60), need(B, 60, emergency=True), need(C, 9_000)], [make_source(D)], NOON)
    rates = {order.source.recording[0]: order.rate_bytes_s(settings) for order in orders}
    assert rates == {"a": None, "b": None, "c": 80_000, "d": 10_000}


def test_a_bucket_lets_through_no_more_than_its_rate_whatever_the_pieces() -> None:
    bucket, now_s, came = Bucket(0.0), 0.0, 0
    for piece in [100, 5_000, 1, 20_000, 3_000] * 20:
        now_s += bucket.take(piece, 10_000, now_s)
        came += piece
        assert came <= 10_000 * (now_s + 0.25) + 1
    assert now_s == pytest.approx(came / 10_000 - 0.25)
    assert bucket.take(2_500, 10_000, now_s + 3_600) == pytest.approx(0), (
        "an hour of rest saves up a quarter second"
    )
    assert bucket.take(10_000, 10_000, now_s + 3_600) == pytest.approx(1.0)


# The agent.


def configured(tmp_path: Path, *, jitter_ms: int = 0, **given: int) -> World:
    world = World(tmp_path, NOON)
    settings = NodeSettings(
        fetch_jitter_ms=DurationMs(jitter_ms),
        reconnect_jitter_ms=DurationMs(0),
        **{name: SizeBytes(value) for name, value in given.items()},
    )
    world.configure(config_with_siren(settings))
    return world


def config_with_siren(settings: NodeSettings) -> Config:
    source = make_source(SIREN, duration_ms=20_000)
    return make_config(settings=settings).model_copy(update={"standing": {StandingMessage.SIREN: source}})


def jobs(world: World) -> dict[str, Job]:
    """What is wanted at this moment, in its order."""
    world.agent.turn()
    return {job.sha256[0]: job for job in world.downloads.jobs}


def test_an_emergency_is_fetched_before_all_without_spread_or_limit(tmp_path: Path) -> None:
    world = configured(tmp_path, jitter_ms=2_000)
    later = make_broadcast(NOON + minutes(60), source=make_source(A))
    world.issue(make_programme(make_entry(later)))
    wanted = jobs(world)
    assert list(wanted) == ["5", "a"]
    assert wanted["a"].rate_bytes_s == NodeSettings().fetch_rate_bytes_s
    assert world.clock.monotonic() < wanted["a"].not_before <= world.clock.monotonic() + 2
    alarm = make_broadcast(NOON, source=make_source(B), class_=BroadcastClass.EMERGENCY)
    world.urge(make_urgent(make_entry(alarm)))
    wanted = jobs(world)
    assert list(wanted) == ["b", "5", "a"]
    assert (wanted["b"].rate_bytes_s, wanted["b"].not_before) == (None, 0.0)
    assert wanted["b"].longest_wait_s < wanted["a"].longest_wait_s


def test_what_becomes_due_is_no_longer_held_back(tmp_path: Path) -> None:
    world = configured(tmp_path)
    world.issue(make_programme(make_entry(make_broadcast(NOON + minutes(60), source=make_source(A)))))
    world.go(NOON + minutes(49), step=minutes(1))
    assert jobs(world)["a"].rate_bytes_s is not None
    world.go(NOON + minutes(51), step=minutes(1))
    assert list(jobs(world)) == ["a", "5"]
    assert jobs(world)["a"].rate_bytes_s is None


def test_what_does_not_fit_is_told_once_and_shown_and_comes_when_there_is_room(tmp_path: Path) -> None:
    world = configured(tmp_path, recordings_quota_bytes=1_000_000)
    for name in (A, B, SIREN):
        world.offer(name)
    day = timedelta(days=1)
    first = make_broadcast(NOON + day, source=make_source(A, size_bytes=900_000))
    second = make_broadcast(NOON + 2 * day, source=make_source(B, size_bytes=500_000))
    world.issue(make_programme(make_entry(first), make_entry(second)))
    world.go(NOON + minutes(5))
    assert set(world.recordings.sizes) == {A, SIREN}
    assert (world.fetching.missing, world.fetching.without_room) == (1, 1)
    world.go(NOON + day - minutes(5), step=minutes(10))
    problems = [report for report in world.problems() if report.code is ProblemCode.NO_ROOM]
    assert len(problems) == 1
    assert B in problems[0].detail
    world.go(NOON + day + minutes(2))
    assert A in world.recordings.sizes
    world.go(NOON + 2 * day - minutes(1), step=minutes(30))
    world.go(NOON + 2 * day + minutes(2))
    assert set(world.recordings.sizes) == {B, SIREN}, "the day after, nobody needed the first any more"
    assert world.fetching.without_room == 0
    assert [(report.outcome, report.late_ms) for report in world.plays()] == [(Reason.COMPLETE, 0)] * 2


def test_the_siren_and_the_coming_days_are_never_evicted_for_an_emergency(tmp_path: Path) -> None:
    world = configured(tmp_path, recordings_quota_bytes=1_000_000)
    for name in (A, B, C, SIREN):
        world.offer(name)
    coming = make_broadcast(NOON + timedelta(days=5), source=make_source(A, size_bytes=900_000))
    world.issue(make_programme(make_entry(coming)))
    at = world.clock.now()
    alarm = make_broadcast(at, source=make_source(B, size_bytes=500_000), class_=BroadcastClass.EMERGENCY)
    world.urge(make_urgent(make_entry(alarm, issued_at=at), issued_at=at))
    world.go(at + minutes(2))
    assert set(world.recordings.sizes) == {A, B, SIREN}
    assert [report.occurrence for report in world.plays()] == [occurrence_id(alarm.id, at)]
