"""A whole controller over a folder of its own, asked over HTTP without a server; nothing beside it runs."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI
from starlette.types import Receive, Send

from loa.controller.composition import Controller
from loa.controller.core.access import Grant, Person, Role
from loa.controller.core.sample import SAMPLE, VILLAGES
from loa.controller.main import application, build
from loa.controller.services.areas import NewArea
from loa.controller.services.people import NewUser
from loa.controller.settings import Settings
from loa.controller.store.folder import DataFolder
from loa.protocol.ids import AreaId
from loa.protocol.keys import SigningKey
from tests.passwords import hashed

Listening = Callable[[Receive, Send], Awaitable[None]]


@dataclass
class Client:
    """A browser or program: keeps its cookies and sends its headers."""

    app: FastAPI
    headers: dict[str, str] = field(default_factory=dict)
    base: str = "https://loa.test/api/v1"
    cookies: httpx.Cookies = field(default_factory=httpx.Cookies)

    def ask(self, method: str, path: str, json: object = None, **headers: str) -> httpx.Response:
        """Send a request; words in names of headers are parted by `_`."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return asyncio.run(self._ask(method, path, json, self.headers | named))

    def get(self, path: str) -> httpx.Response:
        return self.ask("GET", path)

    def post(self, path: str, json: object = None, **headers: str) -> httpx.Response:
        return self.ask("POST", path, json, **headers)

    def send(self, path: str, form: dict[str, str], **headers: str) -> httpx.Response:
        """A form, as a browser sends it from a page of this very site."""
        origin = str(httpx.URL(self.base).copy_with(raw_path=b"/")).rstrip("/")
        return asyncio.run(self._ask("POST", path, None, {"origin": origin} | self.headers | headers, form))

    async def _ask(
        self,
        method: str,
        path: str,
        json: Any,  # noqa: ANN401 -- as httpx takes it
        headers: dict[str, str],
        form: dict[str, str] | None = None,
    ) -> httpx.Response:
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(
            transport=transport, base_url=self.base, headers=headers, cookies=self.cookies
        ) as client:
            answer = await client.request(method, path, json=json, data=form)
            self.cookies = client.cookies
            return answer


@dataclass
class Site:
    """The controller, its application, and people to ask it."""

    controller: Controller
    app: FastAPI
    settings: Settings

    def client(self, token: str | None = None) -> Client:
        """Asks without a session, or with a token."""
        headers = {"authorization": f"Bearer {token}"} if token else {}
        return Client(self.app, headers)

    def user(self, user_id: str, *roles: tuple[str, Role]) -> Client:
        """A new user with these (area, role) and the password of all tests; asks with a token."""
        grants = frozenset(Grant(AreaId(area), role) for area, role in roles)
        with self.controller.db.work() as work:
            new = NewUser(id=user_id, name=user_id.title(), password=hashed(), grants=grants)
            self.controller.people.insert(work, "test", new)
            who = Person(user_id, new.name, grants)
            made = self.controller.sessions.make_token(work, who, "test", timedelta(days=1))
        return self.client(made.secret)

    def node(self, node_id: str, parent: str = VILLAGES[0]) -> SigningKey:
        """A new enrolled node; its key."""
        key = SigningKey.generate()
        with self.controller.db.work() as work:
            code = self.controller.nodes.insert(
                work, "test", name=node_id, parent=AreaId(parent), node=node_id
            )
            self.controller.nodes.enrol(work, code.code, key.public.x, source="test")
        return key


def listening(site: Site, header: str, value: str) -> Listening:
    """A page that hears what happens, over ASGI itself; to be awaited with how it receives and sends."""
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": "/api/v1/events",
        "raw_path": b"/api/v1/events",
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", b"loa.test"), (header.encode(), value.encode())],
        "client": ("10.0.0.1", 1),
        "server": ("loa.test", 80),
    }
    return lambda receive, send: asyncio.wait_for(site.app(scope, receive, send), 20)


def open_site(folder: Path) -> Site:
    """Over a migrated database, if one is there, with the sample's areas."""
    settings = Settings(data_dir=folder)
    data = DataFolder(folder)
    data.prepare()
    data.make_key()
    controller = build(settings)
    controller.db.migrate()
    with controller.db.work() as work:
        for one in SAMPLE:
            new = NewArea(id=one.id, name=one.name, kind=one.kind, parent_id=one.parent_id)
            controller.areas.insert(work, "test", new)
    return Site(controller, application(controller, settings), settings)
