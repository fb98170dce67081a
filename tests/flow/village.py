"""A commune as it is installed: controller, broker and loudspeakers, each a process of its own."""

import json
import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Self

import psutil

from loa.controller.core.broker_rules import BrokerFiles
from loa.controller.demo.processes import Process, run_once
from loa.controller.store.folder import DataFolder
from loa.node_agent.adapters.enrolment import CERTIFICATE_FILE, KEY_FILE, load
from loa.node_agent.adapters.tls import web_context
from loa.protocol.keys import SigningKey
from tests import loopback
from tests.certificates import Issuer, context_of
from tests.flow.ears import Ear
from tests.flow.intruder import Intruder, break_in
from tests.flow.office import ADMIN, PASSWORD, PROVINCE_NAME, Office
from tests.flow.times import now
from tests.machines import Keeper, simulated
from tests.waiting import wait_for

START_WITHIN_S = 60.0


class Loudspeaker:
    """An enrolled node; what it sounds goes to a file."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.data = folder / "data"
        self.ear = Ear(folder / "heard.wav")
        self.boot_s = 0.0
        """How long its first start took, as this machine is today."""
        self.log_file = folder / "node.log"
        self.sink = f"wav:{self.ear.wav}"
        self.environment: dict[str, str] = {}
        """What its machine's owner has set beside the usual."""
        self.process: Process | None = None

    def enrol(self, base_url: str, code: str) -> None:
        run_once(
            ["loa-node", "enrol", base_url, code, "--data", str(self.data)], environment=clean_environment()
        )

    def start(self, *, at: datetime | None = None, keeper: Keeper = Keeper.BATTERY) -> None:
        """Switch it on; with `at`, under a clock that shows `at` now and is kept by `keeper`."""
        command = ["loa-node", "run", "--data", str(self.data), "--sink", self.sink]
        environment = {**clean_environment(), **_clock(at, keeper), **self.environment}
        self.process = Process(command, log=self.log_file, environment=environment)

    def kill(self) -> None:
        """As a loss of power takes it."""
        if self.process is not None:
            self.process.kill()
            self.process = None

    def restart(self, *, at: datetime | None = None) -> None:
        self.kill()
        self.start(at=at)

    def says(self, event: str, *, since: int) -> None:
        """Return when its log has the words, after so many characters."""
        wait_for(lambda: event in self.log()[since:], what=f"{event} in {self.log_file}", within_s=60)

    def log(self) -> str:
        return self.log_file.read_text() if self.log_file.exists() else ""

    def holds(self, *recordings: str) -> None:
        """Return when it has these sounds on its disk."""
        for recording in recordings:
            path = self.data / "recordings" / f"{recording}.ogg"
            wait_for(path.exists, what=f"{self.name} holds {recording}, see {self.log_file}", within_s=60)


