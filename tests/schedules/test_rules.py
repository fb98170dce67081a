"""The rules of what sounds, as properties of any world."""

from datetime import datetime, timedelta
from itertools import pairwise
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from loa.protocol.ids import OccurrenceId
from loa.protocol.kinds import AfterInterruption, BroadcastClass, Late
from loa.protocol.policy import VolumeCap
from loa.protocol.reasons import Reason
from loa.protocol.units import GainDb
from loa.schedules.localtime import broadcast_day
from loa.schedules.model import Item, Segment, Timeline
from loa.schedules.policy import allowed_until
from tests.schedules.make import ORDINARY, TZ
from tests.schedules.naive import EMERGENCY, TICK, Naive, last_end_of, ready_at
from tests.schedules.worlds import THOROUGH, WIDE, World, worlds


def segments_of(timeline: Timeline, item: Item) -> list[Segment]:
    return [segment for segment in timeline.segments if segment.item_id == item.id]


def length_ms(segment: Segment) -> int:
    return (segment.to_at - segment.from_at) // timedelta(milliseconds=1)


def by_minute(timeline: Timeline) -> dict[datetime, tuple[OccurrenceId, timedelta]]:
    heard = {}
    for segment in timeline.segments:
        now = segment.from_at
        while now < segment.to_at:
            offset = timedelta(milliseconds=segment.offset_ms) + (now - segment.from_at)
            heard[now] = segment.item_id, offset
            now += TICK
    return heard


@THOROUGH
@given(worlds(most=7))
def test_the_sweep_agrees_with_a_walk_minute_by_minute(world: World) -> None:
    naive = Naive(
        list(world.items),
        list(world.withdrawals),
        list(world.silences),
        list(world.reorders),
        world.policy,
    )
    assert by_minute(world.lay_out()) == naive.sounding()


@WIDE
@given(worlds())
def test_segments_have_a_length_and_never_overlap(world: World) -> None:
    timeline = world.lay_out()
    assert all(segment.from_at < segment.to_at for segment in timeline.segments)
    assert all(one.to_at <= two.from_at for one, two in pairwise(timeline.segments))


@WIDE
@given(worlds(), st.randoms(use_true_random=False))
def test_the_order_of_the_input_does_not_matter(world: World, random: Random) -> None:
    shuffled = World(
        random.sample(world.items, len(world.items)),
        random.sample(world.withdrawals, len(world.withdrawals)),
        random.sample(world.silences, len(world.silences)),
        random.sample(world.reorders, len(world.reorders)),
        world.policy,
    )
    assert shuffled.lay_out() == world.lay_out()


@WIDE
@given(worlds())
def test_each_item_has_one_outcome_that_accounts_for_its_sound(world: World) -> None:
    timeline = world.lay_out()
    assert set(timeline.outcomes) == {item.id for item in world.items}
    for item in world.items:
        outcome = timeline.outcomes[item.id]
        own = segments_of(timeline, item)
        assert outcome.sounded_ms == sum(map(length_ms, own))
        assert (outcome.reason is Reason.COMPLETE) == (outcome.sounded_ms == item.duration_ms)
        assert all(segment.to_at <= outcome.at for segment in own)


@WIDE
@given(worlds())
def test_an_outcome_names_who_or_which_rule_was_the_cause(world: World) -> None:
    for outcome in world.lay_out().outcomes.values():
        by_somebody = {Reason.DISPLACED, Reason.INTERRUPTED, Reason.SILENCED, Reason.WITHDRAWN}
        by_rule = {Reason.QUIET_HOURS, Reason.INTO_QUIET_HOURS, Reason.MINUTES_USED_UP}
        assert (outcome.by is not None) == (outcome.reason in by_somebody)
        assert (outcome.legal_source is not None) == (outcome.reason in by_rule)


@WIDE
@given(worlds())
def test_nothing_sounds_before_it_is_ready_or_begins_after_its_time(world: World) -> None:
    timeline = world.lay_out()
    for item in world.items:
        for segment in segments_of(timeline, item)[:1]:
            assert ready_at(item) <= segment.from_at <= item.not_after_at
        if ready_at(item) > item.not_after_at:
            assert timeline.outcomes[item.id].reason in {Reason.EXPIRED, Reason.SILENCED, Reason.WITHDRAWN}


