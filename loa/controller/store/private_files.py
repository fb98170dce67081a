"""Files that only their owner may read, on the disk when they are written."""

import os
from pathlib import Path

_MODE = 0o600


def make_private(path: Path, content: bytes) -> None:
    """A new file; raises FileExistsError where one is, and OSError."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def replace_private(path: Path, content: bytes) -> None:
    """A new file, or another one in the place of the old: readers see either whole. One writer at a time."""
    new = path.with_name(path.name + ".new")
    new.unlink(missing_ok=True)
    make_private(new, content)
    new.replace(path)
