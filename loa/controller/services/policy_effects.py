"""Before a policy is kept: which approved broadcasts it will refuse, cut short or silence, where and when."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from loa.controller.core.access import Act, Person
from loa.controller.core.policy_effect import Lost, changes_from, lost
from loa.controller.core.standing import unite
from loa.controller.core.starts import Hours
from loa.controller.core.tree import Tree
from loa.controller.ports import Clock, SilenceJournal
from loa.controller.services.rights import permit
from loa.controller.services.timelines import Group, groups_of, programmes_of
from loa.controller.store.database import Session
from loa.controller.store.tree import read_tree
from loa.protocol.broadcast import Broadcast
from loa.protocol.ids import AreaId, BroadcastId, NodeId
from loa.protocol.policy import Policy
from loa.protocol.reasons import Reason
from loa.schedules.policy import default_policy

MOST_GROUPS = 60
"""Groups of nodes that hear alike take some 70 ms each with ten broadcasts a day; the largest come first."""


@dataclass(frozen=True, slots=True)
class Silenced:
    """An approved broadcast of which something will not sound."""

    id: BroadcastId
    broadcast: Broadcast
    reason: Reason | None
    """Of the first of them; None: it will sound, too softly to be heard."""
    legal_source: str | None
    first_at: datetime
    occurrences: int
    """In the time that was looked at."""
    whole: bool
    """Nothing of any of them sounds."""
    nodes: frozenset[NodeId]


@dataclass(frozen=True, slots=True)
class Effect:
    """What a policy will take, the first first; nothing if it changes nothing from now on."""

    from_at: datetime | None
    nodes: int
    """How many the area's policy binds."""
    silenced: tuple[Silenced, ...] = ()
    left_out: int = 0
    """Nodes that were not looked at, since too many hear differently."""


class PolicyEffects:
    """Changes nothing."""

    def __init__(self, *, clock: Clock, journal: SilenceJournal) -> None:
        self._clock = clock
        self._journal = journal

    def foresee(self, session: Session, who: Person, area: AreaId, policy: Policy) -> Effect:
        """If the area had this policy: on the nodes for which no area between has one of its own.

        Raises `NotFound` and `Forbidden` as a change of the area does.
        """
        permit(session, who, Act.MANAGE_AREAS, area, sees=Act.READ_AREA)
        now, tree = self._clock.now(), read_tree(session)
        bound = {node for node in tree.nodes_of(area) if _is_bound(tree, area, node)}
        from_at = changes_from(tree.policy_of(area) or default_policy(), policy, now)
        if from_at is None or not bound:
            return Effect(from_at, len(bound))
        programmes = programmes_of(session, self._journal, tree, area, now)
        groups = sorted(_only(bound, groups_of(tree, area, programmes, ())), key=lambda one: -len(one.nodes))
        found: list[tuple[Group, Lost]] = []
        for group in groups[:MOST_GROUPS]:
            standing = unite(programmes, group.areas)
            new = Hours(policy, group.hours.tz)
            found += [(group, one) for one in lost(standing, group.hours, new, from_at)]
        left_out = sum(len(group.nodes) for group in groups[MOST_GROUPS:])
        return Effect(from_at, len(bound), tuple(_together(found)), left_out)


def _is_bound(tree: Tree, area: AreaId, node: NodeId) -> bool:
    path = tree.path(AreaId(node))
    ids = [place.id for place in path]
    return area in ids and not any(place.policy for place in path[ids.index(area) + 1 :])


def _only(bound: set[NodeId], groups: Iterator[Group]) -> Iterator[Group]:
    for group in groups:
        if nodes := tuple(node for node in group.nodes if node in bound):
            yield replace(group, nodes=nodes)


def _together(found: list[tuple[Group, Lost]]) -> Iterator[Silenced]:
    by_broadcast: dict[BroadcastId, list[tuple[Group, Lost]]] = {}
    for group, one in sorted(found, key=lambda pair: (pair[1].item.start_at, pair[1].item.id)):
        by_broadcast.setdefault(one.entry.id, []).append((group, one))
    for name, several in by_broadcast.items():
        first = several[0][1]
        yield Silenced(
            id=name,
            broadcast=first.entry.broadcast,
            reason=first.reason,
            legal_source=first.legal_source,
            first_at=first.item.start_at,
            occurrences=len({one.item.id for _, one in several}),
            whole=all(one.sounded_ms == 0 or one.reason is None for _, one in several),
            nodes=frozenset(node for group, _ in several for node in group.nodes),
        )
