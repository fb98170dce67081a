"""What is learnt at an instant changes nothing before it, and what is over can be forgotten."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import assume, given
from hypothesis import strategies as st

from loa.protocol.ids import OccurrenceId, broadcast_of
from loa.protocol.kinds import BroadcastClass
from loa.protocol.reasons import Reason
from loa.schedules.model import Item, Outcome, Segment, Silence, Timeline
from loa.schedules.retention import droppable_before, keep
from loa.schedules.timeline import lay_out
from tests.schedules import worlds as make
from tests.schedules.make import TZ, minutes
from tests.schedules.naive import EMERGENCY, effect_of, is_meant_for, learnt_at, ready_at
from tests.schedules.worlds import WIDE, World, worlds

DAYS_MIN = 30 * 60


def before(timeline: Timeline, at: datetime) -> tuple[list[Segment], dict[OccurrenceId, Outcome]]:
    """All that a timeline says of the time before an instant."""
    segments = [
        Segment(one.from_at, min(one.to_at, at), one.item_id, one.offset_ms)
        for one in timeline.segments
        if one.from_at < at
    ]
    return segments, {id_: outcome for id_, outcome in timeline.outcomes.items() if outcome.at < at}


def assert_same_past(world: World, other: World, at: datetime) -> None:
    assert before(world.lay_out(), at) == before(other.lay_out(), at)


@WIDE
@given(worlds(), make.items())
def test_a_new_item_changes_nothing_before_it_is_learnt(world: World, item: Item) -> None:
    assume(item.id not in {one.id for one in world.items})
    assert_same_past(world, world.with_(items=[*world.items, item]), learnt_at(item))


@WIDE
@given(worlds(), st.data())
def test_a_withdrawal_changes_nothing_before_it_is_learnt_and_works_at_once(
    world: World, data: st.DataObject
) -> None:
    withdrawal = data.draw(make.withdrawals(world.items))
    other = world.with_(withdrawals=[*world.withdrawals, withdrawal])
    assert_same_past(world, other, learnt_at(withdrawal))
    for segment in other.lay_out().segments:
        if withdrawal.target in {segment.item_id, broadcast_of(segment.item_id)}:
            assert segment.to_at <= learnt_at(withdrawal)


@WIDE
@given(worlds(), make.silences())
def test_a_silence_changes_nothing_before_its_effect_and_silences_at_once_for_good(
    world: World, silence: Silence
) -> None:
    other = world.with_(silences=[*world.silences, silence])
    effect = effect_of(silence)
    assert_same_past(world, other, effect)
    timeline = other.lay_out()
    for item in world.items:
        if is_meant_for(silence, item) and effect < silence.until_at and ready_at(item) < silence.until_at:
            assert all(one.to_at <= effect for one in timeline.segments if one.item_id == item.id)


@WIDE
@given(worlds(), st.data())
def test_a_new_order_changes_nothing_before_it_is_learnt(world: World, data: st.DataObject) -> None:
    reorder = data.draw(make.reorders(world.items))
    assert_same_past(world, world.with_(reorders=[*world.reorders, reorder]), learnt_at(reorder))


@WIDE
@given(worlds(), make.instants(), st.data())
def test_a_new_policy_changes_nothing_before_its_effect(
    world: World, at: datetime, data: st.DataObject
) -> None:
    earlier = tuple(one for one in world.policy.versions if one.effective_from < at)
    policy = world.policy.model_copy(update={"versions": (*earlier, data.draw(make.versions(at)))})
    assert_same_past(world, world.with_(policy=policy), at)


@WIDE
@given(worlds(), make.items())
def test_a_new_emergency_sounds_at_once_after_any_silence(world: World, item: Item) -> None:
    assume(item.id not in {one.id for one in world.items})
    last = max((one.issued_at for one in world.silences), default=make.DAWN)
    issued_at = max(last, item.start_at) + minutes(1)
    emergency = replace(
        item,
        class_=BroadcastClass.EMERGENCY,
        authority=9,
        approved_at=issued_at,
        issued_at=issued_at,
        start_at=issued_at,
        known_at=None,
        not_after_at=issued_at,
        last_end_at=issued_at + minutes(60),
    )
    timeline = world.with_(items=[*world.items, emergency], withdrawals=[]).lay_out()
    outcome = timeline.outcomes[emergency.id]
    assert outcome.reason is Reason.COMPLETE
    assert outcome.at == issued_at + timedelta(milliseconds=emergency.duration_ms)


@WIDE
@given(worlds(most=14, until_min=DAYS_MIN), make.instants(2 * DAYS_MIN))
def test_forgetting_what_is_over_changes_nothing(world: World, at: datetime) -> None:
    boundary = droppable_before(world.items, at, TZ)
    gone = {item.id for item in world.items if item.start_at < boundary}
    ended = {broadcast_of(id_) for id_ in gone} - {
        broadcast_of(item.id) for item in world.items if item.id not in gone
    }
    kept = keep(world.items, world.withdrawals, world.silences, before=boundary, ended=ended, tz=TZ)
    assert {item.id for item in kept.items} == {item.id for item in world.items} - gone
    whole = world.lay_out()
    part = world.with_(items=kept.items, withdrawals=kept.withdrawals, silences=kept.silences).lay_out()
    assert part.segments == tuple(one for one in whole.segments if one.item_id not in gone)
    assert part.outcomes == {id_: one for id_, one in whole.outcomes.items() if id_ not in gone}
    assert all(one.to_at <= boundary for one in whole.segments if one.item_id in gone)


@WIDE
@given(worlds(), st.data())
def test_the_same_occurrence_learnt_twice_counts_once(world: World, data: st.DataObject) -> None:
    twin = data.draw(st.sampled_from(list(world.items)))
    again = replace(twin, known_at=learnt_at(twin) + minutes(data.draw(st.integers(1, 60))))
    other = data.draw(st.permutations([*world.items, again]))
    assert world.with_(items=other).lay_out() == world.lay_out()


@WIDE
@given(worlds(), st.data())
def test_another_body_of_a_known_id_is_refused(world: World, data: st.DataObject) -> None:
    twin = data.draw(st.sampled_from(list(world.items)))
    later = learnt_at(twin) + minutes(data.draw(st.integers(1, 60)))
    forged = replace(
        twin, duration_ms=twin.duration_ms + 60_000, known_at=later, class_=EMERGENCY, authority=9
    )
    shuffled: Sequence[Item] = data.draw(st.permutations([*world.items, forged]))
    timeline = world.with_(items=shuffled).lay_out()
    assert replace(timeline, refused=()) == world.lay_out()
    assert [(one.item, one.outcome.reason, one.outcome.at) for one in timeline.refused] == [
        (forged, Reason.CONFLICTING_BODY, later)
    ]


@WIDE
@given(worlds(), make.instants())
def test_a_horizon_selects_by_start_and_cuts_nothing(world: World, horizon: datetime) -> None:
    near = [item for item in world.items if item.start_at < horizon]
    timeline = lay_out(near, world.withdrawals, world.silences, world.policy, TZ, reorders=world.reorders)
    segments, outcomes = before(world.lay_out(), horizon)
    chosen = {item.id for item in near}
    assert before(timeline, horizon) == (segments, {id_: outcomes[id_] for id_ in chosen & set(outcomes)})
    assert set(timeline.outcomes) == chosen
