"""What an update needs from the world outside: of the agent's side, and of the updater's."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from loa.node_agent.core.ledger import Ledger, Word
from loa.node_agent.core.wish import Machine
from loa.protocol.keys import KeyRing
from loa.protocol.release import Manifest


@dataclass(frozen=True, slots=True)
class Checked:
    """What the new version says of this machine; `why` it can't run here, None if it can."""

    why: str | None


class Site(Protocol):
    """The agent's view of its updater."""

    @property
    def machine(self) -> Machine:
        """What a release has to fit."""
        ...

    def ledger(self) -> Ledger | None:
        """The updater's ledger as it is now; None where there is no updater."""
        ...

    def say(self, word: Word) -> None:
        """Replace the agent's word. Raises OSError."""
        ...

    def place(self, sha256: str) -> Path:
        """Where a bundle belongs."""
        ...

    def manifest(self, sha256: str) -> Manifest:
        """The verified manifest of a bundle that is in its place. Raises a `ProtocolError` or OSError."""
        ...

    def keep_only(self, sha256: str | None) -> None:
        """Delete other bundles."""
        ...

    def free_bytes(self) -> int:
        """Space left where bundles belong."""
        ...

    def check(self, version: str) -> Checked | None:
        """Have an installed version look at this machine; None until it is done. One check a start."""
        ...


class Versions(Protocol):
    """The versions beside each other, for the updater."""

    def current(self) -> str:
        """The version that the next start runs. Raises `NoVersionError`."""
        ...

    def point(self, *, current: str | None, steady: str) -> None:
        """Let the links point there, each atomically and for good; None leaves `current` alone."""
        ...

    def install(self, manifest: Manifest, wheels: Path) -> None:
        """Put a version beside the others, from nothing. Raises `InstallError`."""
        ...

    def keep_only(self, versions: Iterable[str]) -> None:
        """Delete the others."""
        ...

    def free_bytes(self) -> int:
        """Space left beside them."""
        ...


class Desk(Protocol):
    """The updater's files, and those that it reads of the agent."""

    def ledger(self) -> Ledger | None:
        """What was written last. Raises `DamagedLedgerError`."""
        ...

    def write(self, ledger: Ledger) -> None:
        """Atomic, and on the disk when it returns."""
        ...

    def word(self) -> Word | None:
        """The agent's, None if it has said nothing that can be read."""
        ...

    def keys(self) -> KeyRing:
        """The release keys that this machine believes, pinned the first time that any were given."""
        ...

    def bundle(self, sha256: str) -> Path:
        """Where the agent lays a bundle."""
        ...

    def scratch(self) -> Path:
        """An empty folder of the updater's own."""
        ...

    def restart(self) -> None:
        """Have systemd start the agent's service again."""
        ...


IsAlive = Callable[[int], bool]
"""Whether a process runs."""
