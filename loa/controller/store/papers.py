"""Appointments, rosters and charters in the database."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import delete
from sqlmodel import Session, col, select

from loa.controller.core.papers import PaperKind
from loa.controller.store.trust_tables import AppointmentRow, PaperRow
from loa.protocol.charter import Charter, Papers, Signed
from loa.protocol.ids import AreaId, NodeId


@dataclass(frozen=True, slots=True)
class InForce:
    """The papers of one area that belong together: signed by the keepers of one appointment."""

    appointment: AppointmentRow
    roster: PaperRow
    charter: PaperRow


@dataclass(slots=True)
class Binder:
    """All papers in force, to be handed to nodes."""

    by_area: Mapping[AreaId, InForce]
    successions: tuple[str, ...] = ()
    _named: dict[AreaId, frozenset[NodeId]] = field(default_factory=dict)
    _made: dict[tuple[AreaId, ...], Papers] = field(default_factory=dict)

    def of(self, node: NodeId, areas: Sequence[AreaId]) -> Papers | None:
        """Those that concern a node with these areas, from the widest; None: no charter names it."""
        chartered = self.charter_of(node, areas)
        if chartered is None:
            return None
        mine = tuple(area for area in areas if area in self.by_area)
        if (chartered, *mine) not in self._made:
            self._made[chartered, *mine] = self._papers(mine, chartered)
        return self._made[chartered, *mine]

    def charter_of(self, node: NodeId, areas: Sequence[AreaId]) -> AreaId | None:
        """The area whose charter binds the node: the narrowest that names it."""
        mine = (area for area in reversed(areas) if area in self.by_area)
        return next((area for area in mine if node in self._nodes(area)), None)

    def _papers(self, areas: Sequence[AreaId], chartered: AreaId) -> Papers:
        found = [self.by_area[area] for area in areas]
        return Papers(
            successions=self.successions,
            appointments=tuple(one.appointment.sealed for one in found),
            rosters=tuple(signed_of(one.roster) for one in found),
            charter=signed_of(self.by_area[chartered].charter),
        )

    def _nodes(self, area: AreaId) -> frozenset[NodeId]:
        if area not in self._named:
            charter = Charter.from_bytes(self.by_area[area].charter.document)
            self._named[area] = frozenset(charter.nodes)
        return self._named[area]


def binder(session: Session, successions: tuple[str, ...] = ()) -> Binder:
    """The newest of each area of which both roster and charter are signed; beside them how roots followed."""
    found = {area: in_force(session, area) for area in appointed(session)}
    return Binder({area: papers for area, papers in found.items() if papers is not None}, successions)


def in_force(session: Session, area: AreaId) -> InForce | None:
    """New keepers count from when they have signed both; until then the papers of the old ones stay."""
    wanted = select(PaperRow).where(PaperRow.area_id == area, col(PaperRow.signed_at).is_not(None))
    newest: defaultdict[int, dict[str, PaperRow]] = defaultdict(dict)
    for row in session.exec(wanted.order_by(col(PaperRow.composed_at), col(PaperRow.id))):
        newest[row.appointment][row.kind] = row
    whole = [version for version, papers in newest.items() if len(papers) == len(PaperKind)]
    if not whole:
        return None
    appointment = session.get_one(AppointmentRow, (area, max(whole)))
    papers = newest[max(whole)]
    return InForce(appointment, papers[PaperKind.ROSTER], papers[PaperKind.CHARTER])


def appointed(session: Session) -> list[AreaId]:
    """The areas with keepers."""
    return [AreaId(area) for area in session.exec(select(AppointmentRow.area_id).distinct())]


def appointment_row(session: Session, area: AreaId) -> AppointmentRow | None:
    """The newest."""
    wanted = select(AppointmentRow).where(AppointmentRow.area_id == area)
    return session.exec(wanted.order_by(col(AppointmentRow.version).desc())).first()


def living_appointments(session: Session) -> list[AppointmentRow]:
    """Of each area the one in force and, where keepers have not signed yet, the newest."""
    rows: list[AppointmentRow] = []
    for area in sorted(appointed(session)):
        held = in_force(session, area)
        found = [None if held is None else held.appointment, appointment_row(session, area)]
        rows += {row.version: row for row in found if row is not None}.values()
    return rows


def waiting(session: Session, area: AreaId) -> list[PaperRow]:
    """Papers that lack signatures, the roster last."""
    wanted = select(PaperRow).where(PaperRow.area_id == area, col(PaperRow.signed_at).is_(None))
    return list(session.exec(wanted.order_by(col(PaperRow.kind))))


def drop_waiting(session: Session, area: AreaId) -> None:
    """Forget what was composed and not signed by enough keepers."""
    session.connection().execute(
        delete(PaperRow).where(col(PaperRow.area_id) == area, col(PaperRow.signed_at).is_(None))
    )


def signed_of(row: PaperRow) -> Signed:
    """As it travels; only with at least one signature."""
    return Signed.model_validate({"document": row.document, "signatures": json.loads(row.signatures)})
