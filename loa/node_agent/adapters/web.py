"""Small questions to the controller, JSON there and back, over a connection of their own."""

import json
import ssl
from typing import Any

import urllib3

_TIMEOUT_S = 10.0
_OK = 200
_MOST_BYTES = 262_144


class WebError(Exception):
    """`status` is None if no answer came."""

    def __init__(self, url: str, status: int | None, detail: str) -> None:
        super().__init__(f"{url}: {detail}")
        self.status = status
        self.detail = detail


def ask(method: str, url: str, question: object, context: ssl.SSLContext) -> bytes:
    """The body of the answer; raises `WebError`. Only what `context` verifies is asked."""
    timeout = urllib3.Timeout(total=_TIMEOUT_S)
    try:
        with urllib3.PoolManager(retries=False, timeout=timeout, ssl_context=context) as pool:
            answer = pool.request(method, url, json=question, redirect=False, preload_content=False)
            body = answer.read(_MOST_BYTES)
            answer.close()
    except urllib3.exceptions.HTTPError as error:
        raise WebError(url, None, str(error)) from error
    if answer.status != _OK:
        raise WebError(url, answer.status, _problem(body))
    return body


def _problem(body: bytes) -> str:
    try:
        problem: Any = json.loads(body)
        return str(problem.get("detail") or problem.get("title"))
    except (ValueError, AttributeError):
        return "no reason was given"
