"""What is fetched and what goes for it when a disk is too small: a table and properties."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loa.node_agent.core.room import Room, Stored, Verdict, Wanted, make_room
from loa.protocol.ids import RecordingId
from tests.node_agent.makers import NOON

_NAMES = [RecordingId(letter * 64) for letter in "abcdefgh"]
A, B, C, D, E, F, *_ = _NAMES


def needed(size_bytes: int) -> Stored:
    return Stored(size_bytes=size_bytes, is_needed=True, last_needed_at=NOON)


def idle(size_bytes: int, days_ago: int) -> Stored:
    return Stored(size_bytes=size_bytes, is_needed=False, last_needed_at=NOON - timedelta(days=days_ago))


def wanted(name: RecordingId, size_bytes: int, *, exempt: bool = False) -> Wanted:
    return Wanted(recording=name, size_bytes=size_bytes, is_exempt=exempt)


def room(quota: int, *, free: int = 1_000, reserve: int = 0) -> Room:
    return Room(quota_bytes=quota, reserve_bytes=reserve, free_bytes=free)


@pytest.mark.parametrize(
    ("stored", "asked", "given_", "expected"),
    [
        ({}, [wanted(A, 10)], room(10), Verdict((A,), (), ())),
        ({}, [wanted(A, 11)], room(10), Verdict((), (), (A,))),
        ({A: needed(8)}, [wanted(B, 3)], room(10), Verdict((), (), (B,))),
        ({A: idle(8, 1)}, [wanted(B, 3)], room(10), Verdict((B,), (A,), ())),
        ({A: idle(8, 1)}, [wanted(B, 2)], room(10), Verdict((B,), (), ())),
        ({A: idle(4, 1), B: idle(4, 9)}, [wanted(C, 5)], room(10), Verdict((C,), (B,), ())),
        ({A: needed(8)}, [wanted(B, 9), wanted(C, 2)], room(10), Verdict((C,), (), (B,))),
        ({A: needed(8)}, [wanted(B, 9, exempt=True), wanted(C, 2)], room(10), Verdict((B,), (), (C,))),
        ({}, [wanted(A, 5)], room(99, free=7, reserve=3), Verdict((), (), (A,))),
        ({}, [wanted(A, 5, exempt=True)], room(99, free=7, reserve=3), Verdict((A,), (), ())),
        ({}, [wanted(A, 8, exempt=True)], room(99, free=7), Verdict((), (), (A,))),
        ({A: idle(5, 1), B: needed(5)}, [], room(99, free=1, reserve=3), Verdict((), (A,), ())),
        ({A: idle(5, 2), B: idle(6, 1)}, [], room(10), Verdict((), (A,), ())),
    ],
    ids=[
        "fits",
        "larger than the quota",
        "what is needed stays",
        "what is not needed goes",
        "not if there is room",
        "least recently needed first",
        "a smaller one after it",
        "an emergency beyond the quota",
        "the reserve stays free",
        "an emergency in the reserve",
        "no emergency beyond the disk",
        "the reserve is won back",
        "a quota that was lowered",
    ],
)
def test_room_is_made(
    stored: dict[RecordingId, Stored], asked: list[Wanted], given_: Room, expected: Verdict
) -> None:
    assert make_room(stored, asked, given_) == expected


_sizes = st.integers(1, 20)
_stored = st.builds(
    lambda size, need, days: Stored(
        size_bytes=size, is_needed=need, last_needed_at=NOON - timedelta(days=days)
    ),
    _sizes,
    st.booleans(),
    st.integers(0, 9),
)
_disks = st.dictionaries(st.sampled_from(_NAMES[:5]), _stored)
_asked = st.lists(
    st.builds(
        lambda name, size, exempt: wanted(name, size, exempt=exempt),
        st.sampled_from(_NAMES[5:]),
        _sizes,
        st.booleans(),
    ),
    unique_by=lambda one: one.recording,
)
_rooms = st.builds(
    lambda quota, free, reserve: room(quota, free=free, reserve=reserve),
    st.integers(0, 80),
    st.integers(0, 60),
    st.integers(0, 30),
)


def _size(stored: dict[RecordingId, Stored], names: tuple[RecordingId, ...]) -> int:
    return sum(stored[name].size_bytes for name in names)


@given(_disks, _asked, _rooms)
def test_nothing_needed_goes_and_everything_wanted_has_one_answer(
    stored: dict[RecordingId, Stored], asked: list[Wanted], given_: Room
) -> None:
    verdict = make_room(stored, asked, given_)
    assert not [name for name in verdict.evict if stored[name].is_needed]
    assert sorted([*verdict.fetch, *verdict.left_out]) == sorted(one.recording for one in asked)
    assert len(set(verdict.evict)) == len(verdict.evict)


@given(_disks, _asked, _rooms)
def test_what_is_fetched_fits(stored: dict[RecordingId, Stored], asked: list[Wanted], given_: Room) -> None:
    verdict = make_room(stored, asked, given_)
    coming = [one for one in asked if one.recording in verdict.fetch]
    used = _size(stored, tuple(stored))
    after = used - _size(stored, verdict.evict) + sum(one.size_bytes for one in coming)
    assert after <= used + given_.free_bytes or not coming
    if coming and not any(one.is_exempt for one in coming):
        assert after <= given_.quota_bytes
        assert used + given_.free_bytes - after >= given_.reserve_bytes


@given(_disks, _asked, _rooms)
def test_the_least_recently_needed_go_and_no_more_than_is_wanted(
    stored: dict[RecordingId, Stored], asked: list[Wanted], given_: Room
) -> None:
    verdict = make_room(stored, asked, given_)
    kept = [one for name, one in stored.items() if not one.is_needed and name not in verdict.evict]
    last: datetime | None = max((stored[name].last_needed_at for name in verdict.evict), default=None)
    assert last is None or all(last <= one.last_needed_at for one in kept)
    if verdict.evict:
        coming = sum(one.size_bytes for one in asked if one.recording in verdict.fetch)
        used = _size(stored, tuple(stored))
        allowance = min(given_.quota_bytes, used + given_.free_bytes - given_.reserve_bytes)
        before_the_last = used - _size(stored, verdict.evict[:-1]) + coming
        assert before_the_last > allowance


@given(_disks, _asked, _rooms)
def test_what_is_left_out_would_not_fit_with_all_that_nobody_needs_gone(
    stored: dict[RecordingId, Stored], asked: list[Wanted], given_: Room
) -> None:
    verdict = make_room(stored, asked, given_)
    used = _size(stored, tuple(stored))
    taken = sum(one.size_bytes for one in stored.values() if one.is_needed)
    for one in asked:
        disk = used + given_.free_bytes
        limit = disk if one.is_exempt else min(given_.quota_bytes, disk - given_.reserve_bytes)
        assert (taken + one.size_bytes <= limit) is (one.recording in verdict.fetch)
        taken += one.size_bytes if one.recording in verdict.fetch else 0


@given(_disks, _asked, _rooms)
def test_once_done_nothing_more_is_to_be_done(
    stored: dict[RecordingId, Stored], asked: list[Wanted], given_: Room
) -> None:
    verdict = make_room(stored, asked, given_)
    coming = {one.recording: needed(one.size_bytes) for one in asked if one.recording in verdict.fetch}
    then = {**{name: one for name, one in stored.items() if name not in verdict.evict}, **coming}
    free = given_.free_bytes + _size(stored, tuple(stored)) - sum(one.size_bytes for one in then.values())
    again = Room(quota_bytes=given_.quota_bytes, reserve_bytes=given_.reserve_bytes, free_bytes=max(0, free))
    rest = [one for one in asked if one.recording in verdict.left_out]
    following = make_room(then, rest, again)
    assert following.fetch == ()
    assert following.evict == () or free < given_.reserve_bytes or any(one.is_exempt for one in asked)
