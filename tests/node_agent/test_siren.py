"""The siren in place of an emergency without its sound: plans by a table and properties, and an agent."""

import itertools
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loa.node_agent.core.cues import make_cues
from loa.node_agent.core.plan import Plan, make_plan, window_at
from loa.node_agent.core.shelf import Seen, Shelf
from loa.node_agent.core.stand_ins import Siren
from loa.protocol.broadcast import Broadcast, Entry
from loa.protocol.ids import RecordingId, broadcast_of, occurrence_id
from loa.protocol.kinds import BroadcastClass, StandingMessage
from loa.protocol.programme import Silence, Withdrawal
from loa.protocol.reasons import ProblemCode, Reason
from loa.schedules.model import Segment
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
OWN, OTHER, WAIL = RecordingId("a" * 64), RecordingId("c" * 64), RecordingId("5" * 64)
SIREN = Siren(source=make_source(WAIL, duration_ms=20_000), since=NOON - minutes(1))
ALL_DAY = window_at(NOON, NOON, 86_400_000, "Asia/Ho_Chi_Minh")


def alarm(start_at: datetime = START, *, recording: RecordingId = OWN, authority: int = 20) -> Broadcast:
    """Lasts a minute, may begin for ten."""
    return make_broadcast(
        start_at,
        title=f"alarm {authority} {recording[:1]}",
        class_=BroadcastClass.EMERGENCY,
        source=make_source(recording),
        authority=authority,
    )


def item(start_at: datetime, *, minutes_long: float = 5) -> Broadcast:
    return make_broadcast(start_at, source=make_source(OTHER, duration_ms=int(minutes_long * 60_000)))


def plan(
    *broadcasts: Broadcast,
    sounds: Mapping[RecordingId, datetime],
    siren: Siren | None = SIREN,
    silences: Sequence[Silence] = (),
    withdrawals: Sequence[Withdrawal] = (),
) -> Plan:
    entries = [make_entry(one) for one in broadcasts]
    shelf = Shelf(
        entries={entry.id: Seen(entry, NOON) for entry in entries},
        silences={one.id: Seen(one, one.issued_at) for one in silences},
        withdrawals={one.id: Seen(one, one.issued_at) for one in withdrawals},
    )
    return make_plan(shelf, sounds, make_config(), ALL_DAY, siren)


def heard(found: Plan) -> list[tuple[str, float, float, float]]:
    """Title or siren, from, to, offset; in seconds from the start."""
    titles = {item.id: found.sources[broadcast_of(item.id)].recording[0] for item in found.items.values()}
    rows = [(titles[one.item_id], one) for one in found.segments] + [("siren", one) for one in found.sirens]
    return sorted(
        (name, _s(one.from_at - START), _s(one.to_at - START), one.offset_ms / 1000) for name, one in rows
    )


def _s(length: timedelta) -> float:
    return length / seconds(1)


def test_the_siren_sounds_from_the_start_as_long_as_the_emergency_may_still_begin() -> None:
    found = plan(alarm(), sounds={})
    assert heard(found) == [("siren", 0, 600, 0)]
    (outcome,) = found.outcomes.values()
    assert (outcome.reason, outcome.at, outcome.sounded_ms) == (Reason.SOUND_MISSING, START + seconds(600), 0)


@pytest.mark.parametrize("after_s", [0.3, 3, 40, 599])
def test_the_sound_begins_from_its_beginning_where_the_siren_ends(after_s: float) -> None:
    found = plan(alarm(), sounds={OWN: START + seconds(after_s)})
    assert heard(found) == [("a", after_s, after_s + 60, 0), ("siren", 0, after_s, 0)]
    assert [one.reason for one in found.outcomes.values()] == [Reason.COMPLETE]


def test_the_grace_of_messages_cuts_off_nothing_of_an_emergency() -> None:
    found = plan(alarm(NOON + seconds(1)), sounds={OWN: NOON + seconds(4)})
    assert heard(found) == [("a", -56, 4, 0), ("siren", -59, -56, 0)]


def test_a_sound_that_was_there_in_time_needs_no_siren() -> None:
    assert heard(plan(alarm(), sounds={OWN: START})) == [("a", 0, 60, 0)]


def test_a_sound_that_comes_too_late_does_not_begin() -> None:
    found = plan(alarm(), sounds={OWN: START + seconds(601)})
    assert heard(found) == [("siren", 0, 600, 0)]
    assert [one.reason for one in found.outcomes.values()] == [Reason.EXPIRED]


def test_a_siren_that_comes_late_begins_when_it_comes() -> None:
    late = Siren(source=SIREN.source, since=START + seconds(2))
    assert heard(plan(alarm(), sounds={OWN: START + seconds(9)}, siren=late)) == [
        ("a", 9, 69, 0),
        ("siren", 2, 9, 0),
    ]


