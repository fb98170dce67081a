"""What a stranger can hand to a node or to the controller, each reader with its genuine inputs.

An input is taken when the reader returns, refused when it raises a `ProtocolError`; anything else is a
finding. Where more can be said of what was taken (that it comes back as it went, that only genuine bytes
pass), it is asserted. The first byte of an input chooses among the ways that a target knows; parts of an
input are parted by `SEPARATOR`.
"""

import gzip
import io
import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from loa.protocol import bearer, proof
from loa.protocol.base64url import from_base64url, to_base64url
from loa.protocol.broadcast import Entry
from loa.protocol.bundle import read_bundle
from loa.protocol.charter import Appointment, Charter, Papers, Roster, Signed
from loa.protocol.codec import decode, encode, pack, unpack_config, unpack_programme
from loa.protocol.codes import NodeCode
from loa.protocol.envelope import seal, sign_detached, unseal, verify_detached
from loa.protocol.errors import MalformedError, ProtocolError
from loa.protocol.keys import KeyRing, PublicKey
from loa.protocol.passkey import Assertion, Passkey, verify_assertion
from loa.protocol.programme import Config, Programme
from loa.protocol.topics import TABLE, Owner, Row, Topic
from loa.protocol.trust import check_approvals, check_word, newest, trust_in
from loa.protocol.wire import Wire
from tests.fuzz import genuine
from tests.fuzz.genuine import KEY, KEYS, NODE, ROOT
from tests.passkeys import PARTY, SoftPasskey
from tests.protocol.bundles import make_bundle, make_manifest
from tests.protocol.makers import AREA, NOW, make_broadcast, make_entry

SEPARATOR = b"\x1e"
MOST_CPU_S = 1.0
"""For one input of at most `MOST_BYTES`; the slowest genuine one takes a hundredth of it."""
MOST_BYTES = 65_536


_DEEP = b"[" * 60_000
"""Readers of JSON that call themselves run out of stack."""


@dataclass(frozen=True, slots=True)
class Target:
    """A reader of what strangers send."""

    name: str
    read: Callable[[bytes], None]
    seeds: Callable[[], Iterator[bytes]]


class TooSlowError(Exception):
    """An input kept the reader busy for longer than any may."""


def judge(target: Target, content: bytes) -> None:
    """Return if the input was taken or refused, and soon; raises whatever else happened."""
    begun_s = time.process_time()
    with suppress(ProtocolError):
        target.read(content)
    took_s = time.process_time() - begun_s
    if took_s > MOST_CPU_S:
        raise TooSlowError(f"{target.name}: {len(content)} bytes took {took_s:.1f} s")


def _way(content: bytes, ways: int) -> tuple[int, bytes]:
    return (content[0] % ways if content else 0), content[1:]


def _parts(content: bytes, number: int) -> list[bytes]:
    parts = content.split(SEPARATOR, number - 1)
    return parts + [b""] * (number - len(parts))


# payloads on topics


def _topic(row: Row) -> Topic:
    return Topic(row.channel, AREA if row.owner is Owner.AREA else NODE)


def _read_payload(content: bytes) -> None:
    way, payload = _way(content, len(TABLE))
    decode(_topic(TABLE[way]), payload, KEYS)


def _seed_payloads() -> Iterator[bytes]:
    for way, row in enumerate(TABLE):
        yield bytes([way]) + encode(_topic(row), genuine.messages()[row.channel], KEY)


def _read_message(content: bytes) -> None:
    """What the holder of a known key can send: sealed genuinely, whatever it is."""
    way, message = _way(content, len(TABLE))
    topic = _topic(TABLE[way])
    taken = decode(topic, seal(message, typ=f"loa-{topic.channel}", key=KEY), KEYS)
    _check_same(taken)


def _seed_messages() -> Iterator[bytes]:
    for way, row in enumerate(TABLE):
        yield bytes([way]) + genuine.messages()[row.channel].to_bytes()
    yield b"\0" + _DEEP


def _check_same(taken: Wire) -> None:
    """What was taken can be written down, and comes back as it was."""
    assert type(taken).from_bytes(taken.to_bytes()) == taken


# bodies


def _read_body(content: bytes) -> None:
    way, body = _way(content, 4)
    match way:
        case 0:
            unpack_programme(body, AREA, KEYS)
        case 1:
            unpack_config(body, NODE, KEYS)
        case 2:
            packed = gzip.compress(seal(body, typ="loa-body-programme", key=KEY), compresslevel=1)
            _check_same(unpack_programme(packed, AREA, KEYS))
        case _:
            packed = gzip.compress(seal(body, typ="loa-body-config", key=KEY), compresslevel=1)
            _check_same(unpack_config(packed, NODE, KEYS))


