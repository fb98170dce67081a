"""The desk of the officials: all services of announcements over one database, and the API before them."""

import asyncio
import hashlib
import itertools
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI

from loa.audio.peaks import read_peaks
from loa.audio.prepare import prepare
from loa.audio.reading import read_out
from loa.audio.recording import Limits
from loa.audio.speak import EspeakSpeaker
from loa.controller.adapters.silence_journal import FileSilenceJournal
from loa.controller.api import (
    bodies,
    broadcasts,
    bulletins,
    emergencies,
    inbox,
    previews,
    problems,
    recordings,
    resumable,
    timeline,
    withdrawals,
)
from loa.controller.core.access import Person, Role
from loa.controller.core.sample import COMMUNE
from loa.controller.gate import Gate
from loa.controller.services.alarms import Alarms
from loa.controller.services.broadcasts import Broadcasts
from loa.controller.services.bulletins import Bulletins
from loa.controller.services.emergencies import Emergencies
from loa.controller.services.idempotency import Idempotency
from loa.controller.services.inbox import Inbox
from loa.controller.services.peaks import Peaks
from loa.controller.services.placing import Placing
from loa.controller.services.previews import Previews
from loa.controller.services.recordings import Recordings
from loa.controller.services.signatures import Signatures
from loa.controller.services.standing_messages import StandingMessages
from loa.controller.services.timelines import Timelines
from loa.controller.services.uploads import Uploads
from loa.controller.services.withdrawals import Withdrawals
from loa.controller.store.database import Database
from loa.controller.store.recording_uses import add_maker
from loa.controller.store.tables import RecordingRow
from loa.controller.store.uploads import UploadFolder
from loa.protocol.keys import PublicKey
from tests.controller.factories import PROVINCE, Town
from tests.fakes.controller import FakeEvents

JSON = dict[str, Any]
TZ = "Asia/Ho_Chi_Minh"
LIMIT_BYTES = 2_000_000


@dataclass
class Desk:
    """Mai writes, Hoa approves, in the commune; Tinh approves in the province."""

    town: Town
    folder: Path
    clock_ids: Iterator[int] = field(default_factory=itertools.count)
    tokens: dict[str, str] = field(default_factory=dict)
    root: PublicKey | None = None
    limits: Limits = field(default_factory=lambda: Limits(max_bytes=LIMIT_BYTES, max_duration_ms=600_000))

    def __post_init__(self) -> None:
        town = self.town
        self.db, self.clock, self.key = town.db, town.clock, town.key
        self.events = FakeEvents()
        self.journal = FileSilenceJournal(self.folder / "silences")
        self.gate = Gate(db=self.db, clock=self.clock, sessions=town.sessions, nodes=town.nodes)
        self.idempotency = Idempotency(clock=self.clock)
        placing = Placing(publisher=town.publisher, events=self.events)
        audit = town.audit
        self.recordings = Recordings(
            db=self.db,
            clock=self.clock,
            ids=self.new_id,
            audit=audit,
            folder=self.folder / "recordings",
            prepare=prepare,
            speaker=EspeakSpeaker(),
            read_out=read_out,
            limits=self.limits,
        )
        self.uploads = Uploads(
            folder=UploadFolder(self.folder / "uploads"),
            clock=self.clock,
            ids=self.new_id,
            recordings=self.recordings,
            limit_bytes=self.limits.max_bytes,
            lasting=timedelta(hours=72),
        )
        self.peaks = Peaks(recordings=self.recordings, draw=read_peaks)
        self.bulletins = Bulletins(clock=self.clock, ids=self.new_id, audit=audit, events=self.events)
        self.broadcasts = self._broadcasts(placing)
        self.standing = StandingMessages(
            db=self.db, clock=self.clock, audit=audit, recordings=self.recordings, publisher=town.publisher
        )
        self._alarm()
        self.inbox = Inbox(clock=self.clock, broadcasts=self.broadcasts, audit=audit, placing=placing)
        self.previews = Previews(clock=self.clock, key=self.key, journal=self.journal)
        self.timelines = Timelines(clock=self.clock, key=self.key, journal=self.journal)
        self.withdrawals = Withdrawals(
            clock=self.clock, ids=self.new_id, broadcasts=self.broadcasts, audit=audit, placing=placing
        )
        self.mai = self.person("mai", (COMMUNE, Role.OFFICIAL))
        self.hoa = self.person("hoa", (COMMUNE, Role.APPROVER))
        self.tinh = self.person("tinh", (PROVINCE, Role.APPROVER))
        self.tam = self.person("tam", (PROVINCE, Role.OFFICIAL))

    def _broadcasts(self, placing: Placing) -> Broadcasts:
        return Broadcasts(
            clock=self.clock,
            key=self.key,
            bulletins=self.bulletins,
            audit=self.town.audit,
            placing=placing,
            signatures=Signatures(clock=self.clock, root=self.root),
        )

    def _alarm(self) -> None:
        self.alarms = Alarms(
            db=self.db,
            bulletins=self.bulletins,
            broadcasts=self.broadcasts,
            recordings=self.recordings,
            standing=self.standing,
        )
        self.emergencies = Emergencies(clock=self.clock, broadcasts=self.broadcasts)

    def new_id(self) -> str:
        return f"{next(self.clock_ids):032x}"

    def person(self, name: str, *roles: tuple[str, Role]) -> Person:
        person = self.town.user(name, *roles)
        with self.db.work() as work:
            made = self.town.sessions.make_token(work, person, "test", timedelta(days=700))
        self.tokens[name] = made.secret
        return person

    def recording(self, duration_ms: int = 60_000, name: str = "sound", origin: str = "upload") -> str:
        """The facts of a recording without its file; all who write here have uploaded it."""
        sha256 = hashlib.sha256(name.encode()).hexdigest()
        row = RecordingRow(
            sha256=sha256,
            duration_ms=duration_ms,
            size_bytes=duration_ms * 4,
            loudness_lufs=-18.0,
            true_peak_dbtp=-2.0,
            origin=origin,
            warnings="[]",
            created_by="mai",
            created_at=self.clock.now(),
        )
        with self.db.work() as work:
            work.session.merge(row)
            work.session.flush()
            for author in ("mai", "hoa", "tam", "tinh"):
                add_maker(work.session, sha256, author)
        return sha256

    def local(self, text: str) -> JSON:
        """A time of the commune, once."""
        return {"tz": TZ, "start_local": text}

    def draft(self, **changes: Any) -> JSON:  # noqa: ANN401 -- JSON and options of httpx
        """A complete bulletin, at ten in the morning of the clock's first day."""
        plan = {"audience": [COMMUNE], "when": self.local("2026-11-23T10:00")} | changes.pop("plan", {})
        content = {"area": COMMUNE, "title": "Lịch tiêm phòng đợt 2", "field": "health", "plan": plan}
        return content | ({} if "recording" in changes else {"recording": self.recording()}) | changes


