"""The files through which the agent and its updater speak: each writes in a folder of its own."""

import logging
import os
import shutil
import struct
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path

from pydantic import Field

from loa.node_agent.core.ledger import Ledger, Word
from loa.node_agent.core.wish import Machine
from loa.node_agent.errors import DamagedLedgerError
from loa.node_agent.update_ports import Checked
from loa.protocol.errors import ProtocolError
from loa.protocol.keys import KeyRing, PublicKey
from loa.protocol.release import Manifest
from loa.protocol.wire import Wire

FOLDER = "update"
WORD_FILE, LEDGER_FILE, KEYS_FILE, RESTART_FILE = "agent.json", "updater.json", "release-keys.json", "restart"
_SUFFIX = ".bundle"
_CHECK_S = 120.0
_MOST_WORDS = 400
_MOST_WORD_BYTES = 65_536
_BITS_32 = 4

_log = logging.getLogger(__name__)


class ReleaseKeys(Wire):
    """Whose releases a machine takes."""

    keys: tuple[str, ...] = Field(default=())
    """Raw Ed25519 public keys in base64url."""

    def ring(self) -> KeyRing:
        """Raises `MalformedError`."""
        return KeyRing(PublicKey.from_x(x) for x in self.keys)


class FileSite:
    """`Site` over the agent's folder, `<data>/update`, and the updater's, `<root>/update`, which it reads."""

    def __init__(self, root: Path, data: Path) -> None:
        self._root, self._data = root, data
        self._own, self._theirs = data / FOLDER, root / FOLDER
        self._read: tuple[int, Ledger | None] = (0, None)
        self._check: subprocess.Popen[str] | None = None
        self._checked: dict[str, Checked] = {}

    @property
    def machine(self) -> Machine:
        """See `Site.machine`."""
        return this_machine()

    def ledger(self) -> Ledger | None:
        """See `Site.ledger`. Read anew only if the file changed."""
        path = self._theirs / LEDGER_FILE
        try:
            changed_ns = path.stat().st_mtime_ns
            if changed_ns != self._read[0]:
                self._read = changed_ns, Ledger.from_bytes(path.read_bytes())
        except FileNotFoundError:
            self._read = (0, None)
        except (OSError, ProtocolError) as error:
            _log.warning("event=ledger_unreadable detail=%s", error)
        return self._read[1]

    def say(self, word: Word) -> None:
        """See `Site.say`. The updater, another user of the same group, may read it."""
        self._make_folder()
        write_whole(self._own / WORD_FILE, word.to_bytes(), mode=0o640)

    def place(self, sha256: str) -> Path:
        """See `Site.place`."""
        self._make_folder()
        return self._own / f"{sha256}{_SUFFIX}"

    def manifest(self, sha256: str) -> Manifest:
        """See `Site.manifest`. From now on the updater may read the bundle."""
        from loa.protocol.bundle import read_manifest  # noqa: PLC0415 -- half a megabyte, for this moment alone

        place = self.place(sha256)
        place.chmod(0o640)
        with place.open("rb") as file:
            return read_manifest(file, pinned(self._theirs))

    def keep_only(self, sha256: str | None) -> None:
        """See `Site.keep_only`."""
        if self._own.exists():
            for path in self._own.glob(f"*{_SUFFIX}*"):
                if sha256 is None or not path.name.startswith(sha256):
                    path.unlink(missing_ok=True)

    def free_bytes(self) -> int:
        """See `Site.free_bytes`."""
        return shutil.disk_usage(self._data).free

    def check(self, version: str) -> Checked | None:
        """See `Site.check`. The new version's own program looks at the data, as the agent's own user."""
        if version in self._checked:
            return self._checked[version]
        if self._check is None:
            self._check = _start_check(self._root, self._data, version)
        if self._check.poll() is None:
            return None
        said = self._check.communicate()[0].strip()
        why = None if self._check.returncode == 0 else f"its check on the data failed: {_last_words(said)}"
        self._checked[version], self._check = Checked(why), None
        return self._checked[version]

    def _make_folder(self) -> None:
        if not self._own.exists():
            self._own.mkdir()
            self._own.chmod(0o750)


