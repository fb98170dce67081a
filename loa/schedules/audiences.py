"""Who hears the same: nodes grouped by the announcements that reach them."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from loa.protocol.ids import AreaId, NodeId

Name = TypeVar("Name")
"""What names an announcement: the id of a broadcast, a silence or a draft."""


@dataclass(frozen=True, slots=True)
class AudienceSet(Generic[Name]):
    """Nodes, in order of their ids, that all hear these announcements and no others."""

    nodes: tuple[NodeId, ...]
    hears: frozenset[Name]


def audience_sets(
    nodes: Mapping[NodeId, frozenset[AreaId]], audiences: Mapping[Name, Collection[AreaId]]
) -> list[AudienceSet[Name]]:
    """The distinct sets of announcements that nodes hear, by their first node; each node is in one.

    `nodes` gives the areas that a node belongs to, its own included. Nodes that hear nothing are a set too.
    """
    by_area: defaultdict[AreaId, set[Name]] = defaultdict(set)
    for name, areas in audiences.items():
        for area in areas:
            by_area[area].add(name)
    heard: defaultdict[frozenset[Name], list[NodeId]] = defaultdict(list)
    for node in sorted(nodes):
        hears = frozenset(name for area in nodes[node] for name in by_area.get(area, ()))
        heard[hears].append(node)
    return [AudienceSet(tuple(members), hears) for hears, members in heard.items()]