@cache
def application() -> FastAPI:
    """The API of announcements; making it takes longer than a test, so all tests of a worker share it."""
    app = FastAPI()
    problems.install(app)
    announcing = (recordings, resumable, bulletins, broadcasts, withdrawals, emergencies)
    for module in (*announcing, inbox, previews, timeline, bodies):
        app.include_router(module.router(), prefix="/api/v1")
    return app


class Browser:
    """The API as a program of one person uses it."""

    def __init__(self, app: FastAPI, headers: dict[str, str]) -> None:
        self._app = app
        self._headers = headers

    def call(self, method: str, path: str, **kwargs: Any) -> httpx.Response:  # noqa: ANN401 -- JSON and options of httpx
        return asyncio.run(self._call(method, path, kwargs))

    async def _call(self, method: str, path: str, kwargs: JSON) -> httpx.Response:
        transport = httpx.ASGITransport(app=self._app)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://loa/api/v1", trust_env=False
        ) as client:
            headers = self._headers | kwargs.pop("headers", {})
            return await client.request(method, path, headers=headers, **kwargs)

    def get(self, path: str, **kwargs: Any) -> JSON:  # noqa: ANN401 -- JSON and options of httpx
        return self._ok(self.call("GET", path, **kwargs))

    def post(self, path: str, content: Any = None, **kwargs: Any) -> JSON:  # noqa: ANN401 -- JSON and options of httpx
        return self._ok(self.call("POST", path, json=content, **kwargs))

    def refused(self, status: int, method: str, path: str, content: Any = None, **kwargs: Any) -> JSON:  # noqa: ANN401 -- JSON and options of httpx
        """The problem with which the request was refused."""
        answer = self.call(method, path, json=content, **kwargs)
        assert answer.status_code == status, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        problem: JSON = answer.json()
        assert problem["detail"]
        return problem

    def submitted(self, draft: JSON) -> JSON:
        """A bulletin that was written and submitted."""
        made = self.post("/bulletins", draft)
        return self.post(f"/bulletins/{made['id']}/submit", headers=match(made))

    def _ok(self, answer: httpx.Response) -> JSON:
        assert answer.is_success, answer.text
        found: JSON = json.loads(answer.text) if answer.text else {}
        return found


def match(bulletin: JSON) -> dict[str, str]:
    """The header that names the revision which was read."""
    return {"if-match": f'"{bulletin["revision"]}"'}


@dataclass
class Office:
    """A desk with its people at their browsers."""

    desk: Desk
    browser: Callable[[str], Browser]

    def __post_init__(self) -> None:
        self.mai, self.hoa = self.browser("mai"), self.browser("hoa")
        self.tinh, self.tam = self.browser("tinh"), self.browser("tam")

    def approved(self, **changes: Any) -> JSON:  # noqa: ANN401 -- JSON and options of httpx
        """A broadcast of the commune: Mai wrote it, Hoa approved it."""
        return self.approve(self.mai, self.hoa, self.desk.draft(**changes))

    def from_above(self, **changes: Any) -> JSON:  # noqa: ANN401 -- JSON and options of httpx
        """A broadcast of the province for the commune: Tam wrote it, Tinh approved it."""
        return self.approve(self.tam, self.tinh, self.desk.draft(area=PROVINCE, **changes))

    def approve(self, author: Browser, approver: Browser, draft: JSON) -> JSON:
        bulletin = author.submitted(draft)
        answer = approver.post(f"/bulletins/{bulletin['id']}/approve", headers=match(bulletin))
        found: JSON = answer["broadcast"]
        return found


@contextmanager
def open_office(
    db: Database, folder: Path, *, nodes: bool = True, desk: Desk | None = None
) -> Iterator[Office]:
    """An office over a commune with a node in each of two villages."""
    desk = desk or Desk(Town(db).build(), folder)
    if nodes:
        desk.town.node("loa-thong-nhat", "thon-thong-nhat")
        desk.town.node("loa-minh-tan", "thon-minh-tan")
    app = application()
    app.state.controller = desk
    yield Office(desk, lambda name: Browser(app, {"authorization": f"Bearer {desk.tokens[name]}"}))
    desk.journal.close()
