import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from loa.audio.errors import DiskFull


@contextmanager
def telling_disk_full(target: Path, part: Path) -> Iterator[None]:
    """Remove `part` at the end in any case; raises DiskFull, naming `target`, where the disk was full."""
    try:
        yield
    except OSError as failure:
        if failure.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise DiskFull(str(target)) from failure
        raise
    finally:
        part.unlink(missing_ok=True)


def put_in_place(part: Path, target: Path) -> None:
    """Put `part` on the disk and give it its name; after a power cut it is there whole or not at all."""
    _sync(part, os.O_RDONLY)
    part.replace(target)
    _sync(target.parent, os.O_RDONLY | os.O_DIRECTORY)


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
