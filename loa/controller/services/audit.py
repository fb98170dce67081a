"""The audit trail: who did what to which thing; append only."""

from dataclasses import dataclass
from datetime import datetime

from pydantic_core import to_json

from loa.controller.core.access import Act, Person, granted
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
    """Notes acts in the transaction that does them."""

    def __init__(self, *, clock: Clock) -> None:
        self._clock = clock

    def note(
        self, work: Work, by: str, act: str, *, area: str | None = None, subject: str = "", **detail: object
    ) -> None:
        """Remember that user `by` did `act` (`bulletin.approved`) to `subject`, an id."""
        text = to_json(detail).decode()
        audits.append(
            work.session, at=self._clock.now(), user_id=by, act=act, area=area, subject=subject, detail=text
        )

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
        areas = granted(who, Act.READ_AUDIT)
        if wanted.area is not None:
            permit(session, who, Act.READ_AUDIT, wanted.area)
            areas = frozenset({wanted.area})
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
