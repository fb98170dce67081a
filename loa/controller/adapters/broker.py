"""Mosquitto, as a child of the controller or as a service beside it, with generated files."""

import os
import pwd
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import structlog

from loa.controller.adapters.eviction import evict
from loa.controller.adapters.pem_files import PemFile, write_private
from loa.controller.core.broker_rules import BrokerFiles, BrokerUser, Listener, acl_text, conf_text
from loa.controller.core.certificates import Authority
from loa.controller.errors import Unavailable
from loa.controller.ports import Clock
from loa.controller.services.tasks import Task
from loa.protocol.ids import NodeId

_log = structlog.get_logger(__name__)

Users = Callable[[], Sequence[BrokerUser]]
READY_WITHIN_S = 15.0
_FIRST_PAUSE_S = 0.2
_LONGEST_PAUSE_S = 10.0
_LIVED_LONG_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """Whose certificates the broker takes, and its own."""

    authority: Authority
    clock: Clock
    hosts: Sequence[str]
    """Names and addresses under which the broker is found; we ourselves find it under the first."""
    revoked: Callable[[], str]
    """The current revocation list in PEM; raises Unavailable."""


class FileBroker:
    """A Mosquitto that somebody else runs with our files, systemd for one. Thread-safe."""

    def __init__(self, *, folder: Path, listeners: Sequence[Listener], users: Users, trust: Trust) -> None:
        self._folder = folder
        self._files = BrokerFiles(folder)
        self._listeners = listeners
        self._users = users
        self._trust = trust
        make = partial(trust.authority.make_server, trust.hosts)
        self._server = PemFile(Path(self._files.server), make=make, clock=trust.clock)
        self._writing = threading.Lock()
        self._to_cut: set[NodeId] = set()
        self._is_stale = False

    def start(self) -> None:
        """Write the files, or keep the last ones where the database does not answer; raises OSError."""
        with self._writing:
            self._write_or_keep()
            self._signal()

    def stop(self) -> None:
        """Nothing: the broker is not ours."""

    def refresh(self) -> None:
        """Write everything anew and have the broker read it; open connections obey the access list, too.

        What Mosquitto 2.0 reads on SIGHUP: access list, revocation list, its own certificate. It ends no
        connection for any of them.
        """
        with self._writing:
            self._write()
            self._signal()

    def keep(self) -> None:
        """Renew the broker's own certificate when it is time."""
        if self._server.is_due:
            self.refresh()

    def cut(self, node: NodeId) -> None:
        """As `refresh`; then whoever is connected under that name is thrown out, now or by `sweep`."""
        self.refresh()
        self._to_cut.add(node)
        self.sweep()

    def sweep(self) -> None:
        """Throw out who is to be, as far as the broker can be reached; write what `start` could not."""
        if self._is_stale:
            self.refresh()
            self._is_stale = False
        for node in tuple(self._to_cut):
            try:
                self._evict(node)
            except OSError as error:
                _log.warning("broker.not_cut", node=node, why=str(error))
            else:
                self._to_cut.discard(node)
                _log.info("broker.cut", node=node)

    def _evict(self, node: NodeId) -> None:
        trust = self._trust
        pair = trust.authority.make_client(node, trust.clock.now())
        evict(node, pair, trust.authority, (trust.hosts[0], self._listeners[0].port))

    def _write_or_keep(self) -> None:
        """Whoever was out when they were written is out of them, too."""
        try:
            self._write()
        except Unavailable as error:
            if not Path(self._files.acl).exists():
                raise
            self._is_stale = True
            self._server.keep()
            _log.warning("broker.keeps_its_files", why=str(error))

    def _write(self) -> None:
        users, revoked = list(self._users()), self._trust.revoked()
        run_as = pwd.getpwuid(os.geteuid()).pw_name
        write_private(Path(self._files.authority), self._trust.authority.pem)
        write_private(Path(self._files.revoked), revoked)
        self._server.keep()
        write_private(Path(self._files.conf), conf_text(self._files, self._listeners, run_as))
        write_private(Path(self._files.acl), acl_text(users))

    def _signal(self) -> None:
        try:
            os.kill(int(Path(self._files.pid).read_text()), signal.SIGHUP)
        except (FileNotFoundError, ProcessLookupError, ValueError):
            _log.warning("broker.not_running", folder=str(self._folder))


class ChildBroker(FileBroker):
    """A Mosquitto that lives and dies with the controller, and is started again whenever it dies.

    The kernel ends the child when the thread that started it is gone (PR_SET_PDEATHSIG), so that a
    controller that was killed leaves no broker on the port; that thread lives as long as the process.
    """

    def __init__(self, *, folder: Path, listeners: Sequence[Listener], users: Users, trust: Trust) -> None:
        super().__init__(folder=folder, listeners=listeners, users=users, trust=trust)
        self._process: subprocess.Popen[bytes] | None = None
        self._stopping = threading.Event()
        self._watcher = Task("broker", self._watch)

    def start(self) -> None:
        """Return once every listener accepts; raises OSError, or Unavailable after 15 s."""
        self._write_or_keep()
        self._watcher.start()
        for listener in self._listeners:
            _wait_until_open(listener)

    def stop(self) -> None:
        """End the child and wait for its end."""
        self._stopping.set()
        self._send(signal.SIGTERM)
        self._watcher.join()

    @property
    def pid(self) -> int | None:
        """The child's process id, None while it is not running."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def _signal(self) -> None:
        self._send(signal.SIGHUP)

    def _send(self, number: signal.Signals) -> None:
        process = self._process
        if process is not None:
            process.send_signal(number)

    def _watch(self) -> None:
        pause_s = _FIRST_PAUSE_S
        while not self._stopping.is_set():
            began = time.monotonic()
            status = self._run_once()
            if self._stopping.is_set():
                return
            _log.error("broker.died", status=status, restart_in_s=pause_s)
            self._stopping.wait(pause_s)
            lived_long = time.monotonic() - began > _LIVED_LONG_S
            pause_s = _FIRST_PAUSE_S if lived_long else min(pause_s * 2, _LONGEST_PAUSE_S)

    def _run_once(self) -> int:
        command = ["setpriv", "--pdeathsig", "TERM", "--", _mosquitto(), "-c", str(self._files.conf)]
        # A session of its own: Ctrl-C reaches the controller alone, which then stops things in order.
        with subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True
        ) as process:
            self._process = process
            _log.info("broker.started", pid=process.pid)
            if self._stopping.is_set():
                process.terminate()
            for line in process.stderr or ():
                _log.info("broker.says", line=line.decode(errors="replace").rstrip())
        return process.returncode


def _mosquitto() -> str:
    """Debian keeps it in /usr/sbin, which is not on everybody's PATH."""
    return "/usr/sbin/mosquitto" if Path("/usr/sbin/mosquitto").exists() else "mosquitto"


def _wait_until_open(listener: Listener) -> None:
    ends = time.monotonic() + READY_WITHIN_S
    while True:
        try:
            socket.create_connection((listener.host, listener.port), timeout=1).close()
        except OSError as error:
            if time.monotonic() > ends:
                raise Unavailable(
                    "broker_not_ready",
                    f"nothing listens at {listener.host} port {listener.port} ({error}); see the log",
                ) from error
            time.sleep(0.01)
        else:
            return
