"""Inputs kept in the repository: what a fuzzer found to reach other code, a folder for each target."""

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from tests.fuzz.targets import TARGETS, Target

FOLDER = Path(__file__).parent / "corpus"


def kept(target: Target, folder: Path = FOLDER) -> Iterator[bytes]:
    """What is kept for the target, and its genuine inputs."""
    yield from target.seeds()
    for path in sorted((folder / target.name).glob("*")):
        yield path.read_bytes()


def lay_out(place: Path, folder: Path = FOLDER) -> None:
    """For the engine: one folder, the first byte of an input names its target."""
    place.mkdir(parents=True, exist_ok=True)
    for number, target in enumerate(TARGETS):
        for content in kept(target, folder):
            _write(place, bytes([number]) + content)


def take_back(place: Path, folder: Path = FOLDER, *, most_bytes: int) -> int:
    """Keep what the engine left in `place` and is no genuine input; how many there are."""
    number = 0
    for target in TARGETS:
        for path in (folder / target.name).glob("*"):
            path.unlink()
    for path in sorted(place.glob("*")):
        content = path.read_bytes()
        if not 0 < len(content) <= most_bytes:
            continue
        target = TARGETS[content[0] % len(TARGETS)]
        if content[1:] not in set(target.seeds()):
            _write(folder / target.name, content[1:])
            number += 1
    return number


def _write(place: Path, content: bytes) -> None:
    place.mkdir(parents=True, exist_ok=True)
    (place / sha256(content).hexdigest()[:16]).write_bytes(content)
