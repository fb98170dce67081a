"""Serving HTTP on IPv4 and IPv6, with what runs beside the requests."""

import signal
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager

import structlog
import uvicorn
from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool

from loa.controller.composition import Controller, Part
from loa.controller.errors import Unavailable
from loa.controller.settings import Settings

ANY_IPV6 = "::"
ANY_IPV4 = "0.0.0.0"  # noqa: S104 -- an address to compare with
GRACE_S = 20
"""How long requests in hand may take when the server is told to stop."""
KEEP_ALIVE_S = 75
"""An open page asks again within this time mostly, and need not come to terms over TLS each time."""
_log = structlog.get_logger(__name__)


def living(controller: Controller) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    """A lifespan that starts the controller's parts in order and stops them in reverse."""

    @asynccontextmanager
    async def live(_app: FastAPI) -> AsyncIterator[None]:
        with ExitStack() as running:
            for part in controller.parts:
                await run_in_threadpool(part.start)
                running.callback(_stop, part)
            yield
            await run_in_threadpool(running.close)

    return live


def serve(
    app: FastAPI, settings: Settings, *, tls: ssl.SSLContext | None, before_end: Callable[[], None]
) -> None:
    """Answer until SIGTERM or SIGINT; `before_end` is called before waiting for the requests in hand.

    Without `tls` a proxy speaks it for us.
    """
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_S,
        timeout_keep_alive=KEEP_ALIVE_S,
        proxy_headers=settings.trusted_proxies is not None,
        forwarded_allow_ips=settings.trusted_proxies,
        ssl_context_factory=None if tls is None else lambda _config, _default: tls,
    )
    with listen(settings.http_host, settings.http_port) as opened:
        _log.info("http.listening", host=settings.http_host, port=settings.http_port, url=settings.address)
        server = _Server(config, before_end)
        for number in (signal.SIGTERM, signal.SIGINT):
            # uvicorn raises the signal again after its orderly end, which would be no success any more.
            signal.signal(number, _done)
        server.run(sockets=[opened])
    if not server.started:
        raise Unavailable("not_started", "the controller could not start; its log says why")


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; `::` takes IPv4 as well, and IPv4 alone where the machine has no IPv6."""
    [host] = listening((host,)) or [ANY_IPV4]
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server(
            (host, port), family=family, backlog=2048, dualstack_ipv6=host == ANY_IPV6
        )
    except OSError as error:
        raise Unavailable(
            "port_taken", f"cannot listen at {host} port {port}: {error}; set LOA_HTTP_HOST and LOA_HTTP_PORT"
        ) from error


def listening(hosts: Sequence[str]) -> list[str]:
    """The addresses among these that this machine has the protocol for."""
    return [host for host in hosts if ":" not in host or _has_ipv6()]


def _has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


def _done(_number: int, _frame: object) -> None:
    """The server has stopped already."""


def _stop(part: Part) -> None:
    _log.info("part.stopping", part=part.name)
    part.stop()


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, before_end: Callable[[], None]) -> None:
        super().__init__(config)
        self._before_end = before_end

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._before_end()
        await super().shutdown(sockets)
