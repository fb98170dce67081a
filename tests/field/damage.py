"""What happens to bytes on a disk that is old."""

from pathlib import Path
from random import Random

_PAGE_BYTES = 4096


def flip_bits(path: Path, dice: Random, *, times: int) -> None:
    """Some bits anywhere."""
    content = bytearray(path.read_bytes())
    for _ in range(times):
        content[dice.randrange(len(content))] ^= 1 << dice.randrange(8)
    _overwrite(path, bytes(content))


def spoil_page(path: Path, dice: Random) -> None:
    """One page holds something else."""
    content = bytearray(path.read_bytes())
    at = dice.randrange(max(1, len(content) // _PAGE_BYTES)) * _PAGE_BYTES
    content[at : at + _PAGE_BYTES] = dice.randbytes(len(content[at : at + _PAGE_BYTES]))
    _overwrite(path, bytes(content))


def cut_short(path: Path, dice: Random) -> None:
    """The end is missing."""
    content = path.read_bytes()
    _overwrite(path, content[: dice.randrange(len(content))])


def _overwrite(path: Path, content: bytes) -> None:
    """In place, so that a process that has the file open sees it, too."""
    with path.open("r+b") as file:
        file.write(content)
        file.truncate()
