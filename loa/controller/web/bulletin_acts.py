"""On a bulletin's page: sign it, take an older version back, or take what it became off the air."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from starlette.datastructures import FormData

from loa.controller.errors import Conflict
from loa.controller.services.signatures import Signature
from loa.controller.store.database import Work
from loa.controller.web.bodies import Bodies, text_of
from loa.controller.web.bulletin_pages import BulletinPage, number_of, revision_of
from loa.controller.web.console import Console, page_route
from loa.controller.web.trust_page import read_assertion
from loa.protocol.ids import BroadcastId


def router(console: Console, bodies: Bodies) -> APIRouter:
    """What people do beside deciding."""
    routes = APIRouter(route_class=page_route(console), include_in_schema=False)
    Form = Annotated[FormData, Depends(bodies.form)]  # noqa: N806 -- a type
    page = BulletinPage(console)

    @routes.post("/bulletins/{bulletin_id}/restore")
    def restore(request: Request, bulletin_id: str, form: Form) -> Response:
        visit, version = console.visit(request, form), number_of(form, "version")

        def act(work: Work) -> object:
            bulletins = console.controller.bulletins
            return bulletins.restore(work, visit.person, bulletin_id, version, revision_of(form))

        return page.decide(visit, bulletin_id, act, told="restored")

    @routes.post("/bulletins/{bulletin_id}/sign")
    def sign(request: Request, bulletin_id: str, form: Form) -> Response:
        visit = console.visit(request, form)

        def act(work: Work) -> object:
            assertion = read_assertion(text_of(form, "assertion"))
            signature = Signature(document=text_of(form, "document"), assertion=assertion)
            broadcasts = console.controller.broadcasts
            return broadcasts.sign(work, visit.person, bulletin_id, revision_of(form), signature)

        return page.decide(visit, bulletin_id, act, told="approved")

    @routes.post("/bulletins/{bulletin_id}/withdraw")
    def withdraw(request: Request, bulletin_id: str, form: Form) -> Response:
        visit, reason = console.visit(request, form), text_of(form, "reason")
        bulletin = console.bulletin(visit, bulletin_id)
        if bulletin.broadcast is None:
            raise Conflict("wrong_state", "it was never approved", state=bulletin.state)
        broadcast = BroadcastId(bulletin.broadcast)

        def act(work: Work) -> object:
            return console.controller.withdrawals.withdraw(work, visit.person, broadcast, reason=reason)

        return page.decide(visit, bulletin_id, act, told="withdrawn")

    return routes
