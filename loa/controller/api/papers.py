"""Whom the loudspeakers believe: roster and charter of an area, composed here and signed by its keepers."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from loa.controller.api.bulletins import SIGNED_EXAMPLE
from loa.controller.api.deps import Parts, Who
from loa.controller.api.given import Given
from loa.controller.api.pages import Page
from loa.controller.api.problems import documented
from loa.controller.api.words import Key
from loa.controller.core.papers import Change, Difference, PaperKind
from loa.controller.services.papers import AreaTrust, Draft
from loa.protocol.ids import AreaId, NodeId
from loa.protocol.passkey import Assertion
from loa.protocol.units import Instant

EXAMPLE = {"assertion": SIGNED_EXAMPLE["assertion"]}


class DifferenceOut(BaseModel):
    """A change since the paper in force; `subject` is an id: of a person, a node, a class, a sound."""

    change: Change
    subject: str
    area: AreaId | None
    people: int


class PaperOut(BaseModel):
    """A paper that waits for keepers; `challenge` (base64url) is what their passkeys sign."""

    id: str
    kind: PaperKind
    version: int
    challenge: str
    party: Annotated[str, Field(examples=["loa.langcong.vn"])]
    """The relying party's id."""
    credentials: tuple[str, ...]
    """Yours that may sign it; none if you are no keeper of the area."""
    differences: tuple[DifferenceOut, ...]
    signed_by: tuple[str, ...]
    composed_at: Instant
    composed_by: str


class TrustOut(BaseModel):
    """How it stands with an area whose papers you keep, or whose people."""

    area: Annotated[AreaId, Field(examples=["lang-cong"])]
    keepers: tuple[str, ...]
    in_force_since: Instant | None
    """None: the nodes have no papers yet, and those that know a root key believe nobody."""
    papers: tuple[PaperOut, ...]
    lag: tuple[DifferenceOut, ...]
    """What has changed since, and stands neither in the papers in force nor in those that wait."""
    nodes: tuple[NodeId, ...]
    """Of the charter in force."""
    holding: tuple[NodeId, ...]
    """Of them, those that have said that they hold these papers or later ones."""


class PaperSignature(Given):
    """What a keeper's passkey made of the paper's challenge."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    assertion: Assertion


class SignedOut(BaseModel):
    """Whether enough keepers have signed the paper by now."""

    in_force: bool


def router() -> APIRouter:
    """`/trust`, `/areas/{area}/papers` and `/papers/{paper}/signatures`."""
    routes = APIRouter(tags=["trust"])
    routes.get("/trust", responses=documented(401))(find)
    routes.post("/areas/{area}/papers", status_code=204, responses=documented(401, 403, 404, 422))(compose)
    refused = documented(401, 403, 404, 409, 422)
    routes.post("/papers/{paper}/signatures", status_code=201, responses=refused)(sign)
    return routes


def find(who: Who, parts: Parts) -> Page[TrustOut]:
    """The areas whose papers you keep, or whose people."""
    with parts.db.look() as session:
        return Page(items=[_out(one, who.user_id) for one in parts.papers.find(session, who)])


def compose(area: AreaId, who: Who, parts: Parts) -> None:
    """Compose roster and charter anew, in the place of those that wait for signatures."""
    with parts.db.work() as work:
        parts.papers.compose(work, who, area)


def sign(paper: Key, given: PaperSignature, who: Who, parts: Parts) -> SignedOut:
    """Sign a paper as a keeper of its area; the second signature brings it into force."""
    with parts.db.work() as work:
        return SignedOut(in_force=parts.papers.sign(work, who, paper, given.assertion))


def _out(one: AreaTrust, user: str) -> TrustOut:
    nodes = one.charter.nodes if one.charter else ()
    return TrustOut(
        area=one.area,
        keepers=tuple(keeper.user for keeper in one.appointment.keepers),
        in_force_since=one.since,
        papers=tuple(_paper(one, draft, user) for draft in one.drafts),
        lag=tuple(map(_difference, one.lag)),
        nodes=tuple(sorted(nodes)),
        holding=tuple(sorted(one.holding)),
    )


def _paper(trust: AreaTrust, draft: Draft, user: str) -> PaperOut:
    return PaperOut(
        id=draft.id,
        kind=draft.kind,
        version=draft.version,
        challenge=draft.challenge,
        party=trust.appointment.party.id,
        credentials=tuple(one.passkey.id for one in trust.appointment.keepers if one.user == user),
        differences=tuple(map(_difference, draft.differences)),
        signed_by=draft.signed_by,
        composed_at=draft.composed_at,
        composed_by=draft.composed_by,
    )


def _difference(one: Difference) -> DifferenceOut:
    return DifferenceOut(change=one.change, subject=one.subject, area=one.area, people=one.people)
