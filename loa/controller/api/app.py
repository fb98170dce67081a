"""The application: the API under /api/v1, probes at the root, refusals as problems."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib.metadata import version

from fastapi import APIRouter, FastAPI

from loa.controller.api import (
    alerts,
    areas,
    audit,
    backups,
    bodies,
    broadcasts,
    bulletins,
    emergencies,
    enrolments,
    events,
    health,
    inbox,
    incidents,
    invitations,
    log,
    node_health,
    nodes,
    openapi,
    papers,
    passkeys,
    policy_effects,
    previews,
    problems,
    recordings,
    recoveries,
    releases,
    reshapes,
    resumable,
    rollouts,
    second_factor,
    sessions,
    silences,
    standing_messages,
    timeline,
    tokens,
    users,
    whereabouts,
    withdrawals,
)
from loa.controller.api.headers import SafeHeaders
from loa.controller.api.limits import BodyLimit
from loa.controller.composition import Controller

PREFIX = "/api/v1"
BODY_LIMIT_BYTES = 4 * 1024 * 1024
Life = Callable[[FastAPI], AbstractAsyncContextManager[None]]


def create_app(
    controller: Controller, *, life: Life | None = None, body_limit_bytes: int = BODY_LIMIT_BYTES
) -> FastAPI:
    """The application over a controller; `life` starts and stops what runs beside it."""
    app = FastAPI(
        title="Loa",
        version=version("loa"),
        summary="Broadcast controller for smart commune loudspeakers",
        lifespan=life or _nothing,
        openapi_url=f"{PREFIX}/openapi.json",
        # Their pages load scripts from elsewhere; the description itself is at openapi_url.
        docs_url=None,
        redoc_url=None,
    )
    app.state.controller = controller
    app.add_middleware(BodyLimit, limit_bytes=body_limit_bytes, below=PREFIX)
    app.add_middleware(SafeHeaders)
    problems.install(app)
    app.include_router(health.router())
    for router in _routers():
        app.include_router(router, prefix=PREFIX)
    openapi.install(app)
    return app


def _routers() -> Sequence[APIRouter]:
    return (
        sessions.router(),
        second_factor.router(),
        recoveries.router(),
        tokens.router(),
        passkeys.router(),
        papers.router(),
        users.router(),
        areas.router(),
        reshapes.router(),
        whereabouts.router(),
        nodes.router(),
        node_health.router(),
        enrolments.router(),
        audit.router(),
        alerts.router(),
        backups.router(),
        invitations.router(),
        recordings.router(),
        resumable.router(),
        releases.router(),
        rollouts.router(),
        bulletins.router(),
        broadcasts.router(),
        withdrawals.router(),
        emergencies.router(),
        inbox.router(),
        previews.router(),
        policy_effects.router(),
        timeline.router(),
        silences.router(),
        standing_messages.router(),
        log.router(),
        incidents.router(),
        events.router(),
        bodies.router(),
    )


@asynccontextmanager
async def _nothing(_app: FastAPI) -> AsyncIterator[None]:
    yield
