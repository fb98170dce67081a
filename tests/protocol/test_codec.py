import base64
import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loa.protocol.codec import BODY_LIMIT_BYTES, decode, encode, pack, unpack_config, unpack_programme
from loa.protocol.envelope import seal, unseal
from loa.protocol.errors import (
    BadSignatureError,
    MalformedError,
    MisaddressedError,
    ProtocolError,
    TooLargeError,
    UnknownKeyError,
)
from loa.protocol.ids import AreaId, NodeId
from loa.protocol.keys import KeyRing, SigningKey
from loa.protocol.programme import Urgent, Withdrawal
from loa.protocol.reasons import RefusalReason
from loa.protocol.topics import Channel, Topic
from loa.protocol.units import format_instant
from tests.protocol.makers import AREA, make_entry, make_programme, make_urgent, ring

_KEY = SigningKey.generate()
_TOPIC = Topic(Channel.URGENT, AREA)
_GENUINE = encode(_TOPIC, make_urgent(_KEY), _KEY)


def test_a_message_comes_back_as_it_went() -> None:
    assert decode(_TOPIC, _GENUINE, ring(_KEY)) == make_urgent(_KEY)


@given(st.integers(0, len(_GENUINE) * 8 - 1))
def test_no_message_with_one_bit_changed_is_accepted(bit: int) -> None:
    changed = bytearray(_GENUINE)
    changed[bit // 8] ^= 1 << bit % 8
    try:
        accepted = decode(_TOPIC, bytes(changed), ring(_KEY))
    except ProtocolError:
        return
    # base64url has unused bits at the end of a part: such a change leaves the very same message
    assert accepted == make_urgent(_KEY)
    assert _parts(bytes(changed)) == _parts(_GENUINE)


@given(st.binary(max_size=200))
def test_rubbish_is_refused_by_a_protocol_error(rubbish: bytes) -> None:
    with pytest.raises(ProtocolError):
        decode(_TOPIC, rubbish, ring(_KEY))


@pytest.mark.parametrize(
    "header",
    [
        "[" * 3000,
        '{"alg":"Ed25519","kid":"KID","typ":"loa-urgent","crit":5}',
        '{"alg":"Ed25519","kid":"KID","typ":"loa-urgent","crit":[[]]}',
    ],
    ids=["nested", "crit is no list", "crit of lists"],
)
def test_a_header_that_upsets_the_parser_is_refused_by_a_protocol_error(header: str) -> None:
    name = _KEY.kid
    protected = base64.urlsafe_b64encode(header.replace("KID", name).encode()).rstrip(b"=")
    _, payload, signature = _GENUINE.split(b".")
    with pytest.raises(MalformedError):
        unseal(b".".join((protected, payload, signature)), typ="loa-urgent", keys=ring(_KEY))


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"])
def test_an_instant_that_utc_cannot_hold_is_malformed(at: str) -> None:
    text = make_urgent(_KEY).to_bytes().decode()
    moved = text.replace(format_instant(make_urgent(_KEY).issued_at), at)
    assert moved != text
    with pytest.raises(MalformedError):
        Urgent.from_bytes(moved)


def test_an_occurrence_beyond_all_years_is_malformed() -> None:
    withdrawal = {"id": "0" * 32, "issued_at": "2026-11-23T05:30:00.000Z", "by": "hoa"}
    with pytest.raises(MalformedError):
        Withdrawal.from_bytes(json.dumps({**withdrawal, "target": "a" * 64 + "@999999999999999"}))


def test_a_strangers_message_is_refused() -> None:
    stranger = SigningKey.generate()
    payload = encode(_TOPIC, make_urgent(stranger), stranger)
    with pytest.raises(UnknownKeyError) as caught:
        decode(_TOPIC, payload, ring(_KEY))
    assert caught.value.reason is RefusalReason.UNKNOWN_KEY


def test_a_stranger_under_our_key_s_name_is_refused() -> None:
    stranger = SigningKey.generate()
    header = _GENUINE.split(b".")[0]
    _, payload, signature = encode(_TOPIC, make_urgent(stranger), stranger).split(b".")
    with pytest.raises(BadSignatureError):
        decode(_TOPIC, b".".join((header, payload, signature)), ring(_KEY))


def test_a_message_of_another_kind_does_not_pass() -> None:
    payload = seal(make_urgent(_KEY).to_bytes(), typ="loa-programme", key=_KEY)
    with pytest.raises(MalformedError, match="loa-programme"):
        decode(_TOPIC, payload, ring(_KEY))


def test_a_message_of_another_area_does_not_pass() -> None:
    with pytest.raises(MisaddressedError):
        decode(Topic(Channel.URGENT, AreaId("tam-da")), _GENUINE, ring(_KEY))
    with pytest.raises(MisaddressedError):
        encode(Topic(Channel.URGENT, AreaId("tam-da")), make_urgent(_KEY), _KEY)
    with pytest.raises(MisaddressedError):
        encode(Topic(Channel.STATE, AREA), make_urgent(_KEY), _KEY)


@pytest.mark.parametrize("algorithm", ["none", "HS256"])
def test_no_other_algorithm_is_believed(algorithm: str) -> None:
    header = base64.urlsafe_b64encode(
        f'{{"alg":"{algorithm}","kid":"{_KEY.kid}","typ":"loa-urgent"}}'.encode()
    ).rstrip(b"=")
    with pytest.raises(MalformedError):
        decode(_TOPIC, b".".join((header, *_GENUINE.split(b".")[1:])), ring(_KEY))


def test_an_urgent_message_over_4_kb_is_refused_on_both_sides() -> None:
    entries = tuple(make_entry(_KEY, f"Tin {number}") for number in range(4))
    urgent = make_urgent(_KEY).model_copy(update={"entries": entries})
    with pytest.raises(TooLargeError):
        encode(_TOPIC, urgent, _KEY)
    with pytest.raises(TooLargeError):
        decode(_TOPIC, _GENUINE + b"x" * 4_096, ring(_KEY))


def test_a_body_comes_back_and_packs_to_the_same_bytes() -> None:
    programme = make_programme(_KEY)
    assert unpack_programme(pack(programme, _KEY), AREA, ring(_KEY)) == programme
    assert pack(programme, _KEY) == pack(programme, _KEY)


def test_a_body_is_refused_when_it_is_not_what_it_should_be() -> None:
    packed = pack(make_programme(_KEY), _KEY)
    with pytest.raises(MalformedError):
        unpack_programme(b"no gzip", AREA, ring(_KEY))
    with pytest.raises(MisaddressedError):
        unpack_programme(packed, AreaId("tam-da"), ring(_KEY))
    with pytest.raises(MalformedError):
        unpack_config(packed, NodeId("loa-1"), ring(_KEY))
    with pytest.raises(UnknownKeyError):
        unpack_programme(packed, AREA, KeyRing([]))
    with pytest.raises(ProtocolError):
        unpack_programme(packed[:-20], AREA, ring(_KEY))


def test_a_body_that_unpacks_without_end_is_refused() -> None:
    with pytest.raises(TooLargeError):
        unpack_programme(gzip.compress(bytes(BODY_LIMIT_BYTES + 1)), AREA, ring(_KEY))


def _parts(sealed: bytes) -> list[bytes]:
    return [base64.urlsafe_b64decode(part + b"==") for part in sealed.split(b".")]