@WIDE
@given(worlds())
def test_nothing_outlives_its_last_end_or_its_broadcast_day(world: World) -> None:
    timeline = world.lay_out()
    for item in world.items:
        for segment in segments_of(timeline, item):
            assert segment.to_at <= item.last_end_at
            if item.class_ is not EMERGENCY:
                assert segment.to_at <= broadcast_day(item.start_at, TZ)[1]


@WIDE
@given(worlds())
def test_an_emergency_is_late_only_for_an_emergency_of_no_lower_authority(world: World) -> None:
    timeline = world.lay_out()
    items = {item.id: item for item in world.items}
    for item in world.items:
        if item.class_ is not EMERGENCY:
            continue
        over_at = timeline.outcomes[item.id].at
        clear = ready_at(item)
        for segment in timeline.segments:
            if segment.to_at <= clear or clear >= over_at:
                continue
            other = items[segment.item_id]
            assert segment.from_at <= clear
            assert other.class_ is EMERGENCY
            assert other.id == item.id or other.authority >= item.authority
            clear = segment.to_at
        assert clear >= over_at or over_at == ready_at(item)


@WIDE
@given(worlds())
def test_only_an_emergency_interrupts_and_only_a_higher_one_an_emergency(world: World) -> None:
    timeline = world.lay_out()
    items = {item.id: item for item in world.items}
    for one, two in pairwise(timeline.segments):
        outcome = timeline.outcomes[one.item_id]
        is_cut = outcome.at > one.to_at or outcome.reason is Reason.INTERRUPTED
        if is_cut:
            cut, cutter = items[one.item_id], items[two.item_id]
            assert two.from_at == one.to_at
            assert cutter.class_ is EMERGENCY
            assert cut.class_ is not EMERGENCY or cutter.authority > cut.authority


@WIDE
@given(worlds())
def test_only_emergencies_sound_in_quiet_hours_and_whole_ones_fit_before(world: World) -> None:
    timeline = world.lay_out()
    items = {item.id: item for item in world.items}
    for segment in timeline.segments:
        item = items[segment.item_id]
        if item.class_ is EMERGENCY:
            continue
        until = allowed_until(world.policy, item.class_, segment.from_at, TZ)
        assert until is not None
        rest = timedelta(milliseconds=item.duration_ms - segment.offset_ms)
        assert not item.whole or segment.from_at + rest <= min(until, last_end_of(item))
        now = segment.from_at
        while now < segment.to_at:
            assert allowed_until(world.policy, item.class_, now, TZ) is not None
            now += 5 * TICK


@WIDE
@given(worlds())
def test_an_item_resumes_where_it_stopped_or_where_the_clock_is_or_not(world: World) -> None:
    timeline = world.lay_out()
    for item in world.items:
        own = segments_of(timeline, item)
        for one, two in pairwise(own):
            match item.after_interruption:
                case AfterInterruption.RESUME:
                    assert two.offset_ms == one.offset_ms + length_ms(one)
                case AfterInterruption.REJOIN:
                    assert two.offset_ms - one.offset_ms == (two.from_at - one.from_at) / timedelta(
                        milliseconds=1
                    )
                case AfterInterruption.DROP:
                    raise AssertionError("it came back")
        if own and (item.late is not Late.JOIN or item.class_ is EMERGENCY):
            assert own[0].offset_ms == 0


@WIDE
@given(worlds())
def test_minutes_a_day_are_never_exceeded(world: World) -> None:
    world = world.with_(policy=world.policy.model_copy(update={"versions": world.policy.versions[:1]}))
    timeline = world.lay_out()
    for line in world.policy.versions[0].minutes:
        sounded_ms: dict[datetime, int] = {}
        for item in world.items:
            if item.class_ in line.classes:
                day = broadcast_day(item.start_at, TZ)[0]
                sounded_ms[day] = sounded_ms.get(day, 0) + timeline.outcomes[item.id].sounded_ms
        assert all(total <= line.minutes * 60_000 for total in sounded_ms.values())


@WIDE
@given(worlds(), st.sampled_from([-30.0, -6.0, 0.0]))
def test_a_volume_cap_attenuates_and_never_refuses(world: World, cap_db: float) -> None:
    cap = VolumeCap(
        classes=ORDINARY | {BroadcastClass.EMERGENCY},
        from_local="00:00",
        to_local="24:00",
        cap_db=GainDb(cap_db),
        legal_source="cap",
    )
    capped = tuple(version.model_copy(update={"caps": (cap,)}) for version in world.policy.versions)
    policy = world.policy.model_copy(update={"versions": capped})
    assert world.with_(policy=policy).lay_out() == world.lay_out()
