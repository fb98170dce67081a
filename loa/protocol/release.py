"""A release: the signed manifest of a bundle, and what may be said of a bundle before it is unpacked."""

import re
from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from loa.protocol.envelope import seal, unseal
from loa.protocol.keys import KeyRing, SigningKey
from loa.protocol.programme import RELEASE_VERSION
from loa.protocol.units import DurationMs, Instant, SizeBytes
from loa.protocol.wire import Wire

MANIFEST_LIMIT_BYTES = 1 << 20
BUNDLE_LIMIT_BYTES = 256 * 1024 * 1024
"""A node takes no larger one."""
WHEEL_NAME = r"^[A-Za-z0-9_.!+]+-[A-Za-z0-9_.!+]+(-[0-9][A-Za-z0-9_.]*)?(-[A-Za-z0-9_.]+){3}\.whl$"
"""`name-version[-build]-python-abi-platform.whl`; nothing in it can lead to another folder."""
_TYP = "loa-release"
_MACHINES = ("x86_64", "aarch64", "armv7l", "armv6l", "i686")

VersionNumbers = tuple[int, ...]


class Wheel(Wire):
    """One file of a bundle."""

    name: Annotated[str, Field(pattern=WHEEL_NAME, max_length=100)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    size_bytes: Annotated[SizeBytes, Field(gt=0, le=BUNDLE_LIMIT_BYTES)]

    @property
    def distribution(self) -> str:
        """The name of what it holds, as it is compared (PEP 503)."""
        return re.sub(r"[-_.]+", "-", self.name.split("-")[0]).lower()

    @property
    def version(self) -> str:
        """The version of what it holds."""
        return self.name.split("-")[1]

    @property
    def tags(self) -> tuple[str, str, str]:
        """Python, ABI and platform (PEP 425), each perhaps several with dots between."""
        python, abi, platform = self.name.removesuffix(".whl").split("-")[-3:]
        return python, abi, platform


class Manifest(Wire):
    """What a bundle holds and for whom it is. Signed by a release key, which no server has."""

    version: Annotated[str, Field(pattern=RELEASE_VERSION)]
    created_at: Instant
    pythons: Annotated[tuple[str, ...], Field(max_length=20)] = ()
    """Versions such as `3.11` for which all of it is there; empty: any."""
    machines: Annotated[tuple[str, ...], Field(max_length=20)] = ()
    """Machines such as `aarch64` for which all of it is there; empty: any."""
    min_agent: Annotated[str, Field(pattern=RELEASE_VERSION)] = "0.0.0"
    """The oldest version that can take it."""
    urgent_after_ms: DurationMs | None = None
    """So long after it is ready a node no longer waits for a quiet hour; still never cuts a sounding item."""
    installed_bytes: Annotated[SizeBytes, Field(gt=0)]
    """What the wheels take once they are unpacked."""
    wheels: Annotated[tuple[Wheel, ...], Field(min_length=1, max_length=200)]
    """In the order in which they stand in the bundle."""


def seal_manifest(manifest: Manifest, key: SigningKey) -> bytes:
    """The manifest as it stands in the bundle."""
    return seal(manifest.to_bytes(), typ=_TYP, key=key)


def open_manifest(sealed: bytes, keys: KeyRing) -> Manifest:
    """The verified manifest; raises a `ProtocolError`."""
    return Manifest.from_bytes(unseal(sealed, typ=_TYP, keys=keys))


def numbers(version: str) -> VersionNumbers:
    """What orders versions; of another shape than a release's only the leading numbers count."""
    found = re.match(r"[0-9]{1,9}(\.[0-9]{1,9})*", version)
    return tuple(int(part) for part in found[0].split(".")) if found else ()


def pythons_of(wheels: Sequence[Wheel]) -> tuple[str, ...]:
    """The versions of Python for which every distribution has a wheel; empty: whichever, or none."""
    return _common([(wheel.distribution, _pythons(wheel)) for wheel in wheels])


def machines_of(wheels: Sequence[Wheel]) -> tuple[str, ...]:
    """The machines for which every distribution has a wheel; empty: whichever, or none."""
    return _common([(wheel.distribution, _machines(wheel)) for wheel in wheels])


def unsuited(manifest: Manifest, *, python: str, machine: str, runs: str) -> str | None:
    """Why a machine with that Python that runs that version can't take the release; None if it can."""
    if manifest.pythons and python not in manifest.pythons:
        return f"it is for Python {', '.join(manifest.pythons)}; here is {python}"
    if manifest.machines and machine not in manifest.machines:
        return f"it is for {', '.join(manifest.machines)}; this is {machine}"
    if numbers(runs) < numbers(manifest.min_agent):
        return f"it needs version {manifest.min_agent} or later to run before it; here runs {runs}"
    return None


def _pythons(wheel: Wheel) -> set[str] | None:
    """None: any."""
    python, abi, _ = wheel.tags
    if "abi3" in abi.split("."):
        return None
    versions = re.findall(r"\bcp([0-9])([0-9]+)\b", python.replace(".", " "))
    return {f"{major}.{minor}" for major, minor in versions} or None


def _machines(wheel: Wheel) -> set[str] | None:
    """None: any."""
    platforms = wheel.tags[2].split(".")
    return (
        None if "any" in platforms else {one for one in _MACHINES for tag in platforms if tag.endswith(one)}
    )


def _common(fits: Sequence[tuple[str, set[str] | None]]) -> tuple[str, ...]:
    """What is in the union of each distribution; one with a part that fits all fits all."""
    by_name: dict[str, set[str] | None] = {}
    for name, some in fits:
        before = by_name.get(name, set())
        by_name[name] = None if some is None or before is None else before | some
    limited = [some for some in by_name.values() if some is not None]
    return tuple(sorted(set.intersection(*limited))) if limited else ()
