"""Merging and splitting areas with their history kept, and the way back.

An area that is merged into another one becomes a zone below it: a group of the loudspeakers that it had. So
what it had approved goes on to sound on just those, and its log, bulletins and audit stay readable under its
own name, by whoever reads those of the area that took it in.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from loa.controller.core.access import Act, Person, Role, granted
from loa.controller.core.areas import Area
from loa.controller.core.reshapes import Before, Done, Given, Outlook, Reshape, ReshapeKind
from loa.controller.core.tree import AreaKind
from loa.controller.errors import Conflict, Invalid, NotFound
from loa.controller.ports import Clock
from loa.controller.services.areas import Areas, NewArea
from loa.controller.services.audit import Audit
from loa.controller.services.rights import permit
from loa.controller.store import areas, nodes
from loa.controller.store import reshapes as store
from loa.controller.store.database import Session, Work
from loa.controller.store.tree import read_tree
from loa.protocol.ids import AreaId, NodeId

MOST_SHOWN = 50
_WHOLE = frozenset({AreaKind.PROVINCE, AreaKind.DISTRICT, AreaKind.COMMUNE, AreaKind.VILLAGE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Splitting:
    """What is to leave an area, under which name."""

    area: AreaId
    name: str
    leaving: frozenset[AreaId]


class Reshapes:
    """Needs the right to manage both areas. `NotFound` for what is nobody's business."""

    def __init__(self, *, clock: Clock, audit: Audit, areas: Areas) -> None:
        self._clock = clock
        self._audit = audit
        self._areas = areas

    def foresee_merge(self, session: Session, who: Person, kept: AreaId, gone: AreaId) -> Outlook:
        """What it will mean; raises as `merge`."""
        self._check_merge(session, who, kept, gone)
        tree, now = read_tree(session), self._clock.now()
        return Outlook(
            moved=_names(session, areas.open_children(session, gone)),
            nodes=len(tree.nodes_of(gone)),
            goes_on=store.titles_placed(session, gone, now),
            spreads=store.titles_placed(session, kept, now),
            people=_people(session, gone),
            policy_changes=tree.policy_of(gone) != tree.policy_of(kept),
        )

    def merge(self, work: Work, who: Person, kept: AreaId, gone: AreaId, *, roles: bool) -> Reshape:
        """Put all that `gone` holds into `kept`; with `roles` its people have their roles there, too."""
        self._check_merge(work.session, who, kept, gone)
        session = work.session
        row, inside = areas.row_of(session, gone), read_tree(session).nodes_of(gone)
        before = Before(
            kind=AreaKind(row.kind),
            parent=AreaId(row.parent_id) if row.parent_id else None,
            moved=tuple(areas.open_children(session, gone)),
            given=_give(session, gone, kept) if roles else (),
        )
        _put(session, before.moved, kept)
        row.parent_id, row.kind = kept, AreaKind.ZONE
        session.flush()
        nodes.replace_members(session, gone, frozenset(inside))
        self._areas.moved(work, inside)
        return self._note(work, who, Done(kind=ReshapeKind.MERGED, area=kept, other=gone, before=before))

    def foresee_split(self, session: Session, who: Person, plan: Splitting) -> Outlook:
        """What it will mean; raises as `split`."""
        self._check_split(session, who, plan)
        tree, now = read_tree(session), self._clock.now()
        return Outlook(
            moved=_names(session, sorted(plan.leaving)),
            nodes=sum(len(tree.nodes_of(area)) for area in plan.leaving),
            ends=store.titles_placed(session, plan.area, now),
            people=_people(session, plan.area),
        )

    def split(self, work: Work, who: Person, plan: Splitting, *, roles: bool) -> tuple[Reshape, Area]:
        """Make an area beside it with its rules, for what leaves; with `roles` its people are there, too."""
        parent = self._check_split(work.session, who, plan)
        session, old = work.session, areas.area_of(work.session, plan.area)
        new = NewArea(name=plan.name, kind=old.kind, parent_id=parent, tz=old.tz, policy=old.policy)
        made = self._areas.insert(work, who.user_id, new)
        before = Before(
            kind=old.kind,
            parent=parent,
            moved=tuple(sorted(plan.leaving)),
            given=_give(session, plan.area, made.id) if roles else (),
        )
        inside = [node for area in before.moved for node in read_tree(session).nodes_of(area)]
        _put(session, before.moved, made.id)
        self._areas.moved(work, inside)
        done = Done(kind=ReshapeKind.SPLIT, area=plan.area, other=made.id, before=before)
        return self._note(work, who, done), made

    def find(self, session: Session, who: Person) -> list[Reshape]:
        """The last ones of areas that the person manages."""
        mine = granted(who, Act.MANAGE_AREAS)
        return store.reshapes_within(session, mine, MOST_SHOWN) if mine else []

    def undo(self, work: Work, who: Person, id_: int) -> Reshape:
        """As it was before; raises `Conflict` if it is undone already, or what moved has changed since."""
        session = work.session
        done = store.reshape_of(session, id_)
        missing = NotFound("no_such_reshape", "there is nothing to undo")
        if done is None:
            raise missing
        for area in (done.area, done.other):
            permit(session, who, Act.MANAGE_AREAS, area, missing=missing)
        if done.undone_at is not None:
            raise Conflict("undone_already", "it is undone already")
        inside = (
            self._undo_merge(work, done) if done.kind is ReshapeKind.MERGED else self._undo_split(work, done)
        )
        target = done.area if done.kind is ReshapeKind.MERGED else done.other
        for one in done.before.given:
            store.remove_role(session, one.user, target, one.role)
            self._audit.note(work, who.user_id, "role.taken", area=target, subject=one.user, role=one.role)
        self._areas.moved(work, inside)
        store.note_undone(session, id_, self._clock.now())
        self._audit.note(work, who.user_id, f"area.{done.kind}_undone", area=done.area, subject=done.other)
        return done

    def _undo_merge(self, work: Work, done: Reshape) -> Sequence[NodeId]:
        session, row = work.session, areas.row_of(work.session, done.other)
        if row.kind != AreaKind.ZONE or row.parent_id != done.area or row.closed_at is not None:
            raise _changed()
        _check_still(session, done.before.moved, done.area)
        row.kind, row.parent_id = done.before.kind, done.before.parent
        nodes.replace_members(session, done.other, frozenset())
        _put(session, done.before.moved, done.other)
        return read_tree(session).nodes_of(done.other)

    def _undo_split(self, work: Work, done: Reshape) -> Sequence[NodeId]:
        session, row = work.session, areas.row_of(work.session, done.other)
        _check_still(session, done.before.moved, done.other)
        if set(areas.open_children(session, done.other)) != set(done.before.moved) or row.closed_at:
            raise _changed()
        inside = read_tree(session).nodes_of(done.other)
        _put(session, done.before.moved, done.area)
        row.closed_at = self._clock.now()
        session.flush()
        return inside

    def _check_merge(self, session: Session, who: Person, kept: AreaId, gone: AreaId) -> None:
        for area in (kept, gone):
            permit(session, who, Act.MANAGE_AREAS, area, sees=Act.READ_AREA)
        one, other = areas.area_of(session, kept), areas.area_of(session, gone)
        if kept == gone or kept in areas.path_of(session, gone) or gone in areas.path_of(session, kept):
            raise Invalid("below_itself", "one of the areas lies within the other")
        if one.kind is not other.kind or one.kind not in _WHOLE:
            raise Invalid("unlike_areas", "merge areas of one kind", kinds=[one.kind, other.kind])
        if one.closed_at or other.closed_at:
            raise Conflict("area_closed", "one of the areas is closed", area=kept if one.closed_at else gone)

    def _check_split(self, session: Session, who: Person, plan: Splitting) -> AreaId:
        permit(session, who, Act.MANAGE_AREAS, plan.area, sees=Act.READ_AREA)
        area = areas.area_of(session, plan.area)
        if area.parent_id is None or area.kind not in _WHOLE:
            raise Invalid("root_area", "an area at the top, a node or a zone cannot be split", area=area.id)
        permit(session, who, Act.MANAGE_AREAS, area.parent_id, sees=Act.READ_AREA)
        inside = set(areas.open_children(session, plan.area))
        if not plan.leaving or not plan.leaving < inside:
            raise Invalid("nothing_left", "some of what stands below it leaves, and some stays")
        if not plan.name:
            raise Invalid("name_missing", "the new area needs a name")
        return area.parent_id

    def _note(self, work: Work, who: Person, done: Done) -> Reshape:
        made = store.add_reshape(work.session, done, at=self._clock.now(), by=who.user_id)
        moved, given = done.before.moved, done.before.given
        self._audit.note(
            work, who.user_id, f"area.{done.kind}", area=done.area, subject=done.other, moved=moved
        )
        target = done.area if done.kind is ReshapeKind.MERGED else done.other
        for one in given:
            self._audit.note(work, who.user_id, "role.given", area=target, subject=one.user, role=one.role)
        return made


def _put(session: Session, moved: Sequence[AreaId], below: AreaId) -> None:
    for area in moved:
        areas.row_of(session, area).parent_id = below
    session.flush()


def _check_still(session: Session, moved: Sequence[AreaId], below: AreaId) -> None:
    rows = [areas.row_of(session, area) for area in moved]
    if any(row.parent_id != below for row in rows):
        raise _changed()


def _give(session: Session, from_: AreaId, to: AreaId) -> tuple[Given, ...]:
    found = store.roles_at(session, from_)
    return tuple(
        Given(user=user, role=Role(role))
        for user, _, role in found
        if store.add_role(session, user, to, role)
    )


def _names(session: Session, found: Sequence[AreaId]) -> tuple[str, ...]:
    return tuple(areas.area_of(session, area).name for area in found)


def _people(session: Session, area: AreaId) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for _, name, _ in store.roles_at(session, area)))


def _changed() -> Conflict:
    return Conflict("changed_since", "what moved was changed since; move it by hand")
