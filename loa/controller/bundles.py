"""Making a release: a key, and a bundle of wheels that it signs. For a computer that is no server of ours."""

import hashlib
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from loa.controller.errors import Conflict, Invalid
from loa.controller.store.private_files import make_private
from loa.protocol.bundle import write_bundle
from loa.protocol.errors import MalformedError
from loa.protocol.ids import sha256_hex
from loa.protocol.keys import SigningKey
from loa.protocol.release import BUNDLE_LIMIT_BYTES, Manifest, Wheel, machines_of, pythons_of, seal_manifest
from loa.protocol.units import DurationMs, SizeBytes

OURS = "loa"
_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """A bundle on the disk."""

    sha256: str
    size_bytes: int
    manifest: Manifest


def make_key_file(file: Path) -> SigningKey:
    """A new key in a file that only its owner may read; raises `Conflict` where one is."""
    key = SigningKey.generate()
    try:
        make_private(file, key.to_pem().encode())
    except FileExistsError as error:
        raise Conflict("key_exists", f"{file} exists already, and nodes may believe that key") from error
    except OSError as error:
        raise Invalid("not_written", f"{error}; name a file in a folder where you may write") from error
    return key


def read_key_file(file: Path) -> SigningKey:
    """The key that `make_key_file` wrote; raises `Invalid`."""
    try:
        return SigningKey.from_pem(file.read_text())
    except (OSError, MalformedError) as error:
        raise Invalid(
            "bad_key", f"{file}: {error}; make one with `loa-controller release key` or `root new`"
        ) from error


def build_release(
    wheels: Path,
    key_file: Path,
    out: Path,
    *,
    now: datetime,
    min_agent: str,
    urgent_after_ms: DurationMs | None,
) -> Built:
    """A bundle of all wheels of a folder; raises `Invalid` with what is missing."""
    paths = sorted(wheels.glob("*.whl"))
    found = [_wheel(path) for path in paths]
    manifest = Manifest(
        version=_version(wheels, found),
        created_at=now,
        pythons=pythons_of(found),
        machines=machines_of(found),
        min_agent=min_agent,
        urgent_after_ms=urgent_after_ms,
        installed_bytes=SizeBytes(max(1, sum(_unpacked_bytes(path) for path in paths))),
        wheels=tuple(found),
    )
    part = out.with_name(out.name + ".part")
    contents = [(wheel, _chunks(path)) for wheel, path in zip(found, paths, strict=True)]
    with part.open("wb") as file:
        write_bundle(file, seal_manifest(manifest, read_key_file(key_file)), contents)
    if part.stat().st_size > BUNDLE_LIMIT_BYTES:
        part.unlink()
        raise Invalid("too_large", f"the bundle exceeds the {BUNDLE_LIMIT_BYTES} bytes that a node takes")
    part.replace(out)
    with out.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Built(sha256=digest, size_bytes=out.stat().st_size, manifest=manifest)


def _wheel(path: Path) -> Wheel:
    content = path.read_bytes()
    try:
        return Wheel(name=path.name, sha256=sha256_hex(content), size_bytes=SizeBytes(len(content)))
    except ValueError as error:
        raise Invalid("bad_wheel", f"{path.name} is not the name of a wheel") from error


def _version(folder: Path, wheels: Sequence[Wheel]) -> str:
    ours = {wheel.version for wheel in wheels if wheel.distribution == OURS}
    if len(ours) != 1:
        raise Invalid("no_release", f"{folder} has to hold wheels of one version of {OURS}, not {len(ours)}")
    return ours.pop()


def _unpacked_bytes(path: Path) -> int:
    try:
        with zipfile.ZipFile(path) as wheel:
            return sum(member.file_size for member in wheel.infolist())
    except zipfile.BadZipFile as error:
        raise Invalid("bad_wheel", f"{path.name} is no wheel: {error}") from error


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            yield chunk
