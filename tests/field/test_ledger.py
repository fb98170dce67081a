"""The plain arithmetic of the scenes."""

from datetime import UTC, datetime

from tests.field.ledger import Piece, Stretch, around, in_turn, until, whole
from tests.flow.times import seconds

T = datetime(2026, 11, 23, 5, 30, tzinfo=UTC)


def at(second: float) -> datetime:
    return T + seconds(second)


def piece(from_s: float, to_s: float, offset_s: float = 0) -> Piece:
    return Piece(Stretch(at(from_s), at(to_s)), seconds(offset_s))


def test_what_waits_goes_by_its_start_and_what_has_priority_before_it() -> None:
    wishes = [(at(0), seconds(4), False), (at(1), seconds(2), False), (at(2), seconds(2), True)]
    assert in_turn(wishes) == [at(0), at(6), at(4)]
    assert in_turn([(at(5), seconds(1), True), (at(0), seconds(2), False)]) == [at(5), at(0)]


def test_an_emergency_in_the_middle_lets_the_rest_follow() -> None:
    assert around(at(0), seconds(5), at(2), seconds(3)) == [piece(0, 2), piece(5, 8, 2)]


def test_an_emergency_before_it_makes_it_wait_and_one_after_it_nothing() -> None:
    assert around(at(0), seconds(5), at(-1), seconds(3)) == [piece(2, 7)]
    assert around(at(0), seconds(5), at(-9), seconds(3)) == [piece(0, 5)]
    assert around(at(0), seconds(5), at(5), seconds(3)) == [piece(0, 5)]


def test_what_is_taken_off_ends_there() -> None:
    assert until(at(0), seconds(5), at(2)) == [piece(0, 2)]
    assert until(at(0), seconds(5), at(9)) == whole(at(0), seconds(5))
    assert until(at(0), seconds(5), at(-1)) == []
