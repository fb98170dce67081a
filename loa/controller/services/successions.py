"""Another root key: the appointments that count travel to the old root and come back sealed by the next."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from loa.controller.errors import Conflict, Invalid
from loa.controller.services.audit import Audit
from loa.controller.store.database import Session, Work
from loa.controller.store.papers import living_appointments
from loa.controller.store.trust_tables import AppointmentRow
from loa.protocol.charter import Appointment, appoint, verify_appointment
from loa.protocol.errors import ProtocolError
from loa.protocol.ids import AreaId
from loa.protocol.keys import PublicKey, SigningKey
from loa.protocol.succession import Lineage, Succession, follow, name_next
from loa.protocol.wire import Wire


class HandOver(Wire):
    """What travels between the controller and the stick: appointments, and from there on the succession."""

    succession: Annotated[str, Field(max_length=1024)] | None = None
    appointments: tuple[str, ...]


def held_by(session: Session) -> HandOver:
    """What the next root has to seal."""
    return HandOver(appointments=tuple(row.sealed for row in living_appointments(session)))


def succeed(held: HandOver, old: SigningKey, new: SigningKey, now: datetime) -> HandOver:
    """The old root names the new one, which seals what the old one had; raises `Invalid`, `Conflict`."""
    if old.public.kid == new.public.kid:
        raise Conflict("same_root", "the next root key is the old one; make another with `root new`")
    wanted = appointments_of(held, old.public)
    return HandOver(
        succession=name_next(Succession(root=new.public.x, issued_at=now), old),
        appointments=tuple(appoint(one, new) for one in wanted),
    )


def appointments_of(held: HandOver, root: PublicKey) -> list[Appointment]:
    """Those in the file; raises `Invalid` where that root did not seal them."""
    try:
        return [verify_appointment(sealed, root) for sealed in held.appointments]
    except ProtocolError as error:
        raise Invalid("not_the_root", f"that root key did not seal it: {error}") from error


def take_over(work: Work, audit: Audit, by: str, given: HandOver, root: PublicKey) -> PublicKey:
    """Keep the same appointments under the seal of the root that `root` has named, which is returned.

    Raises `Invalid` unless the file is whole: what one area lacks, its nodes would refuse all of.
    """
    lineage = _lineage(root, given)
    found = zip(appointments_of(given, lineage.root), given.appointments, strict=True)
    resealed = {(one.area, one.version): (one, sealed) for one, sealed in found}
    for row in living_appointments(work.session):
        _reseal(row, resealed.get((AreaId(row.area_id), row.version)), root)
        audit.note(work, by, "trust.root_succeeded", area=AreaId(row.area_id), subject=row.area_id)
    return lineage.root


def _lineage(root: PublicKey, given: HandOver) -> Lineage:
    try:
        lineage = follow(root, [given.succession] if given.succession else [])
    except ProtocolError as error:
        raise Invalid("not_the_root", f"that is no succession: {error}") from error
    if not lineage.steps:
        raise Invalid("not_the_root", "the root key of LOA_ROOT_KEY did not name this next one")
    return lineage


def _reseal(row: AppointmentRow, given: tuple[Appointment, str] | None, root: PublicKey) -> None:
    try:
        known = verify_appointment(row.sealed, root)
    except ProtocolError as error:
        raise Invalid("not_the_root", f"LOA_ROOT_KEY did not seal the keepers of {row.area_id}") from error
    if given is None or given[0] != known:
        why = f"the keepers of {row.area_id} are others by now; begin with `root papers` again"
        raise Invalid("handover_stale", why)
    row.sealed = given[1]
