"""All attacks, in the order in which they are made, and those that may be made at the same time."""

from collections.abc import Sequence

from tests.attacks import on_the_wire, stolen_keys, stolen_papers
from tests.attacks.case import Case

GROUPS: Sequence[Sequence[Case]] = (on_the_wire.CASES, stolen_keys.CASES, stolen_papers.CASES)
CASES = tuple(case for group in GROUPS for case in group)
