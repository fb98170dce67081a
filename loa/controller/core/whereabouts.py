"""Where an area is: its households, whom to call there, its outline; of a node its position."""

from dataclasses import dataclass
from datetime import datetime

from loa.controller.core.geometry import Outline, Position
from loa.controller.core.tree import AreaKind
from loa.protocol.ids import AreaId

MOST_HOUSEHOLDS = 10_000_000
FOR_NODES = frozenset({"position"})
"""What only a node has; it stands at one point."""
FOR_AREAS = frozenset({"households", "outline"})
"""What only a level of the tree has: a zone is where its nodes are; whom one node reaches, nobody counted."""


FACTS = ("households", "contact", "outline", "position", "description")
"""What is told of a place, each by itself."""


@dataclass(frozen=True, slots=True)
class Contact:
    """Whom to call about loudspeakers there, such as the head of the village."""

    name: str
    phone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Whereabouts:
    """What is known of where an area is; None and an empty text: not known."""

    area: AreaId
    households: int | None = None
    contact: Contact | None = None
    outline: Outline | None = None
    position: Position | None = None
    description: str = ""
    """Of the place, for who looks for it: `cột trước nhà văn hóa`."""
    revision: int = 0
    """0: nobody has set anything yet."""
    updated_by: str = ""
    updated_at: datetime | None = None

    def facts(self) -> dict[str, object]:
        """What is told of it, to be told of it again."""
        return {name: getattr(self, name) for name in FACTS}


def misplaced(kind: AreaKind, wanted: Whereabouts) -> str | None:
    """The first member that an area of this kind cannot have; None if all is in order."""
    wrong = FOR_AREAS if kind is AreaKind.NODE else FOR_NODES
    if kind is AreaKind.ZONE:
        wrong = FOR_NODES | FOR_AREAS
    return next((name for name in sorted(wrong) if getattr(wanted, name) is not None), None)