class FileDesk:
    """`Desk` over `<root>/update`, which is the updater's, and `<data>/update`, which it only reads."""

    def __init__(self, root: Path, data: Path) -> None:
        self._own, self._theirs = root / FOLDER, data / FOLDER

    def ledger(self) -> Ledger | None:
        """See `Desk.ledger`."""
        path = self._own / LEDGER_FILE
        try:
            return Ledger.from_bytes(path.read_bytes())
        except FileNotFoundError:
            return None
        except ProtocolError as error:
            raise DamagedLedgerError(str(path), str(error)) from error

    def write(self, ledger: Ledger) -> None:
        """See `Desk.write`. The agent may read it."""
        self._own.mkdir(exist_ok=True)
        write_whole(self._own / LEDGER_FILE, ledger.to_bytes(), mode=0o644)

    def word(self) -> Word | None:
        """See `Desk.word`."""
        try:
            with (self._theirs / WORD_FILE).open("rb") as file:
                return Word.from_bytes(file.read(_MOST_WORD_BYTES))
        except (OSError, ProtocolError):
            return None

    def keys(self) -> KeyRing:
        """See `Desk.keys`. What the agent's folder says later changes nothing, unless the pin is deleted."""
        own = self._own / KEYS_FILE
        if not own.exists():
            given = read_keys(self._theirs / KEYS_FILE)
            if given.keys:
                self._own.mkdir(exist_ok=True)
                write_whole(own, given.to_bytes(), mode=0o644)
        return pinned(self._own)

    def bundle(self, sha256: str) -> Path:
        """See `Desk.bundle`."""
        return self._theirs / f"{sha256}{_SUFFIX}"

    def scratch(self) -> Path:
        """See `Desk.scratch`."""
        folder = self._own / "wheels"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder

    def restart(self) -> None:
        """See `Desk.restart`: a path unit of systemd watches this file."""
        write_whole(self._own / RESTART_FILE, b"", mode=0o644)


def pinned(folder: Path) -> KeyRing:
    """The release keys that the updater has pinned, none if it has not."""
    return read_keys(folder / KEYS_FILE).ring()


def read_keys(path: Path) -> ReleaseKeys:
    """What a file of keys says; none if it is not there. Raises `MalformedError`."""
    try:
        return ReleaseKeys.from_bytes(path.read_bytes())
    except FileNotFoundError:
        return ReleaseKeys()


def give_keys(data: Path, keys: Sequence[str]) -> None:
    """Lay the keys that an enrolment named where the updater finds them."""
    folder = data / FOLDER
    folder.mkdir(exist_ok=True)
    folder.chmod(0o750)
    write_whole(folder / KEYS_FILE, ReleaseKeys(keys=tuple(keys)).to_bytes(), mode=0o640)


def this_machine() -> Machine:
    """By the interpreter that runs: a 32-bit one on a 64-bit kernel takes 32-bit wheels."""
    machine = sysconfig.get_platform().rpartition("-")[2]
    if machine == "aarch64" and struct.calcsize("P") == _BITS_32:
        machine = "armv7l"
    return Machine(python=f"{sys.version_info.major}.{sys.version_info.minor}", machine=machine)


def write_whole(path: Path, content: bytes, *, mode: int) -> None:
    """Atomic, synced, with that mode whatever the umask."""
    part = path.with_name(path.name + ".part")
    with part.open("wb") as file:
        os.fchmod(file.fileno(), mode)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """What was renamed or made in it stays so."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _start_check(root: Path, data: Path, version: str) -> subprocess.Popen[str]:
    program = root / "versions" / version / "bin" / "loa-node"
    quietly = ["nice", "-n", "19", "timeout", str(int(_CHECK_S))]  # sound goes before
    command = [*quietly, str(program), "check-release", "--data", str(data)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def _last_words(said: str) -> str:
    return said[-_MOST_WORDS:] or "it said nothing"
