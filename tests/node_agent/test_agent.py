"""A day in the life of an agent, on fakes and in simulated time."""

import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest

from loa.node_agent.adapters.disk import SqliteDisk
from loa.node_agent.errors import WrongDigestError
from loa.node_agent.ports import Message
from loa.protocol.ids import AreaId, RecordingId, occurrence_id
from loa.protocol.kinds import BroadcastClass, Late
from loa.protocol.programme import NodeSettings
from loa.protocol.reasons import ProblemCode, Reason, RefusalReason
from loa.protocol.units import DurationMs, SizeBytes
from tests.fakes.node_disk import FakeDisk
from tests.node_agent.makers import (
    AREA,
    NOON,
    SOUND,
    make_broadcast,
    make_config,
    make_entry,
    make_programme,
    make_silence,
    make_source,
    make_urgent,
    make_withdrawal,
    minutes,
    seconds,
)
from tests.node_agent.rig import World

OTHER = RecordingId("c" * 64)


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A configured node to which every recording can come."""
    world = World(tmp_path, NOON)
    world.configure(make_config())
    world.offer(SOUND)
    world.offer(OTHER)
    return world


def test_a_broadcast_is_fetched_played_and_reported(world: World) -> None:
    broadcast = make_broadcast(NOON + minutes(1))
    world.issue(make_programme(make_entry(broadcast)))
    world.go(NOON + minutes(3))
    (report,) = world.plays()
    assert report.occurrence == occurrence_id(broadcast.id, NOON + minutes(1))
    assert (report.outcome, report.late_ms, report.played_ms) == (Reason.COMPLETE, 0, 60_000)
    assert [(p.from_at, p.to_at, p.offset_ms) for p in report.pieces] == [
        (NOON + minutes(1), NOON + minutes(2), 0)
    ]


def test_an_emergency_interrupts_and_the_rest_follows(world: World) -> None:
    source = make_source(duration_ms=300_000)
    world.issue(make_programme(make_entry(make_broadcast(NOON + minutes(1), source=source))))
    world.go(NOON + minutes(2))
    at = NOON + minutes(2)
    alarm = make_broadcast(at, source=make_source(OTHER), class_=BroadcastClass.EMERGENCY)
    tomorrow = make_broadcast(at + minutes(900), source=make_source(OTHER))
    world.issue(make_programme(make_entry(tomorrow, issued_at=at), version=2, issued_at=at))
    world.urge(make_urgent(make_entry(alarm, issued_at=at), issued_at=at))
    world.go(NOON + minutes(9))
    emergency, normal = world.plays()
    assert emergency.occurrence.startswith(alarm.id)
    assert [(p.from_at, p.offset_ms) for p in normal.pieces] == [
        (NOON + minutes(1), 0),
        (NOON + minutes(3), 60_000),
    ]
    assert (normal.outcome, normal.played_ms) == (Reason.COMPLETE, 300_000)


def test_stop_silences_at_once_and_what_was_approved_before(world: World) -> None:
    first = make_broadcast(NOON + minutes(1), source=make_source(duration_ms=300_000))
    second = make_broadcast(NOON + minutes(10), title="second")
    world.issue(make_programme(make_entry(first), make_entry(second)))
    world.go(NOON + minutes(2))
    silence = make_silence(NOON + minutes(2), NOON + minutes(30))
    world.urge(make_urgent(issued_at=NOON + minutes(2), silences=(silence,)))
    assert world.player.status().sounding is None
    world.go(NOON + minutes(20))
    assert [(r.outcome, r.by, r.played_ms) for r in world.plays()] == [
        (Reason.SILENCED, silence.id, 60_000),
        (Reason.SILENCED, silence.id, 0),
    ]


def test_a_withdrawal_takes_a_broadcast_off(world: World) -> None:
    broadcast = make_broadcast(NOON + minutes(5))
    world.issue(make_programme(make_entry(broadcast)))
    world.urge(make_urgent(withdrawals=(make_withdrawal(broadcast.id, NOON),)))
    world.go(NOON + minutes(7))
    assert [report.outcome for report in world.plays()] == [Reason.WITHDRAWN]
    assert not world.player.status().sounding


def test_a_late_recording_lets_others_go_on_and_its_item_begins_whole_when_it_comes(world: World) -> None:
    world.on_offer.clear()
    late = make_broadcast(NOON + minutes(1))
    ready = make_broadcast(NOON + minutes(2), source=make_source(OTHER), title="ready")
    world.offer(OTHER)
    world.issue(make_programme(make_entry(late), make_entry(ready)))
    world.go(NOON + minutes(4))
    world.offer(SOUND)
    world.downloads.jobs = list(world.fetching._jobs)
    world.go(NOON + minutes(6))
    reports = {r.occurrence[:64]: r for r in world.plays()}
    assert (reports[ready.id].late_ms, reports[ready.id].outcome) == (0, Reason.COMPLETE)
    assert (reports[late.id].outcome, reports[late.id].pieces[0].offset_ms) == (Reason.COMPLETE, 0)
    assert reports[late.id].pieces[0].from_at >= NOON + minutes(4)
    assert reports[late.id].known_at is not None
    assert [p.code for p in world.problems()] == [ProblemCode.RECORDING_MISSING]


def test_a_recording_that_comes_late_joins_by_the_clock_where_the_broadcast_says_so(world: World) -> None:
    world.on_offer.clear()
    late = make_broadcast(NOON + minutes(1), late=Late.JOIN)
    world.issue(make_programme(make_entry(late)))
    world.go(NOON + minutes(1.5))
    world.offer(SOUND)
    world.downloads.jobs = list(world.fetching._jobs)
    world.go(NOON + minutes(4))
    (report,) = world.plays()
    assert report.outcome is Reason.PARTLY
    assert 30_000 <= report.pieces[0].offset_ms < 32_000


def test_a_recording_that_never_comes_is_reported_when_it_may_no_longer_begin(world: World) -> None:
    world.on_offer.clear()
    world.issue(make_programme(make_entry(make_broadcast(NOON + minutes(1)))))
    world.go(NOON + minutes(10))
    assert world.plays() == []
    world.go(NOON + minutes(12))
    assert [report.outcome for report in world.plays()] == [Reason.SOUND_MISSING]


def test_a_node_that_was_off_tells_of_every_occurrence_that_it_missed(world: World) -> None:
    world.issue(make_programme(make_entry(make_broadcast(NOON + minutes(1), rrule="FREQ=DAILY"))))
    world.go(NOON + minutes(3))
    world.sleep_until(NOON + timedelta(days=3))
    world.restart()
    world.go(NOON + timedelta(days=3, minutes=3))
    outcomes = [report.outcome for report in world.plays()]
    assert outcomes == [Reason.COMPLETE, Reason.POWER_LOST, Reason.POWER_LOST, Reason.COMPLETE]


def test_a_daily_broadcast_goes_on_for_days_with_nobody_there(world: World) -> None:
    world.issue(make_programme(make_entry(make_broadcast(NOON + minutes(1), rrule="FREQ=DAILY"))))
    world.broker.go_down()
    for day in range(4):
        world.go(NOON + timedelta(days=day), step=minutes(30))
        world.go(NOON + timedelta(days=day, minutes=3))
    world.broker.come_up()
    world.go(NOON + timedelta(days=3, minutes=5))
    assert [(report.outcome, report.late_ms) for report in world.plays()] == [(Reason.COMPLETE, 0)] * 4


def test_after_a_loss_of_power_an_item_goes_on_by_the_clock_and_is_partly(world: World) -> None:
    broadcast = make_broadcast(NOON + minutes(1), source=make_source(duration_ms=120_000))
    world.issue(make_programme(make_entry(broadcast)))
    world.go(NOON + minutes(1) + seconds(25))
    world.sleep_until(NOON + minutes(2))
    world.restart()
    world.go(NOON + minutes(4))
    (report,) = world.plays()
    assert report.outcome is Reason.PARTLY
    first, second = report.pieces
    assert first.from_at == NOON + minutes(1)
    assert seconds(14) <= first.to_at - first.from_at <= seconds(25), "at most the last 10 s are in doubt"
    assert (second.from_at, second.offset_ms) == (NOON + minutes(2), 60_000)


def test_nothing_is_reported_twice_over_restarts_without_receipts(world: World) -> None:
    world.gives_receipts = False
    world.issue(make_programme(make_entry(make_broadcast(NOON + minutes(1)))))
    for minute in range(2, 8):
        world.go(NOON + minutes(minute))
        world.restart()
    world.go(NOON + minutes(9))
    assert [(report.number, report.outcome) for report in world.plays()] == [(1, Reason.COMPLETE)]


def test_reports_are_sent_again_until_a_receipt_comes_and_then_forgotten(world: World) -> None:
    world.gives_receipts = False
    world.issue(make_programme(make_entry(make_broadcast(NOON + minutes(1)))))
    world.go(NOON + minutes(4))
    sent = [topic for topic, _ in world.broker.published if topic.endswith("/reports")]
    assert len(sent) > 2
    world.give_receipt(1)
    assert world.disk.count_unsent({}) == 0
    before = len(world.broker.published)
    world.go(NOON + minutes(5))
    assert not [topic for topic, _ in world.broker.published[before:] if topic.endswith("/reports")]


def test_it_goes_on_without_the_broker_and_says_hello_when_it_is_back(world: World) -> None:
    world.issue(make_programme(make_entry(make_broadcast(NOON + minutes(2)))))
    world.broker.go_down()
    world.go(NOON + minutes(4))
    assert world.plays() == []
    before = len(world.broker.published)
    world.broker.come_up()
    world.go(NOON + minutes(5))
    assert [report.outcome for report in world.plays()] == [Reason.COMPLETE]
    assert world.broker.published[before][0].endswith("/hello")


def test_an_old_version_is_refused_and_reported_once(world: World) -> None:
    alarm = make_broadcast(NOON, class_=BroadcastClass.EMERGENCY)
    world.urge(make_urgent(version=5))
    for _ in range(3):
        world.urge(make_urgent(make_entry(alarm), version=4))
    world.go(NOON + minutes(3))
    assert [report.reason for report in world.refusals()] == [RefusalReason.STALE]
    assert world.plays() == []


def test_what_is_said_in_an_area_of_others_silences_nobody_here(world: World) -> None:
    elsewhere = AreaId("dong-thinh")
    world.issue(make_programme(make_entry(make_broadcast(NOON + minutes(1)))))
    silence = make_silence(NOON, NOON + minutes(30))
    urgent = make_urgent(silences=(silence,)).model_copy(update={"area": elsewhere})
    programme = make_programme(silences=(silence,), area=elsewhere)
    for topic, payload in world.said(urgent, programme):
        world.inbox.put(Message(topic, payload, NOON, 0.0))
    world.go(NOON + minutes(3))
    assert [report.outcome for report in world.plays()] == [Reason.COMPLETE]
    assert [report.reason for report in world.refusals()] == [RefusalReason.NOT_ADDRESSED_HERE] * 2


def test_a_stranger_in_a_genuine_programme_is_left_out_and_the_others_sound(world: World) -> None:
    from loa.protocol.keys import SigningKey  # noqa: PLC0415 -- the stranger of this test

    genuine = make_entry(make_broadcast(NOON + minutes(1)))
    forged = make_entry(make_broadcast(NOON + minutes(3), title="forged"), key=SigningKey.generate())
    world.issue(make_programme(genuine, forged))
    world.go(NOON + minutes(6))
    assert [report.reason for report in world.refusals()] == [RefusalReason.UNAPPROVED]
    assert [report.occurrence[:64] for report in world.plays()] == [genuine.id]


def test_wrong_bytes_are_reported_by_their_digest(world: World) -> None:
    world.on_offer.clear()
    world.issue(make_programme(make_entry(make_broadcast(NOON + minutes(1)))))
    (job,) = world.fetching._jobs
    world.trouble(job, WrongDigestError(SOUND, "f" * 64))
    world.go(NOON + seconds(5))
    assert [(r.reason, r.sha256) for r in world.refusals()] == [(RefusalReason.WRONG_DIGEST, "f" * 64)]


def test_a_damaged_recording_is_reported_and_fetched_anew(world: World) -> None:
    world.issue(make_programme(make_entry(make_broadcast(NOON + minutes(40)))))
    world.recordings.damaged.add(SOUND)
    world.go(NOON + minutes(16), step=seconds(5))
    assert [report.code for report in world.problems()] == [ProblemCode.RECORDING_CORRUPT]
    world.go(NOON + minutes(42), step=seconds(5))
    assert [report.outcome for report in world.plays()] == [Reason.COMPLETE]


def test_with_a_full_disk_a_stop_still_stops_and_nothing_is_lost(world: World) -> None:
    source = make_source(duration_ms=300_000)
    world.issue(make_programme(make_entry(make_broadcast(NOON + minutes(1), source=source))))
    world.go(NOON + minutes(2))
    disk = world.disk
    assert isinstance(disk, FakeDisk)
    disk.is_full = True
    at = NOON + minutes(2)
    world.urge(make_urgent(issued_at=at, silences=(make_silence(at, at + minutes(9)),)))
    assert world.player.status().sounding is None
    world.go(NOON + minutes(4))
    assert [report.outcome for report in world.plays()] == [Reason.SILENCED], "told from memory"
    assert [report.code for report in world.problems()] == [ProblemCode.DISK_FULL]
    disk.is_full = False
    world.go(NOON + minutes(6))
    world.restart()
    world.go(NOON + minutes(12))
    assert len(world.plays()) == 1
    assert len(world.problems()) == 1


def test_a_damaged_row_is_told_and_fetched_anew_and_everything_else_plays_on(world: World) -> None:
    path = world.folder / "node.db"
    world.disk = SqliteDisk(path)
    world.restart()
    world.configure(make_config())
    bad, good = make_broadcast(NOON + minutes(6)), make_broadcast(NOON + minutes(3), title="good")
    world.issue(make_programme(make_entry(bad), make_entry(good)))
    world.disk.close()
    base = sqlite3.connect(path)
    base.execute("UPDATE shelf SET content = replace(content, 'y-te', 'y-tf') WHERE name = ?", (bad.id,))
    base.commit()
    base.close()
    world.broker.go_down()
    world.disk = SqliteDisk(path)
    world.restart()
    world.go(NOON + minutes(5))
    assert set(world.memory.shelf.entries) == {good.id}
    assert world.memory.held == {}
    world.broker.come_up()
    world.go(NOON + minutes(8))
    assert [report.outcome for report in world.plays()] == [Reason.COMPLETE] * 2
    assert [report.code for report in world.problems()] == [ProblemCode.JOURNAL_CORRUPT]
    assert world.memory.held[AREA].programme == 1
    world.disk.close()


def test_what_can_no_longer_sound_is_forgotten_and_its_recording_stays_while_there_is_room(
    world: World,
) -> None:
    world.issue(make_programme(make_entry(make_broadcast(NOON + minutes(1)))))
    world.go(NOON + minutes(3))
    world.go(NOON + timedelta(days=4), step=minutes(30))
    assert world.disk.recall().shelf.is_empty()
    assert world.recordings.sizes == {SOUND: 1_000}
    assert len(world.plays()) == 1
    world.on_offer.clear()
    at = world.clock.now()
    again = make_broadcast(at + minutes(1), title="again")
    world.issue(make_programme(make_entry(again, issued_at=at), version=2, issued_at=at))
    world.go(at + minutes(3))
    assert (world.plays()[-1].outcome, world.plays()[-1].known_at) == (Reason.COMPLETE, None)


def test_a_sound_that_was_evicted_is_waited_for_when_an_emergency_needs_it_again(world: World) -> None:
    size_bytes = 600_000
    quota = NodeSettings(
        recordings_quota_bytes=SizeBytes(1_000_000),
        fetch_jitter_ms=DurationMs(0),
        reconnect_jitter_ms=DurationMs(0),
    )
    world.configure(make_config(version=2, settings=quota))
    sounds = [make_source(name, size_bytes=size_bytes) for name in (SOUND, OTHER)]
    world.issue(make_programme(make_entry(make_broadcast(NOON + minutes(1), source=sounds[0]))))
    world.go(NOON + timedelta(days=4), step=minutes(30))
    at = world.clock.now()
    other = make_broadcast(at + timedelta(days=1), source=sounds[1])
    world.issue(make_programme(make_entry(other, issued_at=at), version=2, issued_at=at))
    assert world.recordings.sizes == {OTHER: size_bytes}
    world.on_offer.clear()
    alarm = make_broadcast(at, title="alarm", class_=BroadcastClass.EMERGENCY)
    world.urge(make_urgent(make_entry(alarm, issued_at=at), issued_at=at))
    world.go(at + minutes(2))
    world.offer(SOUND)
    world.go(at + minutes(4))
    report = world.plays()[-1]
    assert (report.outcome, report.played_ms, report.pieces[0].offset_ms) == (Reason.COMPLETE, 60_000, 0)
    assert [one.code for one in world.problems()] == [ProblemCode.RECORDING_MISSING]


def test_what_a_slow_clock_refused_is_taken_once_the_clock_is_set(world: World) -> None:
    world.issue(make_programme(make_entry(make_broadcast(NOON + timedelta(days=2)))))
    world.go(NOON + seconds(5))
    later = NOON + minutes(10)
    alarm = make_broadcast(later, class_=BroadcastClass.EMERGENCY)
    world.urge(make_urgent(make_entry(alarm, issued_at=later), issued_at=later))
    world.go(NOON + seconds(10))
    assert [report.reason for report in world.refusals()] == [RefusalReason.FROM_THE_FUTURE]
    world.clock.set(later + seconds(10))
    world.go(later + seconds(11))
    assert world.player.status().sounding is not None


def test_after_a_clock_that_was_fast_what_does_not_sound_is_reported_all_the_same(world: World) -> None:
    fast = make_broadcast(NOON + minutes(121))
    stopped = make_broadcast(NOON + minutes(10), source=make_source(OTHER))
    world.clock.set(NOON + minutes(120))
    world.issue(make_programme(make_entry(fast)))
    world.go(NOON + minutes(125))
    world.clock.set(NOON)
    world.issue(make_programme(make_entry(stopped), version=2))
    silence = make_silence(NOON + minutes(1), NOON + minutes(30))
    world.urge(make_urgent(issued_at=NOON, silences=(silence,)))
    world.go(NOON + minutes(20), step=seconds(1))
    outcomes = {report.occurrence[:64]: report.outcome for report in world.plays()}
    assert outcomes == {fast.id: Reason.COMPLETE, stopped.id: Reason.SILENCED}


def test_the_state_says_what_sounds(world: World) -> None:
    settings = NodeSettings(
        fetch_jitter_ms=DurationMs(0), reconnect_jitter_ms=DurationMs(0), state_every_ms=DurationMs(3_600_000)
    )
    world.configure(make_config(version=2, settings=settings))
    world.issue(make_programme(make_entry(make_broadcast(NOON + minutes(1)))))
    world.go(NOON + seconds(50))
    before = sum(topic.endswith("/state") for topic, _ in world.broker.published)
    world.go(NOON + minutes(3))
    after = sum(topic.endswith("/state") for topic, _ in world.broker.published)
    assert after - before == 2, "one when it begins and one when it ends"
