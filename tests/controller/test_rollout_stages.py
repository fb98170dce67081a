"""When a rollout goes on, waits, stops and ends: by cases, by properties, and over a province."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loa.controller.core.rollouts import (
    BAD,
    FINAL,
    Course,
    Done,
    Halt,
    Member,
    NextStage,
    Standing,
    Wait,
    automatic_stages,
    decide,
    stages_by_area,
)
from loa.protocol.ids import NodeId

NOW = datetime(2026, 6, 11, 5, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
COURSE = Course(stage=0, stages=3, began_at=NOW, observe=HOUR, stop_at_pct=5)
WAITING, TRIAL, KEPT = Standing.WAITING, Standing.ON_TRIAL, Standing.KEPT
BACK, FAILED, REFUSED = Standing.ROLLED_BACK, Standing.FAILED, Standing.REFUSED
STAGE_TWO = [WAITING] * 30


def make_members(*stages: list[Standing], away: int = 0) -> list[Member]:
    """The first `away` nodes are not connected."""
    members = [
        Member(NodeId(f"n-{stage}-{number}"), stage, standing, NOW if standing in FINAL else None, True)
        for stage, standings in enumerate(stages)
        for number, standing in enumerate(standings)
    ]
    return [replace(one, is_here=number >= away) for number, one in enumerate(members)]


@pytest.mark.parametrize(
    ("first", "after", "expected"),
    [
        ([WAITING], 2 * HOUR, Wait),
        ([TRIAL], 2 * HOUR, Wait),
        ([KEPT], HOUR / 2, Wait),
        ([KEPT], HOUR, NextStage),
        ([BACK], timedelta(0), Halt),
        ([FAILED], timedelta(0), Halt),
        ([REFUSED], timedelta(0), Halt),
        ([KEPT, WAITING], 2 * HOUR, Wait),
        ([KEPT] * 40, 2 * HOUR, NextStage),
        ([KEPT] * 39 + [BACK], 2 * HOUR, NextStage),
        ([BACK] + [WAITING] * 39, timedelta(0), Wait),
        ([BACK] * 2 + [WAITING] * 38, timedelta(0), Halt),
        ([KEPT] * 100 + [BACK] * 5, 2 * HOUR, NextStage),
        ([KEPT] * 100 + [BACK] * 6, 2 * HOUR, Halt),
    ],
)
def test_a_stage_goes_on_waits_or_stops(
    first: list[Standing], after: timedelta, expected: type[object]
) -> None:
    assert isinstance(decide(COURSE, make_members(first, STAGE_TWO, STAGE_TWO), NOW + after), expected)


def test_nodes_that_are_away_hold_nobody_up_but_do_not_vouch_either() -> None:
    some_away = make_members([WAITING, KEPT], STAGE_TWO, away=1)
    assert decide(COURSE, some_away, NOW + HOUR) == NextStage()
    all_away = make_members([WAITING, WAITING], STAGE_TWO, away=2)
    assert decide(COURSE, all_away, NOW + 10 * HOUR) == Wait()


def test_who_comes_back_late_puts_nothing_off() -> None:
    members = make_members([KEPT] * 9, STAGE_TWO)
    late = [replace(one, changed_at=NOW + HOUR) if number < 4 else one for number, one in enumerate(members)]
    assert decide(COURSE, late, NOW + HOUR) == NextStage()
    most = [replace(one, changed_at=NOW + HOUR) if number < 5 else one for number, one in enumerate(members)]
    assert decide(COURSE, most, NOW + HOUR) == Wait()
    assert decide(COURSE, most, NOW + 2 * HOUR) == NextStage()


def test_a_halt_says_why() -> None:
    said = decide(COURSE, make_members([KEPT, BACK, FAILED], STAGE_TWO), NOW)
    assert said == Halt("2 of 3 nodes that finished: 1 failed, 1 rolled_back; the limit is 5 %")


def test_it_ends_when_every_node_has_finished() -> None:
    last = replace(COURSE, stage=1, stages=2)
    assert decide(last, make_members([KEPT], [KEPT] * 30), NOW) == Done()
    assert decide(last, make_members([KEPT], [KEPT] * 29 + [WAITING]), NOW + 99 * HOUR) == Wait()


def test_a_late_failure_of_an_early_stage_counts() -> None:
    second = replace(COURSE, stage=1)
    assert isinstance(decide(second, make_members([BACK] * 3, [KEPT] * 30), NOW), Halt)


STANDINGS = st.lists(st.sampled_from(list(Standing)), min_size=1, max_size=60)


@given(
    stages=st.lists(STANDINGS, min_size=1, max_size=4),
    stage=st.integers(0, 3),
    after_s=st.integers(0, 10_000),
)
def test_more_nodes_are_told_only_while_few_have_failed(
    stages: list[list[Standing]], stage: int, after_s: int
) -> None:
    course = replace(COURSE, stage=min(stage, len(stages) - 1), stages=len(stages))
    members = make_members(*stages)
    said = decide(course, members, NOW + timedelta(seconds=after_s))
    told = [one.standing for one in members if one.stage <= course.stage]
    bad, finished = sum(one in BAD for one in told), sum(one in FINAL for one in told)
    if isinstance(said, NextStage):
        assert course.stage + 1 < course.stages
        assert after_s >= 3_600
        assert bad * 20 <= max(finished, 20)
        assert KEPT in stages[course.stage]
    if isinstance(said, Halt):
        assert bad * 20 > finished
    if isinstance(said, Done):
        assert all(one.standing in FINAL for one in members)


NODES = st.dictionaries(st.integers(0, 5_000).map(lambda n: NodeId(f"n{n}")), st.sampled_from("abcdefghij"))


@given(nodes=NODES)
def test_automatic_stages_take_every_node_once_and_whole_areas(nodes: dict[NodeId, str]) -> None:
    stages = automatic_stages(nodes, sorted(nodes)[3:4])
    assert sorted(node for stage in stages for node in stage) == sorted(nodes)
    assert all(stages)
    assert len(stages[0]) == 1 if nodes else not stages
    assert len(nodes) < 4 or stages[0] == sorted(nodes)[3:4], "one that is there"
    begun: list[NodeId] = []
    for stage in stages:
        begun += stage
        if len(begun) > 1:
            rest = {nodes[node] for node in nodes if node not in begun}
            assert not rest & {nodes[node] for node in begun}, "an area is seen whole before the next one"


def test_a_province_is_told_one_node_then_a_hundredth_then_a_tenth() -> None:
    nodes = {NodeId(f"n{number:04}"): f"commune-{number % 160:03}" for number in range(4_000)}
    assert [len(stage) for stage in automatic_stages(nodes, [])] == [1, 49, 350, 3_600]


def test_a_node_of_two_stages_is_in_the_first() -> None:
    a, b, c = NodeId("a"), NodeId("b"), NodeId("c")
    assert stages_by_area([[b, a], [a, c], [b]]) == [[a, b], [c]]


@pytest.mark.parametrize(("bad_share", "reached"), [(0.01, 4_000), (0.2, 50), (1.0, 1)])
def test_four_thousand_nodes_are_patched_or_spared(bad_share: float, reached: int) -> None:
    """Simulated: each look, every node that was told finishes; a bad release stops among few."""
    dice = Random(7)
    nodes = {NodeId(f"n{number:04}"): f"commune-{number % 160:03}" for number in range(4_000)}
    stages = automatic_stages(nodes, [])
    members = make_members(*([WAITING] * len(stage) for stage in stages))
    # the first node is as good as its release: a coin would make the case another one
    fates = [BACK if dice.random() < bad_share else KEPT for _ in members]
    fates[0] = BACK if bad_share == 1.0 else KEPT
    course, now = replace(COURSE, stages=len(stages)), NOW
    for _ in range(100):
        members = [
            replace(one, standing=fate, changed_at=one.changed_at or now)
            if one.stage <= course.stage
            else one
            for one, fate in zip(members, fates, strict=True)
        ]
        now += HOUR
        said = decide(course, members, now)
        if isinstance(said, NextStage):
            course = replace(course, stage=course.stage + 1, began_at=now)
        elif not isinstance(said, Wait):
            break
    assert isinstance(said, Done if bad_share < 0.05 else Halt)
    assert sum(one.standing in FINAL for one in members) == reached
