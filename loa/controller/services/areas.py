"""The tree of areas: adding, naming, moving, closing; and what that means for nodes."""

from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import available_timezones

from loa.controller.core.access import Act, Person, granted
from loa.controller.core.areas import AUTHORITY, Area, fits_below, past_versions
from loa.controller.core.slugs import slug_of
from loa.controller.core.tree import AreaKind
from loa.controller.errors import Conflict, Forbidden, Invalid
from loa.controller.ports import Access, Clock, Publisher
from loa.controller.services.audit import Audit
from loa.controller.services.rights import permit
from loa.controller.store import areas, nodes
from loa.controller.store.database import Session, Work
from loa.controller.store.tree import read_tree
from loa.protocol.ids import AreaId, NodeId, is_slug
from loa.protocol.policy import Policy

MOST_ZONES = 32
"""Of one node; its configuration names at most 64 areas, those above it included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewArea:
    """An area that is to be; without an `id` it is made from the name."""

    name: str
    kind: AreaKind
    parent_id: AreaId | None
    id: str | None = None
    tz: str | None = None
    policy: Policy | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AreaChange:
    """What is to be different; None stays as it is. `tz` and `policy` cannot be taken away again."""

    name: str | None = None
    tz: str | None = None
    policy: Policy | None = None


class Areas:
    """Who manages areas in one manages all below it."""

    def __init__(self, *, clock: Clock, audit: Audit, publisher: Publisher, access: Access) -> None:
        self._clock = clock
        self._audit = audit
        self._publisher = publisher
        self._access = access

    def add(self, work: Work, who: Person, new: NewArea) -> Area:
        """Raises `Forbidden`, `Conflict` (id taken), `Invalid` (kind, id, time zone)."""
        if new.parent_id is None:
            raise Forbidden(
                "root_area", "a new tree begins at the controller's terminal: loa-controller init"
            )
        permit(work.session, who, Act.MANAGE_AREAS, new.parent_id, sees=Act.READ_AREA)
        return self.insert(work, who.user_id, new)

    def insert(self, work: Work, by: str, new: NewArea) -> Area:
        """As `add` without asking for rights; also a root."""
        area = new.id if new.id is not None else slug_of(new.name)
        if not is_slug(area):
            raise Invalid("bad_area_id", "an id has 1 to 64 of a-z, 0-9, _ and -; send one", area=area)
        if areas.exists(work.session, area):
            raise Conflict("area_exists", f"there is an area {area!r} already; send another id", area=area)
        _check_tz(new.tz)
        self._check_place(work.session, new.kind, new.parent_id)
        made = areas.add_area(
            work.session,
            Area(
                id=AreaId(area),
                name=new.name,
                kind=new.kind,
                parent_id=new.parent_id,
                authority=AUTHORITY[new.kind],
                tz=new.tz,
                policy=new.policy,
                created_at=self._clock.now(),
                closed_at=None,
            ),
        )
        self._audit.note(work, by, "area.added", area=area, subject=area, kind=new.kind, name=new.name)
        return made

    def change(self, work: Work, who: Person, area: AreaId, change: AreaChange) -> Area:
        """A new policy may not change the past: its versions in force by now must be those of the old one.

        Where no node has enrolled yet there is no past.
        """
        permit(work.session, who, Act.MANAGE_AREAS, area, sees=Act.READ_AREA)
        row = areas.row_of(work.session, area)
        if change == AreaChange():
            return areas.as_area(row)
        _check_tz(change.tz)
        if change.policy is not None:
            self._check_policy(work.session, area, change.policy)
            row.policy = change.policy.model_dump_json()
        row.name = row.name if change.name is None else change.name
        row.tz = row.tz if change.tz is None else change.tz
        self._audit.note(
            work,
            who.user_id,
            "area.changed",
            area=area,
            subject=area,
            name=change.name,
            tz=change.tz,
            policy=change.policy,
        )
        if change.tz is not None or change.policy is not None:
            self._tell_nodes(work, read_tree(work.session).nodes_of(area))
        return areas.as_area(row)

    def move(self, work: Work, who: Person, area: AreaId, parent: AreaId) -> Area:
        """Put an area or a node elsewhere in the tree; needs the right at both places. History stays.

        Nodes leave the zones of places where they no longer are: those have no more say over them.
        """
        row = areas.row_of(work.session, area)
        act = Act.MANAGE_NODES if row.kind == AreaKind.NODE else Act.MANAGE_AREAS
        permit(work.session, who, act, area, sees=Act.READ_AREA)
        permit(work.session, who, act, parent, sees=Act.READ_AREA)
        self._check_place(work.session, AreaKind(row.kind), parent)
        if area in areas.path_of(work.session, parent):
            raise Invalid("below_itself", f"{parent} lies below {area}", area=area, parent=parent)
        before, row.parent_id = row.parent_id, parent
        work.session.flush()
        self._audit.note(
            work, who.user_id, "area.moved", area=area, subject=area, before=before, after=parent
        )
        self.moved(work, read_tree(work.session).nodes_of(area))
        return areas.as_area(row)

    def moved(self, work: Work, nodes: Sequence[NodeId]) -> None:
        """These nodes stand elsewhere now; they leave the zones of places that are not above them."""
        _leave_zones(work.session, nodes)
        self._tell_nodes(work, list(nodes))

    def close(self, work: Work, who: Person, area: AreaId) -> Area:
        """Take an empty area out of use; its history stays. Does nothing the second time."""
        permit(work.session, who, Act.MANAGE_AREAS, area, sees=Act.READ_AREA)
        row = areas.row_of(work.session, area)
        if row.kind == AreaKind.NODE:
            raise Invalid("is_a_node", "retire the node instead", area=area)
        if inside := areas.open_children(work.session, area):
            raise Conflict("area_not_empty", "move or close what lies below it first", inside=inside)
        if row.closed_at is None:
            row.closed_at = self._clock.now()
            self._set_members(work, area, frozenset())
            self._audit.note(work, who.user_id, "area.closed", area=area, subject=area)
        return areas.as_area(row)

    def set_members(self, work: Work, who: Person, zone: AreaId, members: frozenset[NodeId]) -> None:
        """Give a zone these nodes and no others; they must lie below the zone's parent."""
        permit(work.session, who, Act.MANAGE_AREAS, zone, sees=Act.READ_AREA)
        area = areas.area_of(work.session, zone)
        if area.kind is not AreaKind.ZONE or area.parent_id is None:
            raise Invalid("not_a_zone", f"{zone} is no zone", area=zone)
        outside = members - frozenset(read_tree(work.session).nodes_of(area.parent_id))
        if outside:
            raise Invalid("nodes_outside", f"these nodes are not in {area.parent_id}", nodes=sorted(outside))
        _check_zones(work.session, zone, members)
        self._set_members(work, zone, members)
        self._audit.note(work, who.user_id, "zone.changed", area=zone, subject=zone, nodes=sorted(members))

    def get(self, session: Session, who: Person, area: AreaId) -> Area:
        """Raises `NotFound` also where the person has no right to know of it."""
        permit(session, who, Act.READ_AREA, area)
        return areas.area_of(session, area)

    def members(self, session: Session, who: Person, zone: AreaId) -> frozenset[NodeId]:
        """The nodes of a zone."""
        permit(session, who, Act.READ_AREA, zone)
        return nodes.members_of(session, zone)

    def find(
        self,
        session: Session,
        who: Person,
        *,
        parent: AreaId | None = None,
        kind: AreaKind | None = None,
        after: str,
        limit: int,
    ) -> list[Area]:
        """The open areas that the person sees, by id."""
        seen = granted(who, Act.READ_AREA)
        return areas.find_areas(session, areas=seen, parent=parent, kind=kind, after=after, limit=limit)

    def _check_place(self, session: Session, kind: AreaKind, parent: AreaId | None) -> None:
        above = None if parent is None else areas.area_of(session, parent)
        if above is not None and above.closed_at is not None:
            raise Conflict("area_closed", f"{above.id} is closed", area=above.id)
        if not fits_below(kind, above.kind if above else None):
            place = f"below a {above.kind}" if above else "at the top"
            raise Invalid("bad_place", f"a {kind} cannot stand {place}", kind=kind, parent=parent)

    def _check_policy(self, session: Session, area: AreaId, policy: Policy) -> None:
        now, tree = self._clock.now(), read_tree(session)
        if not nodes.any_enrolled(session, tree.nodes_of(area)):
            return
        if past_versions(policy, now) != past_versions(tree.policy_of(area), now):
            raise Invalid(
                "policy_changes_past",
                "keep the versions in force as they are and add one with effective_from in the future",
                now=now,
            )

    def _set_members(self, work: Work, zone: AreaId, members: frozenset[NodeId]) -> None:
        touched = nodes.members_of(work.session, zone) ^ members
        nodes.replace_members(work.session, zone, members)
        self._tell_nodes(work, list(touched))

    def _tell_nodes(self, work: Work, touched: list[NodeId]) -> None:
        tell_nodes(work, touched, access=self._access, publisher=self._publisher)


