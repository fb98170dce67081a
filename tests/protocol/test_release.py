import io
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loa.protocol.bundle import read_bundle
from loa.protocol.envelope import seal
from loa.protocol.errors import (
    BadSignatureError,
    BundleMismatchError,
    MalformedError,
    ProtocolError,
    UnknownKeyError,
)
from loa.protocol.ids import sha256_hex
from loa.protocol.keys import SigningKey
from loa.protocol.release import Wheel, machines_of, numbers, pythons_of, unsuited
from loa.protocol.units import SizeBytes
from tests.protocol.bundles import CONTENT, RELEASE_KEY, RELEASE_RING, make_bundle, make_manifest

BUNDLE = make_bundle()
OTHER_KIND = seal(make_manifest().to_bytes(), typ="loa-config", key=RELEASE_KEY)


def wheels(*names: str) -> tuple[Wheel, ...]:
    return tuple(Wheel(name=name, sha256=sha256_hex(b""), size_bytes=SizeBytes(1)) for name in names)


def test_a_bundle_gives_what_was_put_in() -> None:
    came: list[bytes] = []
    assert read_bundle(io.BytesIO(BUNDLE), RELEASE_RING, lambda _wheel: came.append) == make_manifest()
    assert b"".join(came) == CONTENT


def test_a_bundle_is_a_plain_archive_that_tar_reads() -> None:
    with tarfile.open(fileobj=io.BytesIO(BUNDLE)) as tar:
        assert tar.getnames() == ["manifest.jws", "loa-0.2.0-py3-none-any.whl"]


@pytest.mark.parametrize(
    ("bundle", "error"),
    [
        (make_bundle(key=SigningKey.generate()), UnknownKeyError),
        (make_bundle(sealed=make_manifest().to_bytes()), MalformedError),
        (
            make_bundle(sealed=seal(make_manifest().to_bytes(), typ="loa-config", key=RELEASE_KEY)),
            MalformedError,
        ),
        (make_bundle(contents=[CONTENT[::-1]]), BundleMismatchError),
        (BUNDLE[:-1500], MalformedError),
        (BUNDLE + make_bundle(), MalformedError),
        (b"", MalformedError),
    ],
    ids=["stranger", "unsigned", "other kind", "other wheel", "cut off", "more behind", "empty"],
)
def test_what_nobody_vouches_for_is_refused(bundle: bytes, error: type[ProtocolError]) -> None:
    with pytest.raises(error):
        read_bundle(io.BytesIO(bundle), RELEASE_RING)


def test_a_manifest_that_was_altered_is_refused() -> None:
    at = BUNDLE.index(b".", 512) + 60
    altered = BUNDLE[:at] + (b"A" if BUNDLE[at : at + 1] != b"A" else b"B") + BUNDLE[at + 1 :]
    with pytest.raises(BadSignatureError):
        read_bundle(io.BytesIO(altered), RELEASE_RING)


@given(at=st.integers(0, len(BUNDLE) - 1), bit=st.integers(0, 7))
def test_no_bit_of_what_is_installed_can_be_changed(at: int, bit: int) -> None:
    """What gets through, such as a date in a header of tar, changes nothing that comes out."""
    altered = BUNDLE[:at] + bytes([BUNDLE[at] ^ (1 << bit)]) + BUNDLE[at + 1 :]
    came: list[bytes] = []
    try:
        manifest = read_bundle(io.BytesIO(altered), RELEASE_RING, lambda _wheel: came.append)
    except ProtocolError:
        return
    assert (manifest, b"".join(came)) == (make_manifest(), CONTENT)


@pytest.mark.parametrize(
    "name", ["../x-1-py3-none-any.whl", "x.whl", "/x-1-py3-none-any.whl", "a b-1-c-d-e.whl"]
)
def test_a_wheel_s_name_leads_nowhere_else(name: str) -> None:
    with pytest.raises(ValueError, match="name"):
        wheels(name)


def test_versions_are_ordered_by_their_numbers() -> None:
    assert numbers("0.10.0") > numbers("0.9.9") > numbers("0.9")
    assert numbers("nonsense") == ()


def test_a_bundle_says_for_whom_all_of_it_is_there() -> None:
    both = wheels(
        "loa-0.2.0-py3-none-any.whl",
        "cryptography-45.0-cp37-abi3-manylinux_2_28_aarch64.whl",
        "cryptography-45.0-cp37-abi3-manylinux_2_28_x86_64.whl",
        "pydantic_core-2.33-cp311-cp311-manylinux_2_17_aarch64.manylinux2014_aarch64.whl",
        "pydantic_core-2.33-cp311-cp311-manylinux_2_17_x86_64.whl",
        "pydantic_core-2.33-cp313-cp313-manylinux_2_17_aarch64.whl",
        "numpy-2.3-cp311-cp311-manylinux_2_28_aarch64.whl",
    )
    assert (pythons_of(both), machines_of(both)) == (("3.11",), ("aarch64",))
    assert (pythons_of(both[:1]), machines_of(both[:1])) == ((), ())


def test_a_release_for_another_machine_is_told_from_one_for_this() -> None:
    manifest = make_manifest(pythons=("3.11",), machines=("aarch64",), min_agent="0.1.0")
    assert unsuited(manifest, python="3.11", machine="aarch64", runs="0.1.0") is None
    for changed in ({"python": "3.13"}, {"machine": "x86_64"}, {"runs": "0.0.9"}):
        assert unsuited(manifest, **({"python": "3.11", "machine": "aarch64", "runs": "0.1.0"} | changed))
    assert unsuited(make_manifest(), python="3.13", machine="x86_64", runs="0.1.0") is None
