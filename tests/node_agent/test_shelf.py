from datetime import datetime

from hypothesis import given
from hypothesis import strategies as st

from loa.node_agent.core.plan import reorders
from loa.node_agent.core.shelf import Ordered, Seen, Shelf, from_message, merge, news
from loa.protocol.ids import AreaId, BroadcastId
from tests.node_agent.makers import (
    AREA,
    NOON,
    OWN,
    make_broadcast,
    make_entry,
    make_programme,
    make_silence,
    make_urgent,
    make_withdrawal,
    minutes,
    seconds,
)

BROADCASTS = [make_broadcast(NOON + minutes(number), title=f"number {number}") for number in range(3)]
WIDE = AreaId("vinh-phuc")

_at = st.integers(0, 20).map(lambda number: NOON + seconds(number))


@st.composite
def shelves(draw: st.DrawFn) -> Shelf:
    """What one message adds when it arrives at some time."""
    issued_at, known_at = draw(_at), draw(_at)
    entries = [make_entry(b, issued_at=draw(_at)) for b in draw(st.lists(st.sampled_from(BROADCASTS)))]
    silences = tuple(
        make_silence(NOON, NOON + minutes(1), number=n) for n in draw(st.sets(st.integers(1, 3)))
    )
    withdrawals = tuple(
        make_withdrawal(BROADCASTS[n].id, issued_at, number=n) for n in draw(st.sets(st.integers(0, 2)))
    )
    order = {BROADCASTS[n].id: draw(st.integers(-2, 2)) for n in draw(st.sets(st.integers(0, 2)))}
    programme = make_programme(issued_at=issued_at, withdrawals=withdrawals, silences=silences, order=order)
    return from_message(programme, entries, known_at, Shelf())


@given(shelves(), shelves())
def test_the_order_of_messages_does_not_matter(one: Shelf, other: Shelf) -> None:
    assert merge(one, other) == merge(other, one)


@given(shelves(), shelves(), shelves())
def test_nor_does_their_grouping(one: Shelf, other: Shelf, third: Shelf) -> None:
    assert merge(merge(one, other), third) == merge(one, merge(other, third))


@given(shelves(), shelves())
def test_a_message_that_comes_again_changes_nothing(one: Shelf, other: Shelf) -> None:
    both = merge(one, other)
    assert merge(both, other) == both
    assert news(both, merge(both, other)).is_empty()


@given(shelves(), shelves())
def test_what_is_new_makes_the_old_the_whole(one: Shelf, other: Shelf) -> None:
    assert merge(one, news(one, merge(one, other))) == merge(one, other)


@given(shelves(), shelves())
def test_absence_means_nothing(one: Shelf, other: Shelf) -> None:
    both = merge(one, other)
    assert one.entries.keys() <= both.entries.keys()
    assert one.silences.keys() <= both.silences.keys()


def sighting(issued_at: datetime, known_at: datetime) -> Shelf:
    return from_message(make_urgent(), [make_entry(BROADCASTS[0], issued_at=issued_at)], known_at, Shelf())


def test_the_sighting_that_counts_first_is_kept() -> None:
    early_but_learnt_late = sighting(NOON, NOON + minutes(10))
    in_time = sighting(NOON + minutes(3), NOON + minutes(3) + seconds(2))
    (kept,) = merge(early_but_learnt_late, in_time).entries.values()
    assert kept.learnt_at == NOON + minutes(3)


def test_what_arrives_within_five_seconds_counts_from_its_issue() -> None:
    (near,) = sighting(NOON, NOON + seconds(5)).entries.values()
    (late,) = sighting(NOON, NOON + seconds(6)).entries.values()
    assert (near.learnt_at, late.learnt_at) == (NOON, NOON + seconds(6))


def test_a_programme_that_goes_on_adds_no_order_and_one_that_drops_a_rank_sets_it_to_nought() -> None:
    entry = make_entry(BROADCASTS[0])
    first = from_message(make_programme(entry, order={entry.id: 3}), [entry], NOON, Shelf())
    same = make_programme(entry, order={entry.id: 3}, issued_at=NOON + minutes(1))
    assert not from_message(same, [entry], NOON + minutes(1), first).orders
    dropped = make_programme(entry, issued_at=NOON + minutes(2))
    (seen,) = from_message(dropped, [entry], NOON + minutes(2), first).orders.values()
    assert seen.said.rank == 0


def ordered(area: AreaId, rank: int, at: datetime) -> Seen[Ordered]:
    return Seen(Ordered(area=area, broadcast=BROADCASTS[0].id, rank=rank, issued_at=at), at)


def ranks(*given_orders: Seen[Ordered]) -> list[tuple[BroadcastId | str, int]]:
    return [(one.target, one.order) for one in reorders(given_orders, [WIDE, AREA, OWN])]


def test_the_narrowest_area_that_gives_a_rank_decides_whenever_the_others_speak() -> None:
    name = BROADCASTS[0].id
    wide, narrow = ordered(WIDE, 5, NOON), ordered(AREA, 2, NOON + minutes(1))
    wide_again = ordered(WIDE, 9, NOON + minutes(2))
    assert ranks(wide_again, narrow, wide) == [(name, 5), (name, 2), (name, 2)]


def test_an_area_to_which_the_node_does_not_belong_orders_nothing() -> None:
    assert ranks(ordered(AreaId("elsewhere"), 5, NOON)) == []