def tell_nodes(work: Work, touched: list[NodeId], *, access: Access, publisher: Publisher) -> None:
    """After the commit: what these nodes may read and what they are is made anew."""
    if touched:
        work.after_commit(access.refresh)
        work.after_commit(lambda: publisher.config_changed(frozenset(AreaId(node) for node in touched)))


def _leave_zones(session: Session, moved: Sequence[NodeId]) -> None:
    tree = read_tree(session)
    for node, zones in nodes.zones_of(session, moved).items():
        above = {place.id for place in tree.path(AreaId(node))}
        for zone in zones:
            if tree.place(zone).parent_id not in above:
                nodes.leave_zone(session, zone, node)


def _check_zones(session: Session, zone: AreaId, members: frozenset[NodeId]) -> None:
    others = {node: set(zones) - {zone} for node, zones in nodes.zones_of(session, members).items()}
    full = sorted(node for node, zones in others.items() if len(zones) >= MOST_ZONES)
    if full:
        detail = f"a node is in at most {MOST_ZONES} zones; take these out of others first"
        raise Invalid("too_many_zones", detail, nodes=full)


def _check_tz(tz: str | None) -> None:
    if tz is not None and tz not in available_timezones():
        raise Invalid("bad_tz", f"{tz!r} is no time zone; Asia/Ho_Chi_Minh is one", tz=tz)
