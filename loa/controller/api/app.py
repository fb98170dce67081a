"""The application: the API under /api/v1, probes at the root, refusals as problems."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from fastapi import APIRouter, FastAPI

from loa.controller.api import problems
from loa.controller.composition import Controller

PREFIX = "/api/v1"
Life = Callable[[FastAPI], AbstractAsyncContextManager[None]]


def create_app(controller: Controller, *, life: Life | None = None) -> FastAPI:
    """The application over a controller; `life` starts and stops what runs beside it."""
    app = FastAPI(title="Loa", version="1", lifespan=life or _nothing, openapi_url=f"{PREFIX}/openapi.json")
    app.state.controller = controller
    problems.install(app)
    for router in _routers():
        app.include_router(router, prefix=PREFIX)
    return app


def _routers() -> Sequence[APIRouter]:
    return ()


@asynccontextmanager
async def _nothing(_app: FastAPI) -> AsyncIterator[None]:
    yield
