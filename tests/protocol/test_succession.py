"""A root key that names the next one: who follows, and whom nobody follows any more."""

import pytest

from loa.protocol.charter import Papers
from loa.protocol.errors import MalformedError, ProtocolError
from loa.protocol.ids import AreaId, NodeId
from loa.protocol.keys import SigningKey
from loa.protocol.succession import Succession, follow, name_next
from loa.protocol.trust import newest, trust_in
from tests.protocol.makers import AREA, NOW
from tests.trusting import House

NODE = NodeId("cum-1")
A, B, C, THIEF = (SigningKey.generate() for _ in range(4))


def step(old: SigningKey, new: SigningKey) -> str:
    return name_next(Succession(root=new.public.x, issued_at=NOW), old)


def papers(root: SigningKey, *steps: str, passkeys: House | None = None, version: int = 1) -> Papers:
    """The same keepers, sealed by that root."""
    house = House(AREA, root=root, passkeys=passkeys.passkeys if passkeys else {})
    charter = house.charter(NODE, (AREA, AreaId(NODE)), version=version)
    made = house.papers(house.roster(version=version), charter)
    return made.model_copy(update={"successions": steps})


def test_a_root_is_followed_from_step_to_step() -> None:
    lineage = follow(A.public, [step(A, B), step(B, C)])
    assert (lineage.root, len(lineage.steps)) == (C.public, 2)


def test_who_began_later_passes_over_what_was_before() -> None:
    assert follow(B.public, [step(A, B), step(B, C)]).root == C.public
    assert follow(B.public, [step(A, B)]).root == B.public


def test_nobody_else_names_a_root() -> None:
    assert follow(A.public, [step(THIEF, THIEF), step(B, C)]).root == A.public


def test_the_first_that_a_root_names_counts_for_ever() -> None:
    assert follow(A.public, [step(A, B), step(A, THIEF), step(B, C), step(A, THIEF)]).root == C.public


@pytest.mark.parametrize("rubbish", ["", "a.b", "a.b.c"])
def test_what_is_no_step_is_refused(rubbish: str) -> None:
    with pytest.raises(MalformedError):
        follow(A.public, [rubbish])


def test_papers_under_the_next_root_take_the_place_of_those_before() -> None:
    house = House(AREA)
    held = papers(A, passkeys=house)
    merged = newest(held, papers(B, step(A, B), passkeys=house, version=2), A.public)
    assert trust_in(merged, root=A.public, node=NODE).charter.version == 2
    assert len(merged.appointments) == 1


def test_the_root_that_ended_appoints_nobody_any_more() -> None:
    house = House(AREA)
    held = newest(papers(A, passkeys=house), papers(B, step(A, B), passkeys=house), A.public)
    late = papers(A, passkeys=house, version=9)
    usurped = papers(THIEF, step(A, THIEF), passkeys=house, version=9)
    for arrived in (late, usurped):
        with pytest.raises(ProtocolError):
            newest(held, arrived, A.public)


def test_keepers_of_the_next_root_without_its_succession_are_strangers() -> None:
    house = House(AREA)
    with pytest.raises(ProtocolError):
        newest(papers(A, passkeys=house), papers(B, passkeys=house), A.public)