def test_without_a_siren_the_others_go_on() -> None:
    found = plan(alarm(), item(START - seconds(60)), sounds={OTHER: NOON}, siren=None)
    assert heard(found) == [("c", -60, 240, 0)]


def test_no_siren_stands_in_for_what_is_no_emergency() -> None:
    assert heard(plan(item(START), sounds={})) == []


def test_the_siren_interrupts_and_what_it_interrupted_goes_on_after_the_emergency() -> None:
    found = plan(alarm(), item(START - seconds(60)), sounds={OTHER: NOON, OWN: START + seconds(30)})
    assert heard(found) == [
        ("a", 30, 90, 0),
        ("c", -60, 0, 0),
        ("c", 90, 330, 60),
        ("siren", 0, 30, 0),
    ]


@pytest.mark.parametrize("whole", [True, False], ids=["broadcast", "occurrence"])
def test_a_withdrawal_ends_the_siren_and_the_occurrence(*, whole: bool) -> None:
    broadcast = alarm()
    (name,) = plan(broadcast, sounds={}).items
    withdrawal = make_withdrawal(broadcast.id if whole else name, START + seconds(15))
    found = plan(broadcast, sounds={}, withdrawals=[withdrawal])
    assert heard(found) == [("siren", 0, 15, 0)]
    outcome = found.outcomes[name]
    assert (outcome.reason, outcome.at, outcome.by) == (
        Reason.WITHDRAWN,
        START + seconds(15),
        withdrawal.id,
    )
    assert not found.wanted, "nobody pays for a sound that was withdrawn"


@pytest.mark.parametrize(("authority", "ends_s"), [(19, 600), (20, 15), (40, 15)])
def test_a_siren_is_silenced_by_whoever_may_silence_its_emergency(authority: int, ends_s: float) -> None:
    silence = make_silence(START + seconds(15), START + minutes(30), authority=authority)
    found = plan(alarm(), sounds={}, silences=[silence])
    assert heard(found) == [("siren", 0, ends_s, 0)]
    assert [one.reason for one in found.outcomes.values()] == [
        Reason.SOUND_MISSING if ends_s == 600 else Reason.SILENCED
    ]


@pytest.mark.parametrize(
    ("authority", "expected"),
    [
        (19, [("c", 30 + 60, 30 + 120, 0)]),
        (20, [("c", 10, 70, 0)]),
        (40, [("c", 10, 70, 0)]),
    ],
    ids=["lower", "equal", "higher"],
)
def test_a_siren_gives_way_to_a_real_emergency_of_its_rank_and_not_to_a_lower_one(
    authority: int, expected: list[tuple[str, float, float, float]]
) -> None:
    other = alarm(START + seconds(10), recording=OTHER, authority=authority)
    found = heard(plan(alarm(), other, sounds={OTHER: NOON, OWN: START + seconds(30)}))
    assert [row for row in found if row[0] == "c"] == expected
    assert found[0][0] == "a"


def test_the_siren_goes_round_without_a_gap_and_its_cues_stay_the_same() -> None:
    found = plan(alarm(), sounds={OWN: START + seconds(50)})

    def cues(at: datetime) -> list[tuple[str, float, float, int]]:
        made = make_cues(
            found, at, at + minutes(30), running_since=NOON, path_of=lambda name: Path(f"{name[0]}.ogg")
        )
        return [
            (cue.path.stem, _s(cue.start_at - START), _s(cue.stop_at - START), cue.offset_ms) for cue in made
        ]

    rounds = [("5", 0, 20, 0), ("5", 20, 40, 0), ("5", 40, 50, 0)]
    assert cues(NOON) == [("a", 50, 110, 0), *rounds]
    assert cues(START + seconds(25)) == [("a", 50, 110, 0), *rounds[1:]]


def test_an_emergency_whose_file_is_lost_is_stood_in_for_by_cues_alone() -> None:
    found = plan(alarm(), item(START + minutes(5)), sounds={OWN: NOON, OTHER: NOON})
    made = make_cues(
        found,
        NOON,
        NOON + minutes(30),
        running_since=NOON,
        path_of=lambda name: Path("5.ogg") if name == WAIL else None,
    )
    assert [(_s(one.start_at - START), _s(one.stop_at - START)) for one in made] == [
        (0, 20),
        (20, 40),
        (40, 60),
    ]
    assert {one.occurrence.partition(":")[0] for one in made} == {"siren"}


# Properties.

