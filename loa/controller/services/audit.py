"""The audit trail: who did what to which thing; append only, and chained."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from pydantic_core import to_json

from loa.controller.core.access import Act, Person, granted
from loa.controller.core.trail import Sealed
from loa.controller.ports import Clock
from loa.controller.services.rights import permit
from loa.controller.store import audits
from loa.controller.store.audits import AuditFilter
from loa.controller.store.database import Session, Work
from loa.protocol.ids import AreaId


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """An act as it was noted."""

    id: int
    at: datetime
    user_id: str
    act: str
    area: AreaId | None
    subject: str
    detail: str
    """JSON object."""


class Audit:
    """Notes acts in the transaction that does them; `noted` is called after each commit, never waiting."""

    def __init__(self, *, clock: Clock, noted: Callable[[], None] = lambda: None) -> None:
        self._clock = clock
        self._noted = noted

    def note(
        self, work: Work, by: str, act: str, *, area: str | None = None, subject: str = "", **detail: object
    ) -> None:
        """Remember that user `by` did `act` (`bulletin.approved`) to `subject`, an id."""
        text = to_json(detail).decode()
        audits.append(
            work.session, at=self._clock.now(), user_id=by, act=act, area=area, subject=subject, detail=text
        )
        work.after_commit(self._noted)

    def find(
        self,
        session: Session,
        who: Person,
        wanted: AuditFilter | None = None,
        *,
        before: int | None,
        limit: int,
    ) -> list[Noted]:
        """The acts in the areas whose audit the person may read, the last first; `before` is an id.

        Raises `NotFound` for an area that is nobody's business.
        """
        wanted = AuditFilter() if wanted is None else wanted
        areas = _readable(session, who, wanted)
        rows = audits.find(session, wanted, areas=areas, before=before, limit=limit)
        return [
            Noted(
                id=row.id or 0,
                at=row.at,
                user_id=row.user_id,
                act=row.act,
                area=AreaId(row.area_id) if row.area_id else None,
                subject=row.subject,
                detail=row.detail,
            )
            for row in rows
        ]

    def export(self, session: Session, who: Person, wanted: AuditFilter | None = None) -> Iterator[Sealed]:
        """The lines as `find`, the first first, with their digests; raises as `find` before the first."""
        wanted = AuditFilter() if wanted is None else wanted
        return audits.walk(session, wanted, areas=_readable(session, who, wanted))


def _readable(session: Session, who: Person, wanted: AuditFilter) -> frozenset[AreaId]:
    if wanted.area is None:
        return granted(who, Act.READ_AUDIT)
    permit(session, who, Act.READ_AUDIT, wanted.area)
    return frozenset({wanted.area})
