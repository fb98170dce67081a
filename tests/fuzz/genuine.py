"""Keys, people and messages that are the same in every run, so that what a fuzzer found stays what it is."""

import json
from functools import lru_cache
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from loa.protocol.broadcast import Broadcast, Entry
from loa.protocol.charter import Charter, Papers, Roster
from loa.protocol.ids import AreaId, NodeId
from loa.protocol.keys import KeyRing, SigningKey
from loa.protocol.programme import Config, Programme
from loa.protocol.topics import Channel, Message, row_of
from loa.protocol.trust import Trust, trust_in
from loa.protocol.units import format_instant
from loa.protocol.when import When
from loa.schedules.policy import default_policy
from tests.passkeys import SoftPasskey
from tests.protocol.makers import AREA, NOW, make_broadcast, make_entry
from tests.trusting import House

NODE = NodeId("loa-dinh")
AREAS = (AREA, AreaId(NODE))
_AT = format_instant(NOW)
_DIGEST, _TOKEN = "a" * 64, "b" * 32


RAW_KEY = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(32))


def _signing_key(key: ed25519.Ed25519PrivateKey) -> SigningKey:
    return SigningKey.from_pem(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())


def _passkey(mark: int) -> SoftPasskey:
    return SoftPasskey(key=ec.derive_private_key(mark, ec.SECP256R1()), credential=f"credential{mark:02}")


KEY = _signing_key(RAW_KEY)
"""The controller's, the node's and the release's."""
ROOT = _signing_key(ed25519.Ed25519PrivateKey.from_private_bytes(bytes(31) + b"\1"))
KEYS = KeyRing([KEY.public])
HOUSE = House(
    AREA, root=ROOT, passkeys={name: _passkey(at) for at, name in enumerate(("kim", "lam", "hoa"), start=1)}
)
APPROVER = HOUSE.passkey("hoa")


@lru_cache
def roster() -> Roster:
    return HOUSE.roster(HOUSE.approver("hoa"))


@lru_cache
def charter() -> Charter:
    return HOUSE.charter(NODE, AREAS)


@lru_cache
def papers() -> Papers:
    return HOUSE.papers(roster(), charter())


@lru_cache
def trust() -> Trust:
    return trust_in(papers(), root=ROOT.public, node=NODE)


def recurrent() -> Broadcast:
    when = When(start_local="2026-06-11T05:00", rrule="FREQ=WEEKLY;BYDAY=MO,TH;UNTIL=20261231T000000")
    return make_broadcast().model_copy(update={"when": when})


@lru_cache
def entry() -> Entry:
    """Approved by a passkey."""
    return HOUSE.entry(make_broadcast(), "hoa", at=NOW)


def approved(document: str) -> str:
    """An entry as it travels, with a genuine approval of these very bytes."""
    approval = {"kind": "passkey", "approver": "hoa", "approved_at": _AT}
    assertion = APPROVER.sign(sha256(document.encode()).digest()).model_dump(mode="json")
    content = {"document": document, "approvals": [approval | {"assertion": assertion}], "issued_at": _AT}
    return json.dumps(content)


@lru_cache
def messages() -> dict[Channel, Message]:
    """One of each row of the topic table."""
    pointer = {"version": 1, "sha256": _DIGEST, "size_bytes": 100, "issued_at": _AT}
    node = {"node": NODE, "boot_id": _TOKEN, "journal_id": _TOKEN, "nonce": _TOKEN, "at": _AT}
    vouched = make_entry(KEY)
    facts: dict[Channel, dict[str, object]] = {
        Channel.URGENT: {"area": AREA, "version": 1, "issued_at": _AT, "entries": (vouched, entry())},
        Channel.PROGRAMME: pointer | {"area": AREA},
        Channel.CONFIG: pointer | {"node": NODE},
        Channel.HELLO: node
        | {"sent_at": _AT, "clock": "trusted", "agent": "0.1", "held": {AREA: {"urgent": 1}}},
        Channel.ANSWER: node | {"config": 1, "current": {AREA: {"programme": 1}}},
        Channel.STATE: node | {"detail": "full", "clock": "trusted", "health": {"temperature_c": 41.5}},
        Channel.REPORTS: node | {"reports": _reports()},
        Channel.RECEIPT: node | {"up_to": 3},
    }
    return {channel: row_of(channel).model.model_validate(said) for channel, said in facts.items()}


@lru_cache
def bodies() -> tuple[Programme, Config]:
    """What is fetched over HTTP."""
    silence = {
        "id": _TOKEN,
        "counter": 1,
        "from_at": _AT,
        "until_at": _AT,
        "issued_at": _AT,
        "authority": 20,
        "by": "hoa",
    }
    withdrawal = {"id": _TOKEN, "target": _DIGEST, "issued_at": _AT, "by": "hoa"}
    programme = {
        "entries": (entry(),),
        "silences": (silence,),
        "withdrawals": (withdrawal,),
        "order": {_DIGEST: 1},
    }
    return (
        Programme.model_validate({"area": AREA, "version": 1, "issued_at": _AT} | programme),
        Config(node=NODE, version=1, issued_at=NOW, areas=AREAS, policy=default_policy(), papers=papers()),
    )


def _reports() -> list[dict[str, object]]:
    occurrence = f"{_DIGEST}@1781000000000"
    sensed = {"judged": 25, "passed": 24, "correlation": 0.97, "level_db": -3.5}
    levels = {"every_s": 1, "recorded": [-20, -18], "heard": [None, -40]}
    evidence = {"verified": True, "decoded": True, "heard": True, "heard_by": sensed, "levels": levels}
    piece = {"from_at": _AT, "to_at": _AT, "offset_ms": 0}
    play = {"kind": "play", "occurrence": occurrence, "planned_at": _AT, "outcome": "complete"}
    refusal: dict[str, object] = {
        "kind": "refusal",
        "at": _AT,
        "topic": "t",
        "reason": "malformed",
        "detail": "d",
        "sha256": _DIGEST,
    }
    problem: dict[str, object] = {"kind": "problem", "at": _AT, "code": "disk_full", "detail": "d"}
    reports: list[dict[str, object]] = [play | {"pieces": [piece], "evidence": evidence}, refusal, problem]
    return [{**one, "number": number} for number, one in enumerate(reports, start=1)]