class Village:
    """A controller's data directory and ports, with what runs on them, and an office that uses its API."""

    def __init__(self, folder: Path, *, host: str, broker_apart: bool, settings: Mapping[str, str]) -> None:
        self.folder = folder
        self.data = folder / "controller"
        self.nodes: list[Loudspeaker] = []
        self._host = self._name = host
        self.ports = loopback.free_port(host), loopback.free_port(host)
        """Of HTTP and of MQTT."""
        self._broker_apart = broker_apart
        self._settings = settings
        self._controller: Process | None = None
        self._broker: subprocess.Popen[bytes] | None = None
        self._ahead = timedelta(0)
        ground = DataFolder(self.data)
        ground.prepare()
        self.trust = web_context(ground.make_authority(now()).pem)
        """Whom people and programs of this village believe."""
        self.office = Office(self.base_url, self.trust)

    @classmethod
    @contextmanager
    def founded(
        cls,
        folder: Path,
        *,
        host: str = "127.0.0.1",
        broker_apart: bool = False,
        settings: Mapping[str, str] | None = None,
    ) -> Iterator[Self]:
        """A village that runs, with its areas and people and no loudspeakers yet; everything ends with it.

        The broker is the controller's child, or with `broker_apart` ours, as it is systemd's elsewhere.
        """
        village = cls(folder, host=host, broker_apart=broker_apart, settings=settings or {})
        try:
            # an address of the loopback is no name for passkeys, which nobody uses here
            named = {"LOA_PUBLIC_URL": "https://localhost"}
            village.command(
                "init", "--admin", ADMIN, "--password", PASSWORD, "--area", PROVINCE_NAME, **named
            )
            village.start()
            village.furnish()
            yield village
        finally:
            village.close()

    @property
    def base_url(self) -> str:
        bracketed = f"[{self._name}]" if ":" in self._name else self._name
        return f"https://{bracketed}:{self.ports[0]}"

    def furnish(self) -> None:
        """Areas and people, once the controller runs for the first time."""
        self.office.furnish()

    def rename(self, host: str) -> None:
        """From the next start on it is found under that name, and still under the former one."""
        self._settings = {**self._settings, "LOA_FORMER_NAMES": json.dumps([self._host])}
        self._name = host
        self.office.close()
        self.office = Office(self.base_url, self.trust)

    @property
    def key(self) -> SigningKey:
        """The controller's own key, which nobody else ought to have."""
        return SigningKey.from_pem((self.data / "controller.pem").read_text())

    @property
    def trusted_authority(self) -> str:
        """The certificate of the authority, in PEM."""
        return Issuer.of_controller(self.data, self.folder).authority.pem

    def now(self) -> datetime:
        """What the controller's clock shows."""
        return now() + self._ahead

    def command(self, *arguments: str, **settings: str) -> str:
        """Run `loa-controller` with these arguments to its end; its output."""
        return run_once(["loa-controller", *arguments], environment=self._environment() | settings)

    def start(self, *, at: datetime | None = None, whole: bool = True) -> None:
        """Run the controller and the broker; with `at`, under a clock that shows `at` now.

        Where it is not `whole`, as without its database, it only has to answer.
        """
        self._ahead = timedelta(0) if at is None else at - now()
        log = self.folder / "controller.log"
        environment = {**self._environment(), **_clock(at)}
        self._controller = Process(["loa-controller", "serve"], log=log, environment=environment)
        if self._broker_apart:
            wait_for(Path(self._files.acl).exists, what=f"the broker's last file, see {log}")
            self.start_broker()
        is_there = self._is_ready if whole else self._answers
        wait_for(is_there, what=f"the controller is there, see {log}", within_s=START_WITHIN_S)

    def kill(self) -> None:
        """Controller and broker end at once, without a word."""
        if self._controller is not None:
            controller = psutil.Process(self._controller.pid)
            controller.suspend()  # or it would start its broker again
            for child in controller.children(recursive=True):
                child.kill()
            self._controller.kill()
            self._controller = None
        self.kill_broker()

    @contextmanager
    def deaf(self) -> Iterator[None]:
        """The controller runs and neither hears nor says anything; the broker goes on."""
        assert self._controller is not None
        controller = psutil.Process(self._controller.pid)
        controller.suspend()
        try:
            yield
        finally:
            controller.resume()

    def start_broker(self) -> None:
        """The broker that stands apart."""
        with (self.folder / "broker.log").open("ab") as log:
            command = ["mosquitto", "-c", str(self._files.conf)]
            self._broker = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_for(self._broker_answers, what="the broker answers")

    def kill_broker(self) -> None:
        """The broker that stands apart."""
        if self._broker is not None:
            self._broker.kill()
            self._broker.wait()
            self._broker = None

    def add_node(self, name: str, area: str) -> Loudspeaker:
        """Enrol a loudspeaker and switch it on; returns when the controller knows it to be there."""
        node = self.enrol_node(name, area)
        node.start()
        began_s = time.monotonic()
        wait_for(node.ear.wav.exists, what=f"{name} has a player", within_s=START_WITHIN_S)
        node.boot_s = time.monotonic() - began_s
        self.office.awaits_online(name)
        return node

    def enrol_node(self, name: str, area: str) -> Loudspeaker:
        """Enrol a loudspeaker that is off as yet."""
        node = Loudspeaker(name, self.folder / name)
        node.enrol(self.base_url, self.office.add_node(name, area))
        self.nodes.append(node)
        return node

    def processes(self) -> list[psutil.Process]:
        """Those of controller and broker and of every loudspeaker that is on."""
        ours = [self._controller, *(node.process for node in self.nodes)]
        parents = [psutil.Process(process.pid) for process in ours if process is not None]
        return [*parents, *(child for parent in parents for child in parent.children(recursive=True))]

    def intruder(self) -> Intruder:
        """Somebody who made an account of his own in the broker's files, and may write everything."""
        return break_in(self.data, folder=self.folder, host=self._host, port=self.ports[1])

    def listener(self, node: Loudspeaker) -> Intruder:
        """Somebody with a loudspeaker's card, whose connection takes the place of its own."""
        authority, folder = load(node.data)[0].authority, node.data
        context = context_of(authority, folder / CERTIFICATE_FILE, folder / KEY_FILE)
        return Intruder(host=self._host, port=self.ports[1], context=context)

    def close(self) -> None:
        for node in self.nodes:
            node.kill()
        self.kill()
        self.office.close()

    @property
    def _files(self) -> BrokerFiles:
        return BrokerFiles(self.data / "broker")

    def _environment(self) -> dict[str, str]:
        own = {
            "LOA_DATA_DIR": str(self.data),
            "LOA_HTTP_HOST": self._host,
            "LOA_HTTP_PORT": str(self.ports[0]),
            "LOA_PUBLIC_URL": self.base_url,
            "LOA_BROKER_LISTEN": f'["{self._host}"]',
            "LOA_BROKER_PORT": str(self.ports[1]),
            "LOA_BROKER_HOST": self._host,
            "LOA_BROKER_PUBLIC_HOST": self._name,
            # so long that an emergency begins on time on a busy machine, too
            "LOA_EMERGENCY_LEAD_MS": "2000",
            # what only some tests need would take the processor from all
            "LOA_MAKE_STANDING_MESSAGES": "false",
        }
        apart = {"LOA_BROKER_MODE": "files", "LOA_BROKER_FOLDER": str(self._files.folder)}
        return {**clean_environment(), **own, **(apart if self._broker_apart else {}), **self._settings}

    def _is_ready(self) -> bool:
        if self._controller is not None:
            self._controller.check()
        return self.office.is_ready()

    def _answers(self) -> bool:
        if self._controller is not None:
            self._controller.check()
        return self.office.is_alive()

    def _broker_answers(self) -> bool:
        return loopback.is_open(self._host, self.ports[1])


def _clock(at: datetime | None, keeper: Keeper = Keeper.BATTERY) -> dict[str, str]:
    return {} if at is None else simulated(at, keeper=keeper)


def clean_environment() -> dict[str, str]:
    """Our environment without what somebody set for an installation of their own."""
    return {name: value for name, value in os.environ.items() if not name.startswith("LOA_")}
