"""Real file systems to spoil: a small one, one that turns read-only, one that loses power. Need root."""

import fcntl
import os
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_SHUTDOWN = 0x8004587D
"""EXT4_IOC_SHUTDOWN of the kernel's ext4: from now on nothing is written, as if the power had gone."""
_NO_FLUSH_OF_THE_LOG = struct.pack("I", 2)


@contextmanager
def tmpfs(at: Path, size: str) -> Iterator[Path]:
    """A file system in memory of that size."""
    _run("mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(at))
    try:
        yield at
    finally:
        _run("umount", "--lazy", str(at))


class Card:
    """An ext4 file system in a file, as on a card."""

    def __init__(self, image: Path, at: Path) -> None:
        with image.open("wb") as file:
            file.truncate(16 << 20)
        _run("mkfs.ext4", "-q", "-F", str(image))
        self._image = image
        self.at = at

    def plug_in(self) -> None:
        _run("mount", "-o", "loop", str(self._image), str(self.at))

    def lock(self) -> None:
        """Read-only from now on."""
        _run("mount", "-o", "remount,ro", str(self.at))

    def unlock(self) -> None:
        _run("mount", "-o", "remount,rw", str(self.at))

    def cut(self) -> None:
        """From now on reading and writing fail, and what was not synced is gone."""
        folder = os.open(self.at, os.O_RDONLY)
        try:
            fcntl.ioctl(folder, _SHUTDOWN, _NO_FLUSH_OF_THE_LOG)
        finally:
            os.close(folder)

    def lose_power(self) -> None:
        """As `cut`, and the card is out."""
        self.cut()
        _run("umount", "--lazy", str(self.at))


@contextmanager
def card(folder: Path) -> Iterator[Card]:
    """A card that is plugged in."""
    at = folder / "card"
    at.mkdir()
    made = Card(folder / "card.img", at)
    made.plug_in()
    try:
        yield made
    finally:
        subprocess.run(["umount", "--lazy", str(at)], check=False, stderr=subprocess.DEVNULL)


def fill(folder: Path) -> Path:
    """Take every byte that is left."""
    filler = folder / "filler"
    with filler.open("ab", buffering=0) as file:
        for size in (4096, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                continue
    return filler


def skip_without_mounts(folder: Path) -> None:
    """Skip where this user or this machine can't mount."""
    at = folder / "probe"
    at.mkdir(exist_ok=True)
    try:
        with tmpfs(at, "64k"):
            pass
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"needs root and the right to mount file systems: {error}")


def skip_without_cards(folder: Path) -> None:
    """As above, for loop devices with ext4."""
    skip_without_mounts(folder)
    (folder / "probed").mkdir(exist_ok=True)
    try:
        with card(folder / "probed"):
            pass
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"needs loop devices and ext4: {error}")


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)
