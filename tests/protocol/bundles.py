"""Bundles of wheels that hold nothing, signed by a release key or somebody else's."""

import io
from collections.abc import Sequence
from datetime import UTC, datetime

from loa.protocol.bundle import write_bundle
from loa.protocol.ids import sha256_hex
from loa.protocol.keys import KeyRing, SigningKey
from loa.protocol.programme import ReleasePointer
from loa.protocol.release import Manifest, Wheel, seal_manifest
from loa.protocol.units import DurationMs, SizeBytes

RELEASE_KEY = SigningKey.generate()
RELEASE_RING = KeyRing([RELEASE_KEY.public])
CONTENT = b"not really a wheel" * 100


def make_manifest(version: str = "0.2.0", **changes: object) -> Manifest:
    wheel = Wheel(
        name=f"loa-{version}-py3-none-any.whl", sha256=sha256_hex(CONTENT), size_bytes=SizeBytes(len(CONTENT))
    )
    made = Manifest(
        version=version,
        created_at=datetime(2026, 6, 1, tzinfo=UTC),
        installed_bytes=SizeBytes(1_000),
        wheels=(wheel,),
    )
    return made.model_copy(update=changes)


def make_bundle(
    manifest: Manifest | None = None,
    *,
    key: SigningKey = RELEASE_KEY,
    contents: Sequence[bytes] = (CONTENT,),
    sealed: bytes | None = None,
) -> bytes:
    manifest = manifest or make_manifest()
    file = io.BytesIO()
    wheels = [(wheel, [content]) for wheel, content in zip(manifest.wheels, contents, strict=True)]
    write_bundle(file, sealed or seal_manifest(manifest, key), wheels)
    return file.getvalue()


def make_pointer(bundle: bytes, version: str = "0.2.0", *, rollout: int = 1) -> ReleasePointer:
    return ReleasePointer(
        rollout=rollout,
        version=version,
        sha256=sha256_hex(bundle),
        size_bytes=SizeBytes(len(bundle)),
        spread_ms=DurationMs(0),
    )
