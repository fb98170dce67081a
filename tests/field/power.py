"""What a loss of power leaves of a data directory: what was synced, and some of what was not.

Works on what `shims/disk.c` kept. Of the names in a directory either those of its last sync remain or all
that there were. Of a file the bytes of its last sync remain, but each block of 4 KiB that was written since
may have reached the disk, and so may its new length: no order among them.
"""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from random import Random

from tests.field.preload import Disk

BLOCK_BYTES = 4096
_SHARES = (0.0, 0.0, 0.3, 0.7, 1.0)
"""How much of what was not synced reaches the disk, drawn for each loss of power."""


class PowerSupply:
    """Of one data directory, whose process must be dead at every call."""

    def __init__(self, data: Path, shadow: Path) -> None:
        self._data = data
        self.shadow = shadow
        self.settle()

    def settle(self) -> None:
        """All that there is now is on the disk."""
        shutil.rmtree(self.shadow, ignore_errors=True)
        for kind in ("content", "listing", "held"):
            (self.shadow / kind).mkdir(parents=True)
        self.behave(Disk.SOUND)
        for folder in [self._data, *(path for path in self._data.rglob("*") if path.is_dir())]:
            self._settle_folder(folder)

    def behave(self, disk: Disk) -> None:
        """From now on, also in the process that runs."""
        mode = self.shadow / "mode"
        mode.touch()
        with mode.open("r+b") as file:
            file.write(disk.value.encode())

    def fail(self, dice: Random) -> None:
        """The power is lost: put in place what the disk holds when it comes back."""
        share = dice.choice(_SHARES)
        remains = self._data.with_name(f"{self._data.name}.remains")
        remains.mkdir(mode=0o700)
        self._leave(self._data, remains, dice, share)
        shutil.rmtree(self._data)
        remains.rename(self._data)
        self.settle()

    def _settle_folder(self, folder: Path) -> None:
        with os.scandir(folder) as found:
            entries = list(found)
        lines = [f"{entry.inode()} {entry.name}\n" for entry in entries]
        (self.shadow / "listing" / str(folder.stat().st_ino)).write_text("".join(lines))
        for entry in entries:
            if entry.is_file():
                shutil.copyfile(entry.path, self.shadow / "content" / str(entry.inode()))
                os.link(entry.path, self.shadow / "held" / str(entry.inode()))

    def _leave(self, folder: Path, remains: Path, dice: Random, share: float) -> None:
        names = self._names(folder) if dice.random() < share else self._synced_names(folder)
        for name, inode in sorted(names.items()):
            inner = folder / name
            if inner.is_dir():
                (remains / name).mkdir(mode=0o700)
                self._leave(inner, remains / name, dice, share)
            else:
                (remains / name).write_bytes(self._bytes(inode, inner, dice, share))
                (remains / name).chmod(0o600)

    def _names(self, folder: Path) -> dict[str, int]:
        with os.scandir(folder) as found:
            return {entry.name: entry.inode() for entry in found}

    def _synced_names(self, folder: Path) -> Mapping[str, int]:
        """Folders are taken to be there: no file system in use loses one that was synced into."""
        folders = {path.name: path.stat().st_ino for path in folder.iterdir() if path.is_dir()}
        listing = self.shadow / "listing" / str(folder.stat().st_ino)
        if not listing.exists():
            return folders
        lines = (line.split(" ", 1) for line in listing.read_text().splitlines())
        return folders | {name: int(inode) for inode, name in lines}

    def _bytes(self, inode: int, live_path: Path, dice: Random, share: float) -> bytes:
        content, held = (self.shadow / kind / str(inode) for kind in ("content", "held"))
        synced = content.read_bytes() if content.exists() else b""
        written = next((path for path in (held, live_path) if path.exists()), None)
        return torn(synced, written.read_bytes() if written else synced, dice, share)


def torn(synced: bytes, written: bytes, dice: Random, share: float) -> bytes:
    """`synced` with some of the blocks, and perhaps the length, of `written`."""
    length = len(written) if dice.random() < share else len(synced)
    left = bytearray(synced[:length].ljust(length, b"\0"))
    for at in range(0, min(length, len(written)), BLOCK_BYTES):
        block = written[at : min(at + BLOCK_BYTES, length)]
        if block != left[at : at + len(block)] and dice.random() < share:
            left[at : at + len(block)] = block
    return bytes(left)
