import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loa.protocol.codes import FINGERPRINT_LENGTH, LETTERS, NodeCode, fingerprint, normal, spaced

SECRET = "7KQ2MMX9HJ4T"


def test_a_code_is_read_as_it_is_written_and_as_people_type_it() -> None:
    code = NodeCode(SECRET, fingerprint(b"a certificate"))
    for typed in (code.spaced(), code.spaced().lower(), f" {code.secret} {code.fingerprint}\n"):
        assert NodeCode.read(typed) == code


@pytest.mark.parametrize("typed", ["", SECRET, spaced(SECRET), SECRET + "A" * 19, SECRET + "A" * 21])
def test_a_code_that_is_not_whole_is_none(typed: str) -> None:
    assert NodeCode.read(typed) is None


@given(st.binary(), st.binary())
def test_a_fingerprint_is_the_beginning_of_the_digest(one: bytes, other: bytes) -> None:
    letters = fingerprint(one)
    assert normal(letters) == letters
    assert len(letters) == FINGERPRINT_LENGTH
    bits = "".join(f"{LETTERS.index(letter):05b}" for letter in letters)
    digest = int.from_bytes(hashlib.sha256(one).digest())
    assert f"{digest:0256b}".startswith(bits)
    assert (fingerprint(other) == letters) is (other == one)
