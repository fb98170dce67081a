import logging
import secrets
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from loa.audio.clock import Clock
from loa.node_agent import logs
from loa.node_agent.core.ledger import (
    Act,
    Facts,
    Ledger,
    Phase,
    Target,
    Word,
    adopt,
    given_up,
    installed,
    kept_versions,
    step,
    wanted,
)
from loa.node_agent.errors import DamagedLedgerError, InstallError
from loa.node_agent.update_ports import Desk, IsAlive, Versions
from loa.protocol.bundle import Take, read_bundle, read_manifest
from loa.protocol.errors import MisaddressedError, ProtocolError
from loa.protocol.ids import BootId
from loa.protocol.keys import KeyRing
from loa.protocol.reasons import UpdateOutcome
from loa.protocol.release import Manifest, Wheel

PIP_BYTES = 40_000_000
"""What an empty virtual environment takes."""

_log = logging.getLogger(__name__)


class Updater:
    """Installs, switches and rolls back. It believes nothing that the agent says of a bundle."""

    def __init__(
        self, *, desk: Desk, versions: Versions, clock: Clock, boot_id: BootId, is_alive: IsAlive
    ) -> None:
        self._desk = desk
        self._versions = versions
        self._clock = clock
        self._boot_id = boot_id
        self._is_alive = is_alive
        self._ledger: Ledger | None = None

    def turn(self) -> bool:
        """Whatever follows from ledger and word; False if nothing does until the agent says more.

        Raises `NoVersionError`, OSError.
        """
        ledger = self._recall()
        after, act = step(ledger, self._facts())
        self._keep(after)
        match act:
            case Act.INSTALL:
                self._install(after)
            case Act.RESTART:
                logs.shout(_log, "restarting_agent", runs=after.steady)
                self._desk.restart()
            case Act.REST | Act.WAIT:
                pass
        return act is not Act.REST

    def run(self, pause: Callable[[], bool]) -> None:
        """Turn until nothing is to be done, or `pause`, which waits a little, says that it is enough."""
        while self.turn() and pause():
            continue

    def _recall(self) -> Ledger:
        """The ledger, with the links as it says; what a power cut left undone is done now."""
        self._desk.keys()
        if self._ledger is None:
            try:
                self._ledger = self._desk.ledger()
            except DamagedLedgerError as error:
                logs.shout(_log, "ledger_lost", detail=error)
        return self._keep(adopt(self._ledger, self._versions.current()))

    def _keep(self, ledger: Ledger) -> Ledger:
        """On the disk first, then in the links, then the room that it no longer needs."""
        before, self._ledger = self._ledger, ledger
        if ledger != before:
            self._say(before, ledger)
            self._desk.write(ledger)
        self._versions.point(current=wanted(ledger), steady=ledger.steady)
        if before is not None and before.phase is not Phase.IDLE and ledger.phase is Phase.IDLE:
            # only now: what somebody is installing by hand at another time is not ours to delete
            self._versions.keep_only(kept_versions(ledger))
        return ledger

    def _facts(self) -> Facts:
        word = self._desk.word()
        return Facts(
            at=self._clock.now(),
            now_s=self._clock.monotonic(),
            boot_id=self._boot_id,
            word=word,
            is_alive=self._lives(word),
            token=secrets.token_hex(16),
        )

    def _lives(self, word: Word | None) -> bool:
        return word is not None and word.boot_id == self._boot_id and self._is_alive(word.pid)

    def _install(self, ledger: Ledger) -> None:
        target = ledger.target
        if target is None:
            return
        try:
            self._put_beside(target)
        except ProtocolError as error:
            why = f"{error.reason}: {error}"
            self._keep(given_up(ledger, self._clock.now(), UpdateOutcome.REFUSED, why))
        except (InstallError, OSError) as error:
            self._keep(given_up(ledger, self._clock.now(), UpdateOutcome.FAILED, str(error)))
        else:
            self._keep(installed(ledger))

    def _put_beside(self, target: Target) -> None:
        bundle, keys = self._desk.bundle(target.sha256), self._desk.keys()
        with bundle.open("rb") as file:
            manifest = read_manifest(file, keys)
        if manifest.version != target.version:
            raise MisaddressedError(target.version, manifest.version)
        self._check_room(manifest)
        wheels = self._desk.scratch()
        unpack(bundle, keys, wheels, manifest)
        self._versions.install(manifest, wheels)
        self._desk.scratch()

    def _check_room(self, manifest: Manifest) -> None:
        wheels_bytes = sum(wheel.size_bytes for wheel in manifest.wheels)
        needed, free = manifest.installed_bytes + wheels_bytes + PIP_BYTES, self._versions.free_bytes()
        if free < needed:
            raise InstallError(f"it needs {needed // 1_000_000} MB, {free // 1_000_000} MB are free")

    def _say(self, before: Ledger | None, after: Ledger) -> None:
        if before is None or before.phase is not after.phase:
            version = after.target.version if after.target else "-"
            logs.say(_log, "update_phase", phase=after.phase, steady=after.steady, target=version)


def unpack(bundle: Path, keys: KeyRing, into: Path, expected: Manifest) -> None:
    """Write the wheels out while they are verified; raises a `ProtocolError`, and then they are void.

    The bundle is in a folder of somebody else's, who may change it at any time: what is verified is what is
    written, and the manifest has to be the one that was read before.
    """
    with ExitStack() as opened, bundle.open("rb") as file:

        def take(wheel: Wheel) -> Take:
            return opened.enter_context((into / wheel.name).open("wb")).write

        if read_bundle(file, keys, take) != expected:
            raise MisaddressedError(expected.version, "another bundle")
