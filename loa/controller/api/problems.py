"""Refusals as problem+json (RFC 9457): `type`, `title`, `status`, `detail`, `code`, and the facts."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict
from pydantic_core import to_jsonable_python
from starlette.exceptions import HTTPException

from loa.controller.errors import ControllerError, TooMany, Unauthenticated

MEDIA_TYPE = "application/problem+json"
_log = structlog.get_logger(__name__)


class Problem(BaseModel):
    """Why a request was refused."""

    model_config = ConfigDict(extra="allow")

    type: str = "about:blank"
    title: str
    """The status in words."""
    status: int
    code: str
    """Stable; clients and translations go by it."""
    detail: str
    """What to do, in English."""


def problem(status: int, code: str, detail: str, facts: Mapping[str, object] | None = None) -> JSONResponse:
    """The answer to a refused request; facts become members beside the standard ones."""
    own = {"title": HTTPStatus(status).phrase, "status": status, "code": code, "detail": detail}
    content = {"type": "about:blank"} | to_jsonable_python(dict(facts or {})) | own
    return JSONResponse(content, status_code=status, media_type=MEDIA_TYPE)


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """For `responses=` of a route: each status answers with a problem."""
    return {status: _documented(status) for status in sorted({*statuses, 422})}


def install(app: FastAPI) -> None:
    """Every refusal of this application becomes a problem."""
    app.add_exception_handler(ControllerError, _refused)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(HTTPException, _not_routed)
    app.add_exception_handler(Exception, _failed)


def _documented(status: int) -> dict[str, Any]:
    example = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": EXAMPLES.get(status, "refused"),
        "detail": "what is wrong and what to do",
    }
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}, "example": example}}
    return {"description": HTTPStatus(status).phrase, "content": content}


EXAMPLES: Mapping[int, str] = {
    401: "not_signed_in",
    403: "not_permitted",
    404: "no_such_area",
    409: "wrong_state",
    412: "stale",
    413: "too_large",
    422: "invalid_request",
    428: "if_match_required",
    429: "too_many_attempts",
    503: "database_unavailable",
    507: "disk_full",
}


def _refused(_request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, ControllerError):
        raise error
    answer = problem(error.status, error.code, error.detail, error.facts)
    if isinstance(error, Unauthenticated):
        answer.headers["www-authenticate"] = "Bearer"
    if isinstance(error, TooMany):
        answer.headers["retry-after"] = str(error.retry_after_s)
    return answer


def _malformed(_request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, RequestValidationError):
        raise error
    faults = [
        {"where": [str(part) for part in fault["loc"]], "kind": fault["type"], "detail": fault["msg"]}
        for fault in error.errors()
    ]
    return problem(422, "invalid_request", "the request is not as documented; see faults", {"faults": faults})


def _not_routed(_request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, HTTPException):
        raise error
    code = {404: "no_such_address", 405: "method_not_allowed", 413: "too_large"}.get(
        error.status_code, "refused"
    )
    answer = problem(error.status_code, code, error.detail)
    answer.headers.update(error.headers or {})
    return answer


def _failed(request: Request, error: Exception) -> JSONResponse:
    _log.error("request.failed", method=request.method, path=request.url.path, exc_info=error)
    return problem(500, "internal_error", "the controller failed; its log says why")
