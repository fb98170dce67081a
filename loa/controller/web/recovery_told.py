"""What pages show of a recovery by two administrators."""

from datetime import timedelta
from typing import Any

from loa.controller.core.factors import Recovery, RecoveryEnd
from loa.controller.web.console import Console, Visit

TOLD_FOR = timedelta(days=30)
"""So long after it the person is still told on the own page that somebody was let in."""


def told(console: Console, visit: Visit) -> dict[str, Any] | None:
    """What the person is to know of a recovery of the own account; None for nothing."""
    recoveries, user_id = console.controller.recoveries, visit.person.user_id
    with console.controller.db.look() as session:
        found = recoveries.last(session, visit.person, user_id)
    if found is None:
        return None
    is_open = recoveries.is_open(found)
    ended = found.ended_at if found.how is RecoveryEnd.USED else None
    is_fresh = ended is not None and console.controller.clock.now() - ended < TOLD_FOR
    return row(console, found) if is_open or is_fresh else None


def row(console: Console, found: Recovery) -> dict[str, Any]:
    """A recovery as pages show it."""
    people = {found.opened_by, *([found.confirmed_by] if found.confirmed_by else [])}
    names = console.person_names(people)
    return {
        "is_open": console.controller.recoveries.is_open(found),
        "opened_by": names[found.opened_by],
        "confirmed_by": names.get(found.confirmed_by or "", ""),
        "by_id": found.opened_by,
        "opened_at": found.opened_at,
        "ended_at": found.ended_at,
        "until": found.until,
        "reason": found.reason,
    }