_NAMES = [RecordingId(letter * 64) for letter in "abcdef"]
_moments = st.integers(0, 60).map(lambda number: NOON + seconds(20 * number))
_alarms = st.builds(
    lambda at, name, rank: alarm(at, recording=_NAMES[name], authority=rank),
    _moments,
    st.integers(0, 2),
    st.sampled_from([10, 20, 20, 40]),
)
_items = st.builds(
    lambda at, name, length: make_broadcast(
        at, title=f"item {length}", source=make_source(_NAMES[name], duration_ms=length * 20_000)
    ),
    _moments,
    st.integers(3, 5),
    st.integers(1, 12),
)
_arrivals = st.dictionaries(st.sampled_from(_NAMES), _moments)
_silences = st.lists(
    st.builds(
        lambda at, rank, number: make_silence(at, at + minutes(5), authority=rank, number=number),
        _moments,
        st.sampled_from([10, 20, 40]),
        st.integers(1, 9),
    ),
    max_size=2,
    unique_by=lambda one: one.id,
)
_worlds = st.tuples(
    st.lists(st.one_of(_alarms, _items), min_size=1, max_size=6, unique_by=lambda one: one.id),
    _arrivals,
    _silences,
    st.one_of(st.none(), _moments),
)


def _lay(
    entries: Sequence[Entry],
    arrivals: Mapping[RecordingId, datetime],
    silences: Sequence[Silence],
    siren_at: datetime | None,
    known_by: datetime,
) -> Plan:
    """By what a node knows at an instant; items come at their issue, the beginning."""
    shelf = Shelf(
        entries={entry.id: Seen(entry, NOON) for entry in entries},
        silences={one.id: Seen(one, one.issued_at) for one in silences if one.issued_at <= known_by},
    )
    sounds = {name: at for name, at in arrivals.items() if at <= known_by}
    has_siren = siren_at is not None and siren_at <= known_by
    siren = Siren(source=SIREN.source, since=siren_at) if siren_at and has_siren else None
    return make_plan(shelf, sounds, make_config(), ALL_DAY, siren)


def _before(segments: Sequence[Segment], at: datetime) -> list[tuple[object, ...]]:
    return [
        (one.item_id, one.from_at, min(one.to_at, at), one.offset_ms) for one in segments if one.from_at < at
    ]


@settings(max_examples=150, deadline=None)
@given(_worlds, _moments)
def test_what_comes_at_an_instant_changes_nothing_before_it(
    world: tuple[list[Broadcast], dict[RecordingId, datetime], list[Silence], datetime | None], at: datetime
) -> None:
    broadcasts, arrivals, silences, siren_at = world
    entries = [make_entry(one) for one in broadcasts]
    then = _lay(entries, arrivals, silences, siren_at, at)
    later = _lay(entries, arrivals, silences, siren_at, NOON + timedelta(days=1))
    assert _before(then.segments, at) == _before(later.segments, at)
    assert _before(then.sirens, at) == _before(later.sirens, at)


@settings(max_examples=150, deadline=None)
@given(_worlds)
def test_siren_and_sounds_never_overlap_and_the_siren_ends_before_its_own_sound(
    world: tuple[list[Broadcast], dict[RecordingId, datetime], list[Silence], datetime | None],
) -> None:
    broadcasts, arrivals, silences, siren_at = world
    entries = [make_entry(one) for one in broadcasts]
    found = _lay(entries, arrivals, silences, siren_at, NOON + timedelta(days=1))
    every = sorted([*found.segments, *found.sirens], key=lambda one: one.from_at)
    assert all(one.to_at <= other.from_at for one, other in itertools.pairwise(every))
    for siren in found.sirens:
        item_ = found.items[siren.item_id]
        came_at = arrivals.get(found.source(siren.item_id).recording)
        assert item_.class_ is BroadcastClass.EMERGENCY
        assert siren_at is not None
        assert max(siren_at, item_.start_at) <= siren.from_at
        assert siren.to_at <= min(came_at or item_.not_after_at, item_.not_after_at)
        own = [one.from_at for one in found.segments if one.item_id == siren.item_id]
        assert all(siren.to_at <= from_at for from_at in own)


@settings(max_examples=100, deadline=None)
@given(_worlds)
def test_a_siren_changes_nothing_where_every_sound_is_there(
    world: tuple[list[Broadcast], dict[RecordingId, datetime], list[Silence], datetime | None],
) -> None:
    broadcasts, _, silences, siren_at = world
    entries = [make_entry(one) for one in broadcasts]
    arrivals = dict.fromkeys(_NAMES, NOON)
    end = NOON + timedelta(days=1)
    with_siren = _lay(entries, arrivals, silences, siren_at, end)
    without = _lay(entries, arrivals, silences, None, end)
    assert (with_siren.segments, with_siren.outcomes) == (without.segments, without.outcomes)
    assert not with_siren.sirens


