"""What nodes refused, what went wrong on them, their updates, and who speaks under their names."""

import json
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from loa.controller.api.deps import Parts, Who
from loa.controller.api.given import Given
from loa.controller.api.problems import documented
from loa.controller.api.words import Words
from loa.controller.core.access import Act, granted
from loa.controller.errors import Invalid
from loa.controller.services.rights import permit
from loa.controller.store.incidents import KINDS, IncidentFilter, Position, find_incidents
from loa.controller.store.tables import ReportRow
from loa.protocol.ids import AreaId, NodeId
from loa.protocol.units import Instant, from_ms, to_ms


class IncidentQuery(Given):
    """Which incidents; what is left out does not restrict."""

    area: AreaId | None = None
    node: NodeId | None = None
    kind: Annotated[str | None, Field(pattern=f"^({'|'.join(KINDS)})$")] = None
    from_at: Annotated[Instant | None, Field(alias="from")] = None
    until_at: Annotated[Instant | None, Field(alias="to")] = None
    cursor: Annotated[Words | None, Field(max_length=200)] = None
    limit: Annotated[int, Field(ge=1, le=500)] = 100


class Incident(BaseModel):
    """A refusal (a message that a node did not accept), a problem (what failed), an update, identity, chain.

    The last two are the controller's own: another machine or card speaks under the node's name (`verdict`);
    the node's reports do not follow those that were kept of it (`fault`).
    """

    node: str
    kind: Annotated[str, Field(examples=["refusal"])]
    at: Instant
    """By the node's clock; of what is the controller's own by its."""
    received_at: Instant
    report: dict[str, Any]
    """As the node told it, or as the controller judged it."""


class Incidents(BaseModel):
    """Incidents, the last received first; `cursor` gives the next ones, null at the end."""

    items: list[Incident]
    cursor: str | None


def incidents(who: Who, parts: Parts, query: Annotated[IncidentQuery, Query()]) -> Incidents:
    """Of nodes in the areas whose log the person may read."""
    with parts.db.look() as session:
        if query.area is not None:
            permit(session, who, Act.READ_LOG, query.area)
        within = [query.area] if query.area is not None else sorted(granted(who, Act.READ_LOG))
        wanted = IncidentFilter(
            within=within, node=query.node, kind=query.kind, from_at=query.from_at, until_at=query.until_at
        )
        after = _position(query.cursor) if query.cursor else None
        found = find_incidents(session, wanted, after=after, limit=query.limit + 1)
    shown = found[: query.limit]
    more = len(found) > query.limit
    return Incidents(items=[_incident(row) for row in shown], cursor=_cursor(shown[-1]) if more else None)


def router() -> APIRouter:
    """`/incidents`."""
    routes = APIRouter(tags=["log"])
    routes.add_api_route("/incidents", incidents, responses=documented(401, 404))
    return routes


def _incident(row: ReportRow) -> Incident:
    return Incident(
        node=row.node_id,
        kind=row.kind,
        at=row.at,
        received_at=row.received_at,
        report=json.loads(row.body),
    )


def _cursor(row: ReportRow) -> str:
    return f"{to_ms(row.received_at)}.{row.node_id}.{row.journal_id}.{row.number}"


def _position(cursor: str) -> Position:
    try:
        at_ms, node, journal, number = cursor.split(".")
        return from_ms(int(at_ms)), node, journal, int(number[:_MOST_DIGITS])
    except (ValueError, OverflowError) as error:
        raise Invalid("bad_cursor", "take the cursor from the answer before, or leave it out") from error


_MOST_DIGITS = 18
"""Of a number in a journal, which has no more."""
