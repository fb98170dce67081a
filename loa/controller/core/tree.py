"""The tree of areas (địa bàn) as one value: who is above whom, which nodes are where, what binds them."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from loa.protocol.ids import AreaId, NodeId
from loa.protocol.policy import Policy
from loa.protocol.when import DEFAULT_TZ


class AreaKind(StrEnum):
    """Levels of the tree; a zone stands outside of it."""

    PROVINCE = "province"
    DISTRICT = "district"
    COMMUNE = "commune"
    VILLAGE = "village"
    NODE = "node"
    ZONE = "zone"


@dataclass(frozen=True, slots=True)
class Place:
    """An area in the tree."""

    id: AreaId
    name: str
    kind: AreaKind
    parent_id: AreaId | None
    authority: int
    tz: str | None
    policy: str | None


class Tree:
    """Areas, zones and the nodes in service; immutable, and what is asked about many nodes is found once."""

    def __init__(
        self, places: dict[AreaId, Place], nodes: set[NodeId], zones: dict[NodeId, list[AreaId]]
    ) -> None:
        self._places = places
        self._nodes = nodes
        self._zones = zones
        self._children: defaultdict[AreaId, list[AreaId]] = defaultdict(list)
        for place in places.values():
            if place.parent_id is not None:
                self._children[place.parent_id].append(place.id)
        self._members: defaultdict[AreaId, list[NodeId]] = defaultdict(list)
        for node, its_zones in zones.items():
            for zone in its_zones:
                self._members[zone].append(node)
        self._found: dict[AreaId, list[NodeId]] = {}
        self._within: dict[tuple[AreaId, ...], frozenset[NodeId]] = {}
        self._communes: dict[AreaId, frozenset[AreaId]] = {}

    def __contains__(self, area: AreaId) -> bool:
        return area in self._places

    def place(self, area: AreaId) -> Place:
        """Raises KeyError for an area that does not exist."""
        return self._places[area]

    def path(self, area: AreaId) -> list[Place]:
        """From the widest area to this one."""
        above: list[Place] = []
        at: AreaId | None = area
        while at is not None:
            above.append(self._places[at])
            at = self._places[at].parent_id
        return above[::-1]

    def widest(self) -> list[AreaId]:
        """The areas above which there is none."""
        return [one.id for one in self._places.values() if one.parent_id is None]

    def inner(self, area: AreaId) -> tuple[AreaId, ...]:
        """What stands directly below it."""
        return tuple(self._children.get(area, ()))

    def nodes_of(self, area: AreaId) -> list[NodeId]:
        """The nodes in service within the area: of a zone its members, else all below."""
        found = self._found.get(area)
        if found is None:
            members = self._members.get(area, ())
            found = [NodeId(one) for one in (*self._below(area), *members) if NodeId(one) in self._nodes]
            self._found[area] = found
        return list(found)

    def nodes_within(self, areas: tuple[AreaId, ...]) -> frozenset[NodeId]:
        """The nodes in service within any of the areas; found once for each set that is asked for."""
        found = self._within.get(areas)
        if found is None:
            found = frozenset(node for area in areas for node in self.nodes_of(area))
            self._within[areas] = found
        return found

    def areas_of(self, node: NodeId) -> list[AreaId]:
        """What a node hears, from the widest to the narrowest: the tree, its zones, itself."""
        path = [place.id for place in self.path(AreaId(node))]
        return [*path[:-1], *sorted(self._zones.get(node, ())), path[-1]]

    def tz_of(self, area: AreaId) -> str:
        """Its own time zone or that of the nearest area above."""
        return next((place.tz for place in reversed(self.path(area)) if place.tz), DEFAULT_TZ)

    def policy_of(self, area: AreaId) -> Policy | None:
        """Its own policy or that of the nearest area above; None if no area has one."""
        texts = (place.policy for place in reversed(self.path(area)) if place.policy)
        text = next(texts, None)
        return None if text is None else Policy.model_validate_json(text)

    def children(self, area: AreaId) -> tuple[AreaId, ...]:
        """What stands directly below it."""
        return tuple(self._children.get(area, ()))

    def nodes(self) -> frozenset[NodeId]:
        """All nodes in service."""
        return frozenset(self._nodes)

    def below(self, areas: frozenset[AreaId]) -> frozenset[AreaId]:
        """These areas and all within them, the nodes of zones included."""
        found = {one for area in areas if area in self._places for one in self._below(area)}
        return frozenset(found | {AreaId(node) for area in areas for node in self._members.get(area, ())})

    def is_within(self, area: AreaId, above: AreaId) -> bool:
        """Whether all of `area` lies at or below `above`; of a zone all of its nodes must."""
        if area == above:
            return True
        if self._places[area].kind is AreaKind.ZONE:
            members = self._members.get(area, [])
            return bool(members) and all(self.is_within(AreaId(node), above) for node in members)
        return any(place.id == above for place in self.path(area))

    def commune_of(self, area: AreaId) -> AreaId | None:
        """The commune that an area is or lies in; None above and outside of communes."""
        return next((one.id for one in self.path(area) if one.kind is AreaKind.COMMUNE), None)

    def communes_of(self, area: AreaId) -> frozenset[AreaId]:
        """The communes that an area is, lies in or holds; of a zone those of its nodes."""
        if area not in self._communes:
            found = {self.commune_of(one) for one in self.below(frozenset({area}))}
            self._communes[area] = frozenset(commune for commune in found if commune is not None)
        return self._communes[area]

    def _below(self, area: AreaId) -> Iterator[AreaId]:
        waiting = [area]
        while waiting:
            at = waiting.pop()
            yield at
            waiting.extend(self._children.get(at, ()))
