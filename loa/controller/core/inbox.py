"""A higher level's broadcasts before a commune: which wait for its choice, which only for its order.

Circular 39/2020/TT-BTTTT: the commune chooses normal ones, orders priority ones among its own,
and carries emergencies at once.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from loa.controller.core.broadcasts import Scheduled
from loa.controller.core.tree import Tree
from loa.protocol.ids import AreaId, BroadcastId
from loa.protocol.kinds import BroadcastClass


class InboxState(StrEnum):
    """How a higher level's broadcast stands with a commune."""

    WAITING = "waiting"
    """Normal: nothing sounds until the commune chooses it."""
    CHOSEN = "chosen"
    LEFT = "left"
    PLACED = "placed"
    """Priority: it sounds; the commune orders it among its own."""
    PLAYING = "playing"
    """Emergency: it sounds at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxItem:
    """One broadcast before one commune."""

    area: AreaId
    scheduled: Scheduled
    state: InboxState
    received_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    chosen_as: BroadcastId | None
    """The commune's own broadcast, if it chose another time."""
    rank: int
    """Place that the commune gave it among priority ones; lowest first, 0 if none was given."""


@dataclass(frozen=True, slots=True)
class Destinations:
    """Where an approved broadcast stands at once, and which communes have it before them."""

    placed: frozenset[AreaId]
    inbox: Mapping[AreaId, InboxState]


def destinations(
    tree: Tree, issuer: AreaId, class_: BroadcastClass, audience: Iterable[AreaId]
) -> Destinations:
    """From within a commune it stands in the programme of each area asked for.

    From above, the communes among its audience have it in their inboxes, and a normal one stands nowhere
    but at nodes that lie in no commune, where nobody can choose.
    """
    asked = frozenset(audience)
    if tree.commune_of(issuer) is not None:
        return Destinations(asked, {})
    communes = {commune for area in asked for commune in tree.communes_of(area)}
    state = _STATES[class_]
    if class_ is BroadcastClass.NORMAL:
        return Destinations(_loose(tree, asked), dict.fromkeys(communes, state))
    return Destinations(asked, dict.fromkeys(communes, state))


def places_within(tree: Tree, commune: AreaId, audience: Iterable[AreaId]) -> frozenset[AreaId]:
    """The areas of the commune in whose programmes a broadcast stands once the commune has chosen it.

    Each reaches only nodes that belong to the audience as well.
    """
    return frozenset(place for area in audience for place in _within(tree, commune, area))


def _within(tree: Tree, commune: AreaId, area: AreaId) -> Iterable[AreaId]:
    if tree.is_within(area, commune):
        return (area,)
    if tree.is_within(commune, area):
        return (commune,)
    return (AreaId(node) for node in tree.nodes_of(area) if tree.commune_of(AreaId(node)) == commune)


def _loose(tree: Tree, areas: Iterable[AreaId]) -> frozenset[AreaId]:
    nodes = {AreaId(node) for area in areas for node in tree.nodes_of(area)}
    return frozenset(node for node in nodes if tree.commune_of(node) is None)


_STATES = {
    BroadcastClass.NORMAL: InboxState.WAITING,
    BroadcastClass.PRIORITY: InboxState.PLACED,
    BroadcastClass.EMERGENCY: InboxState.PLAYING,
}
