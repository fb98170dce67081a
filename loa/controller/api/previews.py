"""Previews over HTTP: the timeline that the nodes will compute, before anybody approves."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from loa.controller.api.bulletins import PLAN_EXAMPLE
from loa.controller.api.deps import Parts, Who
from loa.controller.api.notices import NoticeOut, notices_out
from loa.controller.api.problems import documented
from loa.controller.api.words import Words
from loa.controller.core.bulletins import TITLE_CHARACTERS, Plan
from loa.controller.core.preview import Cost, View
from loa.controller.services.previews import Asked
from loa.protocol.broadcast import DAY_MS
from loa.protocol.ids import AreaId, RecordingId
from loa.protocol.kinds import BroadcastClass
from loa.protocol.reasons import Reason


class PreviewIn(BaseModel):
    """A plan; `duration_ms` stands in for a recording that is yet to be made."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    area: Annotated[AreaId, Field(examples=["lang-cong"])]
    class_: Annotated[BroadcastClass, Field(alias="class")] = BroadcastClass.NORMAL
    plan: Annotated[Plan, Field(examples=[PLAN_EXAMPLE])]
    recording: RecordingId | None = None
    duration_ms: Annotated[int | None, Field(gt=0, le=DAY_MS, examples=[480_000])] = None
    title: Annotated[Words, Field(max_length=TITLE_CHARACTERS)] = ""


class ShownOut(BaseModel):
    """A stretch in which one item sounds."""

    from_at: datetime
    to_at: datetime
    item: str
    offset_ms: int
    title: str
    class_: Annotated[BroadcastClass, Field(alias="class", validation_alias="class_")]
    mine: bool


class FateOut(BaseModel):
    """How one item ends."""

    item: str
    title: str
    class_: Annotated[BroadcastClass, Field(alias="class", validation_alias="class_")]
    mine: bool
    planned_at: datetime
    duration_ms: int
    reason: Reason
    at: datetime
    sounded_ms: int
    by: str | None
    legal_source: str | None


class CostOut(BaseModel):
    """Bytes over the SIM of each node; transport overhead comes on top."""

    recording_bytes: int
    recording_estimated: bool
    message_bytes: int
    report_bytes: int
    total_bytes: int


class ViewOut(BaseModel):
    """The preview for nodes that all hear the same."""

    nodes: tuple[str, ...]
    areas: tuple[str, ...]
    from_at: datetime
    until_at: datetime
    segments: tuple[ShownOut, ...]
    fates: tuple[FateOut, ...]
    notices: tuple[NoticeOut, ...]
    cost: CostOut


class PreviewOut(BaseModel):
    """One view a distinct set of audiences; notices of weight `refused` keep the plan from being approved."""

    nodes: int
    first_start_at: datetime | None
    views: tuple[ViewOut, ...]
    notices: tuple[NoticeOut, ...]


def router() -> APIRouter:
    """The route of previews."""
    made = APIRouter(tags=["previews"])
    made.add_api_route("/previews", preview, methods=["POST"], responses=documented(401, 403, 404))
    return made


def preview(parts: Parts, who: Who, wanted: PreviewIn) -> PreviewOut:
    """What the nodes would do: what will not sound, what moves, what it costs. Changes nothing."""
    asked = Asked(
        area=wanted.area,
        class_=wanted.class_,
        plan=wanted.plan,
        recording=wanted.recording,
        duration_ms=wanted.duration_ms,
        title=wanted.title,
    )
    with parts.db.look() as session:
        found = parts.previews.preview(session, who, asked)
    return PreviewOut(
        nodes=found.nodes,
        first_start_at=found.first_start_at,
        views=tuple(map(_view, found.views)),
        notices=notices_out(found.notices),
    )


def _view(view: View) -> ViewOut:
    return ViewOut(
        nodes=view.nodes,
        areas=view.areas,
        from_at=view.from_at,
        until_at=view.until_at,
        segments=tuple(ShownOut(**asdict(one)) for one in view.segments),
        fates=tuple(FateOut(**asdict(one)) for one in view.fates),
        notices=notices_out(view.notices),
        cost=_cost(view.cost),
    )


def _cost(cost: Cost) -> CostOut:
    return CostOut(total_bytes=cost.total_bytes, **asdict(cost))
