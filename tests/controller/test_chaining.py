"""Where a journal's chain is followed, where it waits, and where it is broken."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loa.controller.core.chaining import START, Break, Fault, Head, Link, follow, link_of
from loa.controller.core.ingest import gapless
from loa.protocol.chain import GENESIS, extend
from loa.protocol.errors import MalformedError
from loa.protocol.reports import Reports
from tests.controller.told import JOURNAL, NODE, problem_of


def content(number: int) -> bytes:
    return f"report {number}".encode()


def chain(number: int) -> str:
    return extend(GENESIS, (content(one) for one in range(1, number + 1)))


def link(first: int, last: int) -> Link:
    numbers = tuple(range(first, last + 1))
    return Link(numbers, tuple(content(one) for one in numbers), chain(first - 1))


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(0, 4)), min_size=1, max_size=8))
def test_batches_that_overlap_and_come_in_any_order_break_nothing(spans: list[tuple[int, int]]) -> None:
    head, kept, numbers = START, list[Link](), set[int]()
    for first, more in spans:
        kept.append(link(first, first + more))
        numbers |= set(kept[-1].numbers)
        reached = gapless(0, sorted(numbers))
        for some, far in ((kept[-1:], head.number), (kept, reached)):
            head, breaks = follow(head, some, reached=far)
            assert not breaks
        assert head == Head(reached, chain(reached))


@given(st.integers(1, 8))
def test_an_altered_report_breaks_the_next_link_and_no_other(altered: int) -> None:
    kept = link(1, 8)
    forged = replace(kept, contents=(*kept.contents[: altered - 1], b"forged", *kept.contents[altered:]))
    breaks = follow(START, [forged, link(9, 10), link(11, 12)], reached=12)[1]
    assert breaks == [Break(Fault.ALTERED, 9, 10)]


def test_behind_a_gap_it_waits_until_that_is_closed_or_given_up() -> None:
    assert follow(START, [link(1, 2), link(5, 6)], reached=2) == (Head(2, chain(2)), [])
    assert follow(Head(2, chain(2)), [link(3, 4), link(5, 6)], reached=6) == (Head(6, chain(6)), [])
    given_up = follow(Head(2, chain(2)), [link(5, 6)], reached=6)
    assert given_up == (Head(6, chain(6)), [Break(Fault.MISSING, 3, 4)])


def test_a_batch_that_grew_is_held_against_what_came_before_it() -> None:
    forged = replace(link(1, 5), contents=(b"forged", *link(1, 5).contents[1:]))
    assert follow(START, [link(1, 3), forged], reached=5)[1] == [Break(Fault.ALTERED, 1, 5)]


def test_what_came_again_says_nothing_new() -> None:
    head = Head(6, chain(6))
    assert follow(head, [link(1, 4), link(6, 6)], reached=6) == (head, [])


def test_agents_that_do_not_chain_and_those_that_begin_to_break_nothing() -> None:
    silent = replace(link(1, 2), before=None)
    head, breaks = follow(START, [silent], reached=2)
    assert (head, breaks) == (Head(2, None), [])
    begun = replace(link(3, 4), before=GENESIS)
    assert follow(head, [begun], reached=4)[1] == []


def test_a_journal_begins_with_the_beginning_of_the_chain() -> None:
    assert follow(START, [replace(link(1, 2), before="x" * 43)], reached=2)[1] == [Break(Fault.ALTERED, 1, 2)]
    again = replace(link(3, 4), before=GENESIS)
    assert follow(START, [link(1, 2), again], reached=4)[1] == [Break(Fault.ALTERED, 3, 4)]


@pytest.mark.parametrize("numbers", [(2, 1), (1, 1)])
def test_reports_out_of_order_are_no_link(numbers: tuple[int, ...]) -> None:
    batch = Reports(node=NODE, journal_id=JOURNAL, reports=tuple(problem_of(one) for one in numbers))
    with pytest.raises(MalformedError):
        link_of(batch, batch.to_bytes())
