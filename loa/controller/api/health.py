"""Probes at the root: alive, ready, measured."""

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST
from pydantic import BaseModel

from loa.controller.api.deps import Parts


class Health(BaseModel):
    """Alive means that it answers."""

    alive: bool = True


class Ready(BaseModel):
    """Ready, or why not."""

    ready: bool
    reasons: list[str]


def healthz() -> Health:
    """Whether the process answers; nothing else is looked at."""
    return Health()


def readyz(parts: Parts, response: Response) -> Ready:
    """200 when database, broker, publisher and jobs are well, else 503 with the reasons."""
    reasons = parts.readiness.reasons()
    response.status_code = 503 if reasons else 200
    return Ready(ready=not reasons, reasons=reasons)


def metrics(parts: Parts) -> Response:
    """The text format of Prometheus."""
    return Response(parts.metrics.page(), media_type=CONTENT_TYPE_LATEST)


def router() -> APIRouter:
    """At the root, without the API's prefix."""
    routes = APIRouter(tags=["health"])
    routes.add_api_route("/healthz", healthz)
    routes.add_api_route("/readyz", readyz, responses={503: {"model": Ready}})
    routes.add_api_route("/metrics", metrics, response_class=Response)
    return routes
