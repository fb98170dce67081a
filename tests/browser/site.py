"""A whole controller with its pages, in this process, on a free port of the loopback."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import uvicorn

from loa.controller.adapters.pem_files import write_private
from loa.controller.composition import Controller
from loa.controller.core.access import Grant, Role
from loa.controller.core.sample import COMMUNE, SAMPLE, VILLAGES
from loa.controller.main import application, build
from loa.controller.ports import Clock
from loa.controller.services.areas import NewArea
from loa.controller.services.people import NewUser
from loa.controller.settings import HttpTls, Settings
from loa.controller.store.folder import DataFolder
from loa.protocol.ids import AreaId
from loa.protocol.keys import SigningKey
from tests import loopback
from tests.certificates import AUTHORITY, HOST, Issuer
from tests.passwords import hashed
from tests.protocol.bundles import RELEASE_KEY
from tests.waiting import wait_for

PEOPLE = {
    "hanh": ("Trần Thị Hạnh", Role.OFFICIAL),
    "hoa": ("Nguyễn Văn Hòa", Role.APPROVER),
    "tam": ("Lê Văn Tám", Role.SUPERVISOR),
}
NODES = {f"cum-{number}": VILLAGES[number % len(VILLAGES)] for number in range(1, 5)}


@dataclass(frozen=True, slots=True)
class Voice:
    """What an enrolled node has: its key, and its certificate for the broker."""

    key: SigningKey
    certificate: str


@dataclass(frozen=True, slots=True)
class Site:
    """Where the console is, and what stands behind it."""

    url: str
    direct: str
    """For programs, which can't look the name up."""
    folder: Path
    controller: Controller
    nodes: Mapping[str, Voice]
    """With what each node would speak."""
    broker_port: int


@contextmanager
def running_site(
    folder: Path,
    *,
    settled: bool = True,
    clock: Clock | None = None,
    called: str | None = None,
    root_key: str | None = None,
) -> Iterator[Site]:
    """The console of a commune with three people and four nodes, or of nobody; gone after the block.

    It tells others that it is `called` so, if its own address would not do.
    """
    settings = _settings(folder, called, root_key)
    data = DataFolder(settings.data_dir)
    data.prepare()
    data.make_key()
    write_private(data.authority, AUTHORITY.to_pem())
    controller = build(settings, clock=clock)
    controller.db.migrate()
    voices = _settle(controller) if settled else {}
    app = application(controller, settings)
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            host="127.0.0.1",
            port=settings.http_port,
            log_config=None,
            ssl_context_factory=lambda _config, default: controller.tls or default(),
        )
    )
    thread = threading.Thread(target=server.run, name="site")
    thread.start()
    try:
        wait_for(lambda: server.started or not thread.is_alive(), what="the site answers")
        assert server.started, "the site did not start"
        direct = f"https://127.0.0.1:{settings.http_port}"
        yield Site(
            f"https://{HOST}:{settings.http_port}", direct, folder, controller, voices, settings.broker_port
        )
    finally:
        controller.release_pages()
        server.should_exit = True
        thread.join(60)


def _settings(folder: Path, called: str | None, root_key: str | None) -> Settings:
    port, pair = loopback.free_port(), Issuer.new(folder / "issuer").server()
    return Settings(
        data_dir=folder / "data",
        http_host="127.0.0.1",
        http_port=port,
        http_tls=HttpTls.FILES,
        http_certificate=pair,
        http_key=pair,
        public_url=called or f"https://{HOST}:{port}",
        make_standing_messages=False,
        root_key=root_key,
        release_keys=(RELEASE_KEY.public.x,),
        broker_listen=("127.0.0.1",),
        broker_host="127.0.0.1",
        broker_public_host="127.0.0.1",
        broker_port=loopback.free_port(),
    )


def _settle(controller: Controller) -> dict[str, Voice]:
    voices: dict[str, Voice] = {}
    with controller.db.work() as work:
        for one in SAMPLE:
            new = NewArea(id=one.id, name=one.name, kind=one.kind, parent_id=one.parent_id)
            controller.areas.insert(work, "test", new)
        for user_id, (name, role) in PEOPLE.items():
            grants = frozenset({Grant(COMMUNE, role)})
            person = NewUser(id=user_id, name=name, password=hashed(), grants=grants)
            controller.people.insert(work, "test", person)
        for node, village in NODES.items():
            name = f"Cụm {node[-1]}"
            code = controller.nodes.insert(work, "test", name=name, parent=AreaId(village), node=node)
            key = SigningKey.generate()
            enrolled = controller.nodes.enrol(work, code.code, key.public.x, source="test")
            voices[node] = Voice(key, enrolled.certified.certificate)
    return voices
