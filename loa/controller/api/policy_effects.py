"""What a policy would take from what is approved, before it is set."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from loa.controller.api.deps import Parts, Who
from loa.controller.api.given import Given
from loa.controller.api.problems import documented
from loa.controller.services.policy_effects import Silenced
from loa.protocol.ids import AreaId
from loa.protocol.kinds import BroadcastClass
from loa.protocol.policy import Policy
from loa.protocol.reasons import Reason
from loa.protocol.units import Instant
from loa.schedules.policy import default_policy


class PolicyIn(Given):
    """The policy that the area might have."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"policy": default_policy().model_dump(mode="json")}]}
    )

    policy: Policy


class SilencedOut(BaseModel):
    """An approved broadcast of which something will not sound."""

    broadcast: str
    bulletin: str
    title: str
    class_: Annotated[BroadcastClass, Field(serialization_alias="class")]
    reason: Reason | None
    """Of the first of its occurrences; null: it sounds, lowered by 40 dB or more."""
    legal_source: str | None
    first_at: Instant
    occurrences: int
    """Within 35 days from `from_at`, or the first one after that."""
    whole: bool
    """Whether nothing of them sounds."""
    nodes: list[str]


class EffectOut(BaseModel):
    """What the policy takes; `from_at` is null if it changes nothing from now on."""

    from_at: Instant | None
    nodes: int
    """How many nodes it binds: those below the area with no other policy in between."""
    silenced: list[SilencedOut]
    left_out: int
    """Nodes that were not looked at, since too many hear differently; ask for areas below."""


def router() -> APIRouter:
    """`/areas/{area}/policy/effect`."""
    routes = APIRouter(tags=["areas"])
    routes.post("/areas/{area}/policy/effect", responses=documented(401, 403, 404))(effect)
    return routes


def effect(area: AreaId, wanted: PolicyIn, who: Who, parts: Parts) -> EffectOut:
    """What would be refused, cut short or silenced if the area had this policy. Changes nothing."""
    with parts.db.look() as session:
        found = parts.policy_effects.foresee(session, who, area, wanted.policy)
    return EffectOut(
        from_at=found.from_at,
        nodes=found.nodes,
        silenced=[_out(one) for one in found.silenced],
        left_out=found.left_out,
    )


def _out(one: Silenced) -> SilencedOut:
    return SilencedOut(
        broadcast=one.id,
        bulletin=one.broadcast.bulletin,
        title=one.broadcast.title,
        class_=one.broadcast.class_,
        reason=one.reason,
        legal_source=one.legal_source,
        first_at=one.first_at,
        occurrences=one.occurrences,
        whole=one.whole,
        nodes=sorted(one.nodes),
    )