def _seed_bodies() -> Iterator[bytes]:
    bodies: Sequence[Programme | Config] = genuine.bodies()
    for way, body in enumerate(bodies):
        yield bytes([way]) + pack(body, KEY)
        yield bytes([way + 2]) + body.to_bytes()
    yield b"\0" + gzip.compress(bytes(40 * 1024 * 1024))


# envelopes

_TYP = "loa-fuzz"


def _read_envelope(content: bytes) -> None:
    way, sealed = _way(content, 4)
    match way:
        case 0:
            unseal(sealed, typ=_TYP, keys=KEYS)
        case 1:
            header, payload = _parts(sealed, 2)
            assert unseal(_signed(header, payload), typ=_TYP, keys=KEYS) == payload
        case 2:
            header, payload = _parts(sealed, 2)
            head, _, signature = _signed(header, payload).decode().split(".")
            verify_detached(f"{head}..{signature}", payload, typ=_TYP, keys=KEYS)
        case _:
            signature_, payload = _parts(sealed, 2)
            verify_detached(signature_.decode("latin-1"), payload, typ=_TYP, keys=KEYS)


def _signed(header: bytes, payload: bytes) -> bytes:
    """A genuine signature under any header whatever."""
    signed = f"{to_base64url(header)}.{to_base64url(payload)}".encode()
    return signed + b"." + to_base64url(genuine.RAW_KEY.sign(signed)).encode()


def _seed_envelopes() -> Iterator[bytes]:
    header = json.dumps({"alg": "Ed25519", "kid": KEY.kid, "typ": _TYP}).encode()
    yield b"\0" + seal(b"payload", typ=_TYP, key=KEY)
    yield b"\1" + header + SEPARATOR + b"payload"
    yield b"\1" + header[:-1] + b',"b64":false}' + SEPARATOR + b"payload"
    yield b"\2" + header + SEPARATOR + b"payload"
    yield b"\1" + _DEEP + SEPARATOR + b"payload"
    yield b"\3" + sign_detached(b"payload", typ=_TYP, key=KEY).encode() + SEPARATOR + b"payload"


# assertions

_CHALLENGE = bytes(range(32))
_SIGNER = SoftPasskey(key=genuine.APPROVER.key, credential="credential00")
_ASSERTION = _SIGNER.sign(_CHALLENGE)


def _read_assertion(content: bytes) -> None:
    way, said = _way(content, 4)
    if way == 0:
        assertion = Assertion.from_bytes(said)
        verify_assertion(assertion, _SIGNER.public, _CHALLENGE, PARTY)
        _check_genuine(assertion)
        return
    data, client, signature, spki = _parts(said, 4)
    if way == 1:
        signature = _SIGNER._signature(data + sha256(client).digest())
    assertion = _assertion(data, client, signature)
    key = _passkey(spki) if way == 3 else _SIGNER.public
    verify_assertion(assertion, key, _CHALLENGE, PARTY)
    if way == 1:
        _check_said(client, data)
    else:
        _check_genuine(assertion)


def _assertion(data: bytes, client: bytes, signature: bytes) -> Assertion:
    named = {"authenticator_data": data, "client_data": client, "signature": signature}
    content = {name: to_base64url(part) for name, part in named.items()}
    return Assertion.from_bytes(json.dumps({"credential": "credential00"} | content))


def _passkey(spki: bytes) -> Passkey:
    return Passkey.from_bytes(json.dumps({"id": "credential00", "key": to_base64url(spki)}))


def _check_genuine(assertion: Assertion) -> None:
    """Nothing was signed by the key but the one."""
    assert assertion.client_data == _ASSERTION.client_data
    assert assertion.authenticator_data == _ASSERTION.authenticator_data


def _check_said(client: bytes, data: bytes) -> None:
    """The key signed this; then it says the one challenge, made here, by somebody who was there."""
    said: dict[str, Any] = json.loads(client)
    assert said["challenge"] == to_base64url(_CHALLENGE)
    assert said["origin"] == PARTY.origins[0]
    assert said["type"] == "webauthn.get"
    assert data[32] & 0x05 == 0x05


def _seed_assertions() -> Iterator[bytes]:
    yield b"\0" + _ASSERTION.to_bytes()
    fields = (_ASSERTION.authenticator_data, _ASSERTION.client_data, _ASSERTION.signature, _SIGNER.public.key)
    parts = [from_base64url(field) for field in fields]
    for way in (1, 2, 3):
        yield bytes([way]) + SEPARATOR.join(parts)
    yield b"\1" + SEPARATOR.join((parts[0], _DEEP[:3_000]))


# papers and approvals


def _read_papers(content: bytes) -> None:
    way, document = _way(content, 4)
    if way == 0:
        papers = Papers.from_bytes(document)
        trust = trust_in(papers, root=ROOT.public, node=NODE)
        assert trust.charter == genuine.charter()
    else:
        papers = _papers(way, document)
        trust = trust_in(papers, root=ROOT.public, node=NODE)
    newest(genuine.papers(), papers, ROOT.public)
    check_approvals(genuine.entry(), trust, KEYS)


