"""A bundle: a plain tar archive with a signed manifest and the wheels that it names; on open files alone."""

import hashlib
import tarfile
from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO

from loa.protocol.errors import BundleMismatchError, MalformedError, TooLargeError
from loa.protocol.keys import KeyRing
from loa.protocol.release import MANIFEST_LIMIT_BYTES, Manifest, Wheel, open_manifest

MANIFEST_NAME = "manifest.jws"
_CHUNK_BYTES = 65_536
_BLOCK_BYTES = 512
_END_BLOCKS = 2
Take = Callable[[bytes], object]


def write_bundle(file: BinaryIO, sealed: bytes, wheels: Iterable[tuple[Wheel, Iterable[bytes]]]) -> None:
    """The archive; the same contents give the same bytes."""
    _add(file, MANIFEST_NAME, len(sealed), [sealed])
    for wheel, content in wheels:
        _add(file, wheel.name, wheel.size_bytes, content)
    file.write(bytes(_END_BLOCKS * _BLOCK_BYTES))


def read_manifest(file: BinaryIO, keys: KeyRing) -> Manifest:
    """The verified manifest; nothing else is looked at. Raises a `ProtocolError`."""
    size_bytes = _header(file, MANIFEST_NAME)
    if size_bytes > MANIFEST_LIMIT_BYTES:
        raise TooLargeError(size_bytes, MANIFEST_LIMIT_BYTES)
    return open_manifest(b"".join(_content(file, size_bytes)), keys)


def read_bundle(file: BinaryIO, keys: KeyRing, take: Callable[[Wheel], Take] | None = None) -> Manifest:
    """The manifest, once its signature and every byte that it names are verified. Raises a `ProtocolError`.

    Nothing but the manifest is looked at before its signature holds, and no header beside the plain ones is
    understood. `take` is asked for each wheel what is to be done with its bytes; what was done is void if
    this raises.
    """
    manifest = read_manifest(file, keys)
    for wheel in manifest.wheels:
        _read_wheel(file, wheel, take(wheel) if take else _leave)
    while rest := file.read(_CHUNK_BYTES):
        if rest.strip(b"\0"):
            raise MalformedError("the bundle goes on after what its manifest names")
    return manifest


def _read_wheel(file: BinaryIO, wheel: Wheel, take: Take) -> None:
    size_bytes = _header(file, wheel.name)
    if size_bytes != wheel.size_bytes:
        raise BundleMismatchError(wheel.name, f"{wheel.size_bytes} bytes", f"{size_bytes} bytes")
    digest = hashlib.sha256()
    for chunk in _content(file, size_bytes):
        digest.update(chunk)
        take(chunk)
    if digest.hexdigest() != wheel.sha256:
        raise BundleMismatchError(wheel.name, wheel.sha256, digest.hexdigest())


def _leave(_chunk: bytes) -> None:
    """Nothing is to be done with the bytes."""


def _add(file: BinaryIO, name: str, size_bytes: int, content: Iterable[bytes]) -> None:
    member = tarfile.TarInfo(name)
    member.size = size_bytes
    file.write(member.tobuf(tarfile.USTAR_FORMAT))
    file.writelines(content)
    file.write(bytes(-size_bytes % _BLOCK_BYTES))


def _header(file: BinaryIO, name: str) -> int:
    """The size of the file of that name, whose header comes next."""
    try:
        member = tarfile.TarInfo.frombuf(file.read(_BLOCK_BYTES), "utf-8", "replace")
    except tarfile.HeaderError as error:
        raise MalformedError(f"there is no {name} in the bundle: {error}") from error
    if member.name != name or not member.isreg() or member.size < 0:
        raise MalformedError(f"the bundle holds {member.name[:100]!r} where {name} should be")
    return member.size


def _content(file: BinaryIO, size_bytes: int) -> Iterator[bytes]:
    left = size_bytes
    while left:
        chunk = file.read(min(left, _CHUNK_BYTES))
        if not chunk:
            raise MalformedError("the bundle ends early")
        left -= len(chunk)
        yield chunk
    file.read(-size_bytes % _BLOCK_BYTES)
