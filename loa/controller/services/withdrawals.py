"""Withdrawals: taking a broadcast or one occurrence of it off the air."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from loa.controller.core.access import Act, Person
from loa.controller.core.broadcasts import Scheduled
from loa.controller.errors import Conflict, Invalid
from loa.controller.ports import Clock
from loa.controller.services.audit import Audit
from loa.controller.services.broadcasts import Broadcasts
from loa.controller.services.placing import Placing
from loa.controller.services.rights import permit
from loa.controller.store import broadcasts as store
from loa.controller.store.database import Session, Work
from loa.controller.store.tables import WithdrawalRow
from loa.protocol.ids import AreaId, BroadcastId, OccurrenceId, WithdrawalId, broadcast_of, start_of
from loa.protocol.units import to_whole_ms
from loa.schedules.model import Window
from loa.schedules.recurrence import starts


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawn:
    """A withdrawal as it is kept."""

    id: WithdrawalId
    broadcast: BroadcastId
    target: BroadcastId | OccurrenceId
    area: AreaId | None
    issued_at: datetime
    by: str
    reason: str


class Withdrawals:
    """Needs no approver: taking sound away is always the safe side."""

    def __init__(
        self,
        *,
        clock: Clock,
        ids: Callable[[], str],
        broadcasts: Broadcasts,
        audit: Audit,
        placing: Placing,
    ) -> None:
        self._clock = clock
        self._ids = ids
        self._broadcasts = broadcasts
        self._audit = audit
        self._placing = placing

    def withdraw(
        self,
        work: Work,
        who: Person,
        broadcast: BroadcastId,
        *,
        occurrence: OccurrenceId | None = None,
        area: AreaId | None = None,
        reason: str = "",
    ) -> Withdrawn:
        """Everywhere, or only from the programme of `area`. The same again gives the first withdrawal."""
        found = self._broadcasts.get(work.session, who, broadcast)
        permit(work.session, who, Act.WITHDRAW, area or found.broadcast.issuer, sees=Act.READ_AREA)
        if occurrence is not None:
            _check_occurrence(found, occurrence)
        target = occurrence or broadcast
        before = store.read_withdrawal(work.session, target, area)
        if before is not None:
            return _withdrawn(before)
        return self._withdraw(work, who, found, target, area, reason)

    def find(self, session: Session, who: Person, broadcast: BroadcastId) -> list[Withdrawn]:
        """All of a broadcast and its occurrences, by time."""
        self._broadcasts.get(session, who, broadcast)
        return [_withdrawn(row) for row in store.find_withdrawals(session, broadcast)]

    def _withdraw(  # noqa: PLR0917 -- the facts of one row
        self,
        work: Work,
        who: Person,
        found: Scheduled,
        target: BroadcastId | OccurrenceId,
        area: AreaId | None,
        reason: str,
    ) -> Withdrawn:
        reach = store.reach_of(work.session, found.id)
        if area is not None and area not in reach:
            raise Conflict("not_placed", f"it does not stand in the programme of {area}", area=area)
        row = WithdrawalRow(
            id=self._ids(),
            broadcast_id=found.id,
            target=target,
            area_id=area,
            issued_at=to_whole_ms(self._clock.now()),
            by=who.user_id,
            reason=reason.strip()[:500],
        )
        store.add_withdrawal(work.session, row)
        where = area or found.broadcast.issuer
        self._audit.note(work, who.user_id, "broadcast.withdrawn", area=where, subject=target, reason=reason)
        changed = reach if area is None else {area}
        self._placing.changed(work, changed, urgent=True)
        self._placing.tell(work, {*changed, found.broadcast.issuer}, found.id)
        return _withdrawn(row)


def _check_occurrence(found: Scheduled, occurrence: OccurrenceId) -> None:
    when, limit = found.broadcast.when, found.broadcast.max_plays
    at = _start(occurrence)
    window = Window(from_at=at, until_at=at + timedelta(milliseconds=1))
    if broadcast_of(occurrence) != found.id or not starts(when, window, limit=limit):
        raise Invalid("no_such_occurrence", f"{occurrence} is no occurrence of this broadcast")


def _start(occurrence: OccurrenceId) -> datetime:
    try:
        return start_of(occurrence)
    except (OverflowError, ValueError) as error:
        raise Invalid("no_such_occurrence", f"{occurrence} is no occurrence of this broadcast") from error


def _withdrawn(row: WithdrawalRow) -> Withdrawn:
    return Withdrawn(
        id=WithdrawalId(row.id),
        broadcast=BroadcastId(row.broadcast_id),
        target=BroadcastId(row.target),
        area=None if row.area_id is None else AreaId(row.area_id),
        issued_at=row.issued_at,
        by=row.by,
        reason=row.reason,
    )
