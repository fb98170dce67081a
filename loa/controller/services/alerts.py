"""What needs a person, computed from what is: nothing to mark as read, it goes when its cause does."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from loa.controller.core.access import Act, Person, Role, granted
from loa.controller.core.alerts import (
    CALLED,
    FAILED,
    LOOK_BACK,
    Alert,
    AlertKind,
    Contact,
    in_order,
)
from loa.controller.core.approving import needs_another
from loa.controller.core.bulletins import BulletinState
from loa.controller.core.node_states import LATELY, fault_in
from loa.controller.core.presence import Presence
from loa.controller.core.tree import Tree
from loa.controller.ports import Clock
from loa.controller.services.bulletins import BulletinFilter, Bulletins
from loa.controller.store import alerts as store
from loa.controller.store.areas import areas_below
from loa.controller.store.database import Session
from loa.controller.store.ears import judged_lately
from loa.controller.store.tree import read_tree
from loa.protocol.ids import AreaId, NodeId

MOST_WAITING = 50
SETTLING = timedelta(hours=1)
"""A node that was just enrolled may take so long until somebody switches it on."""


class Alerts:
    """For home, the API and the mails: the same list."""

    def __init__(
        self,
        *,
        clock: Clock,
        bulletins: Bulletins,
        diverging: Callable[[], Mapping[NodeId, datetime]] = dict,
    ) -> None:
        """`diverging` names nodes that hold other orders than they were given, and since when."""
        self._clock = clock
        self._bulletins = bulletins
        self._diverging = diverging

    def of(self, session: Session, who: Person) -> list[Alert]:
        """All that needs this person now, the most urgent first."""
        now, tree = self._clock.now(), read_tree(session)
        nodes = _nodes(tree, granted(who, Act.READ_AREA))
        view = _View(session, tree, now)
        log = sorted(granted(who, Act.READ_LOG))
        return in_order(
            [
                *self._to_approve(view, who),
                *_differing(view, nodes, self._diverging()),
                *_ailing(view, nodes),
                *_silent(view, log, nodes),
                *_failed(view, log),
            ]
        )

    def _to_approve(self, view: "_View", who: Person) -> Iterable[Alert]:
        mine = areas_below(view.session, granted(who, Act.APPROVE))
        if not mine:
            return
        wanted = BulletinFilter(state=BulletinState.SUBMITTED)
        page = self._bulletins.find(view.session, who, wanted, cursor=None, limit=MOST_WAITING)
        for one in page.bulletins:
            area, authors = one.draft.area, one.authors
            if area in mine and not needs_another(view.tree, area, authors, who.user_id, view.now):
                yield Alert(
                    kind=AlertKind.TO_APPROVE,
                    area=area,
                    subject=one.id,
                    name=one.draft.title,
                    place=view.name(area),
                    since=one.submitted_at or one.updated_at,
                )


@dataclass
class _View:
    """The tree at one moment, with whom to call where."""

    session: Session
    tree: Tree
    now: datetime
    _people: dict[AreaId, dict[Role, Contact]] = field(default_factory=dict)

    def name(self, area: AreaId) -> str:
        return self.tree.place(area).name if area in self.tree else area

    def above(self, node: NodeId) -> str:
        path = self.tree.path(AreaId(node))
        return path[-2].name if len(path) > 1 else path[-1].name

    def around(self, areas: frozenset[AreaId]) -> AreaId:
        """The narrowest area that holds them all, or the first where there is none."""
        known = sorted(area for area in areas if area in self.tree)
        paths = [[place.id for place in self.tree.path(area)] for area in known]
        shared = [step[0] for step in zip(*paths, strict=False) if len(set(step)) == 1]
        return shared[-1] if shared else min(areas)

    def learn(self, nodes: Iterable[NodeId]) -> None:
        """Who can be called about these nodes, in one question."""
        areas = {place.id for node in nodes for place in self.tree.path(AreaId(node))} - set(self._people)
        found = store.reachable(self.session, areas, CALLED)
        self._people |= {area: {} for area in areas}
        for one in found:
            contact = Contact(name=one.name, address=one.address, phone=one.phone)
            self._people[one.area].setdefault(one.role, contact)

    def call(self, node: NodeId) -> Contact | None:
        """The technician, or else another, of the nearest area that has any with a phone."""
        for place in reversed(self.tree.path(AreaId(node))):
            there = self._people.get(place.id, {})
            if found := next((there[role] for role in CALLED if role in there), None):
                return found
        return None

    def about(self, node: NodeId, kind: AlertKind, since: datetime) -> Alert:
        return Alert(
            kind=kind,
            area=AreaId(node),
            subject=node,
            name=self.name(AreaId(node)),
            place=self.above(node),
            since=since,
            call=self.call(node),
        )


def _nodes(tree: Tree, roots: Iterable[AreaId]) -> frozenset[NodeId]:
    return tree.nodes_within(tuple(sorted(root for root in roots if root in tree)))


def _ailing(view: _View, nodes: frozenset[NodeId]) -> Iterable[Alert]:
    found = store.ailing_nodes(view.session, nodes)
    view.learn(one.node for one in found)
    for one in found:
        lost_since = _lost_since(one, view.now)
        if lost_since is not None:
            yield view.about(one.node, AlertKind.NODE_LOST, lost_since)
        if one.stopped_at is not None:
            yield view.about(one.node, AlertKind.NODE_STOPPED, one.stopped_at)
        if one.concerns and one.heard_at is not None:
            alert = view.about(one.node, AlertKind.MACHINE, one.heard_at)
            yield replace(alert, concerns=one.concerns)


def _differing(
    view: _View, nodes: frozenset[NodeId], diverging: Mapping[NodeId, datetime]
) -> Iterable[Alert]:
    there = {node: since for node, since in diverging.items() if node in nodes}
    view.learn(there)
    return [view.about(node, AlertKind.NODE_DIVERGES, since) for node, since in there.items()]


def _lost_since(one: store.Ailing, now: datetime) -> datetime | None:
    if one.presence is Presence.LOST:
        return one.heard_at or one.enrolled_at
    never = one.presence is Presence.UNKNOWN and one.heard_at is None
    return one.enrolled_at if never and now - one.enrolled_at > SETTLING else None


def _silent(view: _View, areas: list[AreaId], nodes: frozenset[NodeId]) -> Iterable[Alert]:
    found = judged_lately(view.session, nodes, view.now - LATELY) if areas else {}
    faults = {node: fault_in(judged) for node, judged in found.items()}
    there = {node: fault.at for node, fault in faults.items() if fault is not None}
    view.learn(there)
    return [view.about(node, AlertKind.HORN_SILENT, since) for node, since in there.items()]


def _failed(view: _View, areas: list[AreaId]) -> Iterable[Alert]:
    for one in store.failures(view.session, areas, FAILED, view.now - LOOK_BACK, view.now):
        area = view.around(one.areas)
        yield Alert(
            kind=AlertKind.NOT_SOUNDED,
            area=area,
            subject=one.occurrence,
            name=one.title,
            place=view.name(area),
            since=one.planned_at,
            nodes=one.nodes,
            reason=next(iter(one.outcomes)) if len(one.outcomes) == 1 else "",
        )