def _papers(way: int, document: bytes) -> Papers:
    """Genuine, but one of them is what its signers were talked into."""
    whole = genuine.papers()
    match way:
        case 1:
            sealed = seal(document, typ="loa-appointment", key=ROOT).decode()
            return whole.model_copy(update={"appointments": (sealed,)})
        case 2:
            return whole.model_copy(update={"rosters": (_countersigned(Roster, document),)})
        case _:
            return whole.model_copy(update={"charter": _countersigned(Charter, document)})


def _countersigned(model: type[Roster | Charter], document: bytes) -> Signed:
    challenge = model.challenge(document)
    by = {
        keeper: genuine.HOUSE.passkey(keeper).sign(challenge).model_dump(mode="json")
        for keeper in ("kim", "lam")
    }
    return Signed.from_bytes(json.dumps({"document": _text(document), "signatures": by}))


def _text(content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise MalformedError("a document is text") from error


def _seed_papers() -> Iterator[bytes]:
    yield b"\0" + genuine.papers().to_bytes()
    sealed = genuine.papers().appointments[0].encode()
    appointment = unseal(sealed, typ="loa-appointment", keys=KeyRing([ROOT.public]))
    yield b"\1" + Appointment.from_bytes(appointment).to_bytes()
    yield b"\2" + genuine.roster().to_bytes()
    yield b"\3" + genuine.charter().to_bytes()


def _read_entry(content: bytes) -> None:
    way, said = _way(content, 3)
    trust = genuine.trust()
    match way:
        case 0:
            entry = Entry.from_bytes(said)
            check_approvals(entry, trust, KEYS)
            assert entry.document == genuine.entry().document
        case 1:
            entry = Entry.from_bytes(genuine.approved(_text(said)))
            check_approvals(entry, trust, KEYS)
            assert entry.broadcast.authority <= genuine.HOUSE.authority
            _check_same(entry.broadcast)
        case _:
            entry = Entry.from_bytes(said)
            check_word(entry, KEYS)
            assert entry.document == make_entry(KEY).document


def _seed_entries() -> Iterator[bytes]:
    yield b"\0" + genuine.entry().to_bytes()
    yield b"\1" + make_broadcast().to_bytes()
    yield b"\1" + genuine.recurrent().to_bytes()
    yield b"\2" + make_entry(KEY).to_bytes()


# bundles and words


def _read_bundle(content: bytes) -> None:
    way, archive = _way(content, 2)
    if way == 1:
        archive = make_bundle(sealed=seal(archive, typ="loa-release", key=KEY))
    manifest = read_bundle(io.BytesIO(archive), KEYS)
    _check_same(manifest)


def _seed_bundles() -> Iterator[bytes]:
    yield b"\0" + make_bundle(key=KEY)
    yield b"\1" + make_manifest().to_bytes()


def _read_words(content: bytes) -> None:
    way, said = _way(content, 6)
    text = said.decode("latin-1")
    match way:
        case 0:
            bearer.check_token(text, NODE, now=NOW, keys=KEYS)
        case 1:
            token = seal(said, typ="loa-token", key=KEY).decode()
            bearer.check_token(token, NODE, now=NOW, keys=KEYS)
        case 2:
            proof.check_proof(text, NODE, now=NOW, keys=KEYS, own=KEYS)
        case 3:
            assert str(Topic.parse(text)) == text
        case 4:
            NodeCode.read(text)
        case _:
            assert PublicKey.from_x(text).x == text


def _seed_words() -> Iterator[bytes]:
    yield b"\0" + bearer.make_token(NODE, now=NOW, key=KEY).encode()
    yield b"\1" + json.dumps({"node": NODE, "issued_at": NOW.isoformat()}).encode()
    challenge = proof.make_challenge(NODE, now=NOW, key=KEY)
    yield b"\2" + proof.answer(challenge, key=KEY).encode()
    yield b"\3" + str(_topic(TABLE[0])).encode()
    yield b"\4" + b"7KQ2-MMX9-HJ4T-7KQ2-MMX9-HJ4T-7KQ2-MMX9"
    yield b"\5" + KEY.public.x.encode()


TARGETS: Sequence[Target] = (
    Target("payload", _read_payload, _seed_payloads),
    Target("message", _read_message, _seed_messages),
    Target("body", _read_body, _seed_bodies),
    Target("envelope", _read_envelope, _seed_envelopes),
    Target("assertion", _read_assertion, _seed_assertions),
    Target("papers", _read_papers, _seed_papers),
    Target("entry", _read_entry, _seed_entries),
    Target("bundle", _read_bundle, _seed_bundles),
    Target("words", _read_words, _seed_words),
)
