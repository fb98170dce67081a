"""The schedule over HTTP: what sounds when in an area, by the very functions that its nodes use."""

from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from loa.controller.api.deps import Parts, Who
from loa.controller.api.given import Given
from loa.controller.api.problems import documented
from loa.controller.core.schedule import Schedule, SlotState
from loa.protocol.ids import AreaId
from loa.protocol.kinds import BroadcastClass
from loa.protocol.reasons import Reason
from loa.protocol.units import Instant
from loa.schedules.model import Window


class TimelineQuery(Given):
    """An area or a node, and a time of at most 62 days."""

    area: Annotated[AreaId, Field(examples=["lang-cong"])]
    from_at: Annotated[Instant, Field(alias="from")]
    until_at: Annotated[Instant, Field(alias="to")]
    waiting: bool = False
    """Whether bulletins that wait for approval and drafts with a time are laid in."""


class ProofOut(BaseModel):
    """What nodes reported of an occurrence by now, in nodes."""

    sounded: int
    silent: int
    stopped: int
    short: int
    unknown: int
    expected: int


class SlotOut(BaseModel):
    """One occurrence, as most of the nodes have it."""

    item: str
    bulletin: str
    issuer: str
    audience: tuple[str, ...]
    title: str
    field: str
    class_: Annotated[BroadcastClass, Field(alias="class", validation_alias="class_")]
    state: SlotState
    revision: int
    """Of a bulletin that waits; 0 for what is approved."""
    estimated: bool
    """Whether the length is reckoned, since the sound is yet to be made."""
    recurs: bool
    approved_at: datetime | None
    planned_at: datetime
    from_at: datetime
    to_at: datetime
    duration_ms: int
    sounds: bool
    reason: Reason
    by_title: str | None
    legal_source: str | None
    nodes: int
    otherwise: int
    """How many of the nodes have it at another time or not at all."""
    proof: ProofOut | None


class QuietOut(BaseModel):
    """A stretch in which ordinary broadcasts may not sound."""

    from_at: datetime
    to_at: datetime
    legal_source: str


class TimelineOut(BaseModel):
    """All slots that touch the time, by the instant at which they sound."""

    area: str
    tz: str
    nodes: int
    slots: list[SlotOut]
    quiet: list[QuietOut]


def router() -> APIRouter:
    """The route of the schedule."""
    made = APIRouter(tags=["timeline"])
    made.add_api_route("/timeline", timeline, methods=["GET"], responses=documented(401, 404, 422))
    return made


def timeline(parts: Parts, who: Who, wanted: Annotated[TimelineQuery, Query()]) -> TimelineOut:
    """What sounds when, approved and, if asked, waiting; computed as the nodes do. Changes nothing."""
    window = Window(from_at=wanted.from_at, until_at=wanted.until_at)
    with parts.db.look() as session:
        found = parts.timelines.read(session, who, wanted.area, window, waiting=wanted.waiting)
    return TimelineOut(
        area=found.area,
        tz=found.tz,
        nodes=found.nodes,
        slots=list(_slots(found)),
        quiet=[QuietOut(**asdict(one)) for one in found.quiet],
    )


def _slots(found: Schedule) -> Iterator[SlotOut]:
    for slot in found.slots:
        facts = asdict(slot)
        if slot.state is not SlotState.APPROVED:
            facts["approved_at"] = None
        yield SlotOut(**facts)
