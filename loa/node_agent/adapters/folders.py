import os
import stat
from pathlib import Path

from loa.protocol.ids import sha256_hex

_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 -- below it a folder of our own, whose owner is looked at


def sync_folder(folder: Path) -> None:
    """Let the names in a folder survive a loss of power."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def passing_folder(data: Path, shared_memory: Path = _SHARED_MEMORY) -> Path:
    """Where to put what is read once and thrown away: in memory, so that a disk that takes nothing will do.

    The same again after a restart of the process; below `data` if memory gives no folder of our own.
    """
    name = sha256_hex(str(data.resolve()).encode())[:16]
    folder = shared_memory / f"loa-{os.geteuid()}-{name}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError:
        return data / "incoming"
    is_ours = stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o077
    return folder if is_ours else data / "incoming"