# The agent.


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A node that has the standing siren."""
    world = World(tmp_path, NOON)
    world.offer(WAIL)
    config = make_config().model_copy(update={"standing": {StandingMessage.SIREN: SIREN.source}})
    world.configure(config)
    world.settle()
    assert world.recordings.sizes == {WAIL: 1_000}
    return world


def test_the_log_tells_of_the_siren_and_of_the_sound_apart(world: World) -> None:
    issued_at = world.clock.now()
    at = issued_at + seconds(10)
    urgent = make_entry(alarm(at), issued_at=issued_at)
    world.urge(make_urgent(urgent, issued_at=issued_at))
    world.go(at + seconds(45))
    name = occurrence_id(urgent.id, at)
    assert (world.sounding.sounding, world.sounding.siren_for) == (None, name)
    world.offer(SOUND)
    world.go(at + minutes(3))
    (report,) = world.plays()
    assert (report.outcome, report.played_ms) == (Reason.COMPLETE, 60_000)
    assert 44_000 <= report.siren_ms <= 46_000
    assert [one.offset_ms for one in report.pieces] == [0]
    assert report.pieces[0].from_at >= at + seconds(45)
    assert report.known_at == report.pieces[0].from_at
    assert [one.code for one in world.problems()] == [ProblemCode.RECORDING_MISSING]


def test_an_emergency_of_which_only_the_siren_sounded_never_counts_as_sounded(world: World) -> None:
    at = world.clock.now()
    world.urge(make_urgent(make_entry(alarm(at), issued_at=at), issued_at=at))
    world.go(at + minutes(12))
    (report,) = world.plays()
    assert (report.outcome, report.played_ms, report.pieces) == (Reason.SOUND_MISSING, 0, ())
    assert 599_000 <= report.siren_ms <= 600_000


def test_a_stop_ends_the_siren_at_once_and_the_log_says_who_stopped_it(world: World) -> None:
    at = world.clock.now()
    world.urge(make_urgent(make_entry(alarm(at), issued_at=at), issued_at=at))
    world.go(at + seconds(15))
    silence = make_silence(at + seconds(15), at + minutes(30))
    world.urge(make_urgent(version=2, issued_at=at + seconds(15), silences=(silence,)))
    assert world.player.status().sounding is None
    world.offer(SOUND)
    world.go(at + minutes(3))
    (report,) = world.plays()
    assert (report.outcome, report.by, report.played_ms) == (Reason.SILENCED, silence.id, 0)
    assert 14_000 <= report.siren_ms <= 15_500


def test_a_loss_of_power_under_the_siren_keeps_what_sounded_and_goes_on(world: World) -> None:
    at = world.clock.now()
    world.urge(make_urgent(make_entry(alarm(at), issued_at=at), issued_at=at))
    world.go(at + seconds(25))
    world.sleep_until(at + seconds(60))
    world.restart()
    world.go(at + seconds(90))
    world.offer(SOUND)
    world.go(at + minutes(4))
    (report,) = world.plays()
    assert (report.outcome, report.played_ms) == (Reason.COMPLETE, 60_000)
    assert 44_000 <= report.siren_ms <= 56_000, "at most the last 10 s before the loss are in doubt"


def test_an_emergency_that_is_a_standing_message_needs_no_fetch(world: World) -> None:
    world.on_offer.clear()
    at = world.clock.now()
    urgent = make_entry(alarm(at, recording=WAIL), issued_at=at)
    world.urge(make_urgent(urgent, issued_at=at))
    assert world.fetching.missing == 0
    world.go(at + minutes(2))
    (report,) = world.plays()
    assert (report.outcome, report.late_ms, report.siren_ms) == (Reason.COMPLETE, 0, 0)


def test_another_siren_stands_in_as_soon_as_it_is_here_and_not_before(world: World) -> None:
    other = RecordingId("6" * 64)
    source = make_source(other, duration_ms=12_000)
    at = world.clock.now()
    config = make_config(version=2, issued_at=at)
    world.configure(config.model_copy(update={"standing": {StandingMessage.SIREN: source}}))
    world.urge(make_urgent(make_entry(alarm(at), issued_at=at), issued_at=at))
    world.go(at + seconds(30))
    assert world.player.status().sounding is not None
    assert {cue.path.stem for cue in world.player.plans[-1]} == {WAIL}
    world.offer(other)
    world.go(at + seconds(60))
    assert {cue.path.stem for cue in world.player.plans[-1]} == {other}
    assert world.memory.siren == Siren(source=source, since=NOON), "what sounded before stays as it was"
    world.offer(SOUND)
    world.go(at + minutes(3))
    (report,) = world.plays()
    assert 59_000 <= report.siren_ms <= 61_000


def test_a_siren_is_kept_over_days_and_restarts(world: World) -> None:
    world.issue(make_programme(make_entry(make_broadcast(NOON + minutes(1)))))
    world.go(NOON + timedelta(days=3), step=minutes(30))
    world.restart()
    assert world.memory.siren is not None
    assert world.recordings.is_sound(WAIL)
