"""Fakes of an update's ports."""

from collections.abc import Iterable
from pathlib import Path

from loa.node_agent.core.ledger import Ledger, Word
from loa.node_agent.core.wish import Machine
from loa.node_agent.update_ports import Checked
from loa.protocol.bundle import read_manifest
from loa.protocol.keys import KeyRing
from loa.protocol.release import Manifest


class FakeSite:
    """A `Site` whose ledger a test writes and whose word it reads."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.book: Ledger | None = None
        self.keys = KeyRing([])
        self.word: Word | None = None
        self.free = 10**9
        self.checked: Checked | None = Checked(None)
        self.machine = Machine(python="3.11", machine="aarch64")

    def ledger(self) -> Ledger | None:
        return self.book

    def say(self, word: Word) -> None:
        self.word = word

    def place(self, sha256: str) -> Path:
        return self._folder / f"{sha256}.bundle"

    def manifest(self, sha256: str) -> Manifest:
        with self.place(sha256).open("rb") as file:
            return read_manifest(file, self.keys)

    def keep_only(self, sha256: str | None) -> None:
        for path in self._folder.glob("*.bundle"):
            if path.stem != sha256:
                path.unlink()

    def free_bytes(self) -> int:
        return self.free

    def check(self, version: str) -> Checked | None:
        del version
        return self.checked


class FakeVersions:
    """`Versions` as names in a set."""

    def __init__(self, current: str) -> None:
        self.links = {"current": current, "steady": current}
        self.here = {current}
        self.wheels: dict[str, bytes] = {}
        self.fails: BaseException | None = None
        self.free = 10**9

    def current(self) -> str:
        return self.links["current"]

    def point(self, *, current: str | None, steady: str) -> None:
        self.links["steady"] = steady
        self.links["current"] = current or self.links["current"]

    def install(self, manifest: Manifest, wheels: Path) -> None:
        if self.fails is not None:
            raise self.fails
        self.wheels = {path.name: path.read_bytes() for path in wheels.iterdir()}
        self.here.add(manifest.version)

    def keep_only(self, versions: Iterable[str]) -> None:
        self.here &= set(versions)

    def free_bytes(self) -> int:
        return self.free
