"""What became of occurrences, counted over the nodes of an area."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import datetime

import sqlalchemy
from sqlalchemy import func
from sqlmodel import Session, col

from loa.controller.core.expected import EXPECTED, MISSED
from loa.controller.core.schedule import Proof
from loa.controller.store.log_scope import scope_of
from loa.controller.store.tables import LogRow
from loa.protocol.ids import AreaId, OccurrenceId
from loa.protocol.reasons import Reason


def proofs(
    session: Session, area: AreaId, from_at: datetime, until_at: datetime
) -> Mapping[OccurrenceId, Proof]:
    """Of what was planned in that time on nodes that were in the area, or for the node that it is."""
    columns = (col(LogRow.occurrence), col(LogRow.outcome), col(LogRow.rendered), col(LogRow.heard))
    found = (
        sqlalchemy.select(*columns, func.count())
        .where(
            *scope_of(session, [area]).conditions(),
            col(LogRow.planned_at) >= from_at,
            col(LogRow.planned_at) < until_at,
        )
        .group_by(*columns)
    )
    counts: defaultdict[OccurrenceId, Counter[str]] = defaultdict(Counter)
    for occurrence, outcome, rendered, heard, lines in session.connection().execute(found):
        counts[OccurrenceId(occurrence)][_kind(outcome, rendered=rendered, heard=heard)] += lines
    return {name: Proof(**kinds) for name, kinds in counts.items()}


def _kind(outcome: str, *, rendered: bool | None, heard: bool | None) -> str:
    if outcome in _KINDS:
        return _KINDS[outcome]
    if outcome == Reason.COMPLETE:
        return "silent" if rendered is False or heard is False else "sounded"
    return "silent"


_KINDS = {
    EXPECTED: "expected",
    MISSED: "unknown",
    Reason.SILENCED: "stopped",
    Reason.WITHDRAWN: "stopped",
    Reason.PARTLY: "short",
    Reason.INTERRUPTED: "short",
}
