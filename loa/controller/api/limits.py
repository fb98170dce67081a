"""The largest request that is read into memory."""

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

UPLOADS = {"/api/v1/recordings", "/api/v1/releases"}
"""Go to the disk while they come in, under limits of their own."""
PIECES = "/api/v1/uploads/"
"""As those: pieces of an upload whose size was announced."""


class BodyLimit:
    """Refuses the rest of a body that exceeds the limit, whatever length it declared."""

    def __init__(self, app: ASGIApp, *, limit_bytes: int, below: str) -> None:
        self._app = app
        self._limit_bytes = limit_bytes
        self._below = below

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        path = scope.get("path", "")
        if scope["type"] == "http" and path.startswith(self._below) and not _is_upload(path):
            receive = _counting(receive, self._limit_bytes)
        await self._app(scope, receive, send)


def _is_upload(path: str) -> bool:
    return path in UPLOADS or path.startswith(PIECES)


def _counting(receive: Receive, limit_bytes: int) -> Receive:
    left_bytes = limit_bytes

    async def counted() -> Message:
        nonlocal left_bytes
        message = await receive()
        left_bytes -= len(message.get("body", b""))
        if left_bytes < 0:
            raise HTTPException(413, f"the request has more than {limit_bytes} bytes; send less")
        return message

    return counted
