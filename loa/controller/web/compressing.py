"""Pages go out compressed: a page of text shrinks to a fifth, and mobile networks are slow."""

import gzip

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LEVEL = 5
LEAST_BYTES = 600
"""Below it the packet is the same."""


def takes_gzip(headers: Headers) -> bool:
    """Whether who asks can unpack it."""
    given = headers.get("accept-encoding", "").replace(" ", "").split(",")
    return "gzip" in given or any(one.startswith("gzip;") and not one.endswith("q=0") for one in given)


class CompressedPages:
    """Compresses HTML that comes in one piece; recordings, event streams and the API go as they are.

    A form's token that was guessed from the length of a page (BREACH) is no use to a stranger: it is only
    taken together with the browser's own word that the form comes from this site.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what is no page."""
        if scope["type"] != "http" or not takes_gzip(Headers(scope=scope)):
            await self._app(scope, receive, send)
            return
        await self._app(scope, receive, _Packer(send))


class _Packer:
    def __init__(self, send: Send) -> None:
        self._send = send
        self._start: Message | None = None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start" and _is_page(message):
            self._start = message
            return
        if self._start is None:
            await self._send(message)
            return
        start, self._start = self._start, None
        body = message.get("body", b"")
        if not message.get("more_body") and len(body) >= LEAST_BYTES:
            body = gzip.compress(body, LEVEL, mtime=0)
            headers = MutableHeaders(raw=start["headers"])
            headers["content-encoding"] = "gzip"
            headers["content-length"] = str(len(body))
            headers.add_vary_header("accept-encoding")
        await self._send(start)
        await self._send({**message, "body": body})


def _is_page(start: Message) -> bool:
    headers = Headers(raw=start["headers"])
    return headers.get("content-type", "").startswith("text/html") and "content-encoding" not in headers
