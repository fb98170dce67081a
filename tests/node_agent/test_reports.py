"""From what ought to sound and what did to reports: a table, cues, and a property over whole days."""

import tempfile
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loa.node_agent.core.cues import make_cues
from loa.node_agent.core.plan import Plan, make_plan, window_at
from loa.node_agent.core.plays import Play, Stretch
from loa.node_agent.core.reports import Reality, is_owed, report_on
from loa.node_agent.core.shelf import Seen, Shelf
from loa.protocol.broadcast import Broadcast
from loa.protocol.ids import RecordingId, occurrence_id
from loa.protocol.kinds import BroadcastClass
from loa.protocol.programme import NodeSettings
from loa.protocol.reasons import Reason
from loa.protocol.units import DurationMs, GainDb
from loa.schedules.policy import default_policy
from tests.node_agent.makers import (
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

START = NOON + minutes(1)
OTHER = RecordingId("c" * 64)


def plan_of(broadcast: Broadcast, **sounds: datetime) -> Plan:
    entry = make_entry(broadcast)
    config = make_config()
    window = window_at(NOON, NOON, 86_400_000, config.tz)
    here = {SOUND: NOON, **{RecordingId(name): at for name, at in sounds.items()}}
    return make_plan(Shelf(entries={entry.id: Seen(entry, NOON)}), here, config, window)


def stretch(from_s: float, to_s: float, offset_s: float = 0) -> Stretch:
    return Stretch(
        from_at=START + seconds(from_s),
        to_at=START + seconds(to_s),
        offset_ms=DurationMs(int(offset_s * 1000)),
        played_ms=DurationMs(int((to_s - from_s) * 1000)),
    )


@pytest.mark.parametrize(
    ("done", "trouble", "off_until", "expected"),
    [
        ((stretch(0, 60),), None, 0, (Reason.COMPLETE, 0, 60_000)),
        ((stretch(0.3, 60, 0.3),), None, 0, (Reason.COMPLETE, 300, 59_700)),
        ((stretch(0, 20), stretch(40, 60, 40)), None, 0, (Reason.PARTLY, 0, 40_000)),
        ((stretch(30, 60, 30),), None, 90, (Reason.PARTLY, 30_000, 30_000)),
        ((), None, 600, (Reason.POWER_LOST, 0, 0)),
        ((), Reason.SOUND_MISSING, 0, (Reason.SOUND_MISSING, 0, 0)),
        ((), None, 0, (Reason.PLAYER_FAILED, 0, 0)),
    ],
    ids=["whole", "a little late", "with a hole", "came back", "was off", "no sound", "player silent"],
)
def test_a_report_says_what_sounded(
    done: tuple[Stretch, ...], trouble: Reason | None, off_until: int, expected: tuple[Reason, int, int]
) -> None:
    broadcast = make_broadcast(START)
    name = occurrence_id(broadcast.id, START)
    play = Play(occurrence=name, done=done, trouble=trouble)
    reality = Reality(plays={name: play}, running_since=NOON + seconds(off_until))
    report = report_on(plan_of(broadcast), name, reality)
    assert (report.outcome, report.late_ms, report.played_ms) == expected
    assert report.planned_at == START


def test_repeats_from_before_the_issue_are_owed_to_nobody() -> None:
    plan = plan_of(make_broadcast(NOON - timedelta(days=3, minutes=30), rrule="FREQ=DAILY"))
    owed = [name for name in plan.outcomes if is_owed(plan, name, NOON - timedelta(days=9))]
    assert [plan.items[name].start_at for name in sorted(owed)] == [NOON + timedelta(days=1, minutes=-30)]


def test_cues_follow_the_volume_cap_and_stay_the_same_when_asked_again() -> None:
    nine = NOON + minutes(9 * 60)
    broadcast = make_broadcast(nine - minutes(1), source=make_source(duration_ms=120_000))
    config = make_config(policy=default_policy())
    entry = make_entry(broadcast)
    window = window_at(NOON, NOON, 86_400_000, config.tz)
    plan = make_plan(Shelf(entries={entry.id: Seen(entry, NOON)}), {SOUND: NOON}, config, window)

    def cues(at: datetime) -> list[tuple[datetime, datetime, int, float]]:
        found = make_cues(
            plan, at, at + minutes(30), running_since=NOON, path_of=lambda name: Path(f"{name}.ogg")
        )
        return [(cue.start_at, cue.stop_at, cue.offset_ms, cue.gain_db) for cue in found]

    loud = (nine - minutes(1), nine, 0, 0.0)
    low = (nine, nine + minutes(1), 60_000, -15.0)
    assert cues(nine - minutes(5)) == cues(nine - seconds(10)) == [loud, low]


@pytest.mark.parametrize(
    ("class_", "hour", "gain_db"),
    [
        (BroadcastClass.NORMAL, 0, -10.0),
        (BroadcastClass.NORMAL, 9, -15.0),
        (BroadcastClass.EMERGENCY, 0, 0.0),
        (BroadcastClass.EMERGENCY, 9, -6.0),
    ],
)
def test_the_lower_of_volume_and_cap_holds_but_for_emergencies(
    class_: BroadcastClass, hour: int, gain_db: float
) -> None:
    """Noon and nine in the evening; the cap of the night is 15 dB, for emergencies 6."""
    at = NOON + minutes(60 * hour)
    config = make_config(policy=default_policy(), settings=NodeSettings(volume_db=GainDb(-10)))
    entry = make_entry(make_broadcast(at, class_=class_))
    plan = make_plan(
        Shelf(entries={entry.id: Seen(entry, NOON)}),
        {SOUND: NOON},
        config,
        window_at(NOON, NOON, 86_400_000, config.tz),
    )
    found = make_cues(plan, at, at + minutes(1), running_since=NOON, path_of=Path)
    assert {cue.gain_db for cue in found} == {gain_db}


_acts = st.lists(
    st.one_of(
        st.tuples(st.just("go"), st.integers(1, 8)),
        st.tuples(st.just("off"), st.integers(0, 8)),
        st.tuples(st.just("stop"), st.integers(1, 5)),
        st.tuples(st.just("withdraw"), st.integers(0, 3)),
        st.tuples(st.just("alarm"), st.integers(0, 3)),
    ),
    max_size=7,
)


class Story:
    """Lets acts happen to a world with four broadcasts, and gathers every report whatever is lost."""

    def __init__(self, folder: Path) -> None:
        self.world = World(folder, NOON)
        self.world.configure(make_config())
        self.world.offer(SOUND)
        self.world.offer(OTHER)
        self.broadcasts = [
            make_broadcast(NOON + minutes(2 + 3 * n), title=f"{n}", source=make_source(duration_ms=150_000))
            for n in range(4)
        ]
        self.version = 1
        self.expected = {
            occurrence_id(b.id, NOON + minutes(2 + 3 * n)) for n, b in enumerate(self.broadcasts)
        }
        later = make_broadcast(NOON + timedelta(days=2), source=make_source(OTHER))
        self.world.issue(make_programme(*(make_entry(b) for b in (*self.broadcasts, later))))

    def act(self, what: str, number: int) -> None:
        world, now = self.world, self.world.clock.now()
        self.version += 1
        if what == "go":
            world.go(now + minutes(number), step=seconds(1))
        elif what == "off":
            world.sleep_until(now + minutes(number))
            world.restart()
        elif what == "stop":
            silence = make_silence(now, now + minutes(number), number=self.version)
            world.urge(make_urgent(version=self.version, issued_at=now, silences=(silence,)))
        elif what == "withdraw":
            withdrawal = make_withdrawal(self.broadcasts[number].id, now, number=self.version)
            world.urge(make_urgent(version=self.version, issued_at=now, withdrawals=(withdrawal,)))
        else:
            source = make_source(OTHER, duration_ms=20_000)
            alarm = make_broadcast(
                now.replace(microsecond=0),
                title=f"{self.version}",
                source=source,
                class_=BroadcastClass.EMERGENCY,
            )
            self.expected.add(occurrence_id(alarm.id, now.replace(microsecond=0)))
            entry = make_entry(alarm, issued_at=now)
            world.urge(make_urgent(entry, version=self.version, issued_at=now))


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(_acts)
def test_whatever_happens_every_occurrence_is_reported_once_and_two_never_sound_together(
    acts: list[tuple[str, int]],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        story = Story(Path(folder))
        for what, number in acts:
            story.act(what, number)
        story.world.restart()
        story.world.go(max(story.world.clock.now(), NOON + minutes(45)) + minutes(20), step=seconds(1))
        plays = story.world.plays()
        assert sorted(report.occurrence for report in plays) == sorted(story.expected)
        assert [report.number for report in story.world.reports()] == list(
            range(1, len(story.world.reports()) + 1)
        )
        pieces = sorted((piece.from_at, piece.to_at) for report in plays for piece in report.pieces)
        assert all(one[1] <= other[0] for one, other in pairwise(pieces))
