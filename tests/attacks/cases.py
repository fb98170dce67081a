"""All attacks, in the order in which they are made, and those that may be made at the same time."""

from collections.abc import Sequence

from tests.attacks import floods, on_the_way, on_the_wire, stolen_cards, stolen_keys, stolen_papers
from tests.attacks.case import Case

GROUPS: Sequence[Sequence[Case]] = (
    (*on_the_wire.CASES, *stolen_keys.CASES, *stolen_cards.CASES, *on_the_way.CASES, *floods.CASES),
    stolen_papers.CASES,
    (*on_the_way.SLOW, *stolen_cards.LAST),
)
"""`make test` closes a group with one genuine broadcast, `make attacks` each case."""
CASES = tuple(case for group in GROUPS for case in group)
