"""Whoever hangs or dies is started again, within ten seconds: by the unit's own figures, without systemd."""

import configparser
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Thread

import pytest

from loa.protocol.keys import SigningKey
from tests.loopback import free_port
from tests.node_agent.processes import NodeProcess
from tests.node_agent.rig import World
from tests.waiting import wait_for

UNIT = Path(__file__).parent.parent.parent / "systemd/loa-node.service"
BACK_WITHIN_S = 10.0
FIRST_START_S = 60.0


def test_the_watchdog_is_fed_by_the_loop_alone(tmp_path: Path) -> None:
    world = World(tmp_path, datetime(2026, 11, 24, 5, tzinfo=UTC))
    hangs, released, stopped = Event(), Event(), Event()

    def is_stopped() -> bool:
        if hangs.is_set():
            released.wait(FIRST_START_S)
        return stopped.is_set()

    loop = Thread(target=world.agent.run, args=(is_stopped,))
    loop.start()
    wait_for(lambda: world.watchdog.turns > 2, what="turns of the loop")
    hangs.set()
    wait_for(lambda: _stands_still(world), what="a loop that hangs")
    hangs.clear()
    turns = world.watchdog.turns
    released.set()
    wait_for(lambda: world.watchdog.turns > turns, what="a loop that turns again")
    stopped.set()
    loop.join(FIRST_START_S)
    assert (world.watchdog.is_ready, world.watchdog.is_stopping) == (True, True)


def _stands_still(world: World) -> bool:
    """For longer than the loop waits for an arrival."""
    before = world.watchdog.turns
    return not Event().wait(1.0) and world.watchdog.turns == before


class Manager:
    """As much of systemd as a unit needs: hears what the service says, and starts it again."""

    def __init__(self, folder: Path) -> None:
        self.address = folder / "notify"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(self.address))
        unit = configparser.ConfigParser(strict=False, interpolation=None, delimiters="=")
        unit.optionxform = str  # type: ignore[assignment,method-assign]  # names of settings keep their case
        unit.read(UNIT)
        self.watchdog_s = float(unit["Service"]["WatchdogSec"])
        self.pause_s = float(unit["Service"]["RestartSec"])

    def hears(self, words: bytes, within_s: float) -> bool:
        """Whether the service says this within a time."""
        ends = time.monotonic() + within_s
        while (left_s := ends - time.monotonic()) > 0:
            self._socket.settimeout(left_s)
            try:
                if self._socket.recv(4096) == words:
                    return True
            except TimeoutError:
                return False
        return False

    def forget(self) -> None:
        """What was said before."""
        self._socket.setblocking(False)
        try:
            while self._socket.recv(4096):
                pass
        except BlockingIOError:
            return

    def close(self) -> None:
        self._socket.close()


@dataclass
class Post:
    """A node in the care of a manager."""

    node: NodeProcess
    manager: Manager

    def start(self, within_s: float) -> None:
        self.node.start(NOTIFY_SOCKET=str(self.manager.address))
        assert self.manager.hears(b"READY=1", within_s), self.node.log.read_text()

    def start_again(self) -> None:
        """As `Restart=always` does, once the process is gone."""
        Event().wait(self.manager.pause_s)
        self.start(BACK_WITHIN_S)


@pytest.fixture
def post(tmp_path: Path) -> Iterator[Post]:
    node = NodeProcess(tmp_path, node_key=SigningKey.generate())
    node.enrol(host="127.0.0.1", port=free_port(), base_url=f"https://127.0.0.1:{free_port()}")
    manager = Manager(tmp_path)
    made = Post(node, manager)
    made.start(FIRST_START_S)
    yield made
    node.close()
    manager.close()


@pytest.mark.flow
def test_a_node_tells_that_it_lives_and_that_it_ends(post: Post) -> None:
    for _ in range(3):
        assert post.manager.hears(b"WATCHDOG=1", post.manager.watchdog_s / 2)
    assert post.node.stop() == 0
    assert post.manager.hears(b"STOPPING=1", 1)


@pytest.mark.flow
def test_a_killed_node_is_back_within_ten_seconds(post: Post) -> None:
    post.node.kill()
    began = time.monotonic()
    post.start_again()
    assert time.monotonic() - began <= BACK_WITHIN_S


@pytest.mark.flow
def test_a_node_that_hangs_is_back_within_ten_seconds(post: Post) -> None:
    post.node.hang()
    began = time.monotonic()
    post.manager.forget()
    assert not post.manager.hears(b"WATCHDOG=1", post.manager.watchdog_s)
    post.node.kill()
    post.start_again()
    assert time.monotonic() - began <= BACK_WITHIN_S
