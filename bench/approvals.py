"""What it costs a node to verify a programme of 500 broadcasts, beside its bare signatures.

The first time, on the papers of a commune with 20 approvers; then again, as a new version brings them again.
"""

import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key

from bench.figure import Figure
from loa.node_agent.core.belief import Belief
from loa.protocol.base64url import from_base64url
from loa.protocol.broadcast import Broadcast, Entry, PasskeyApproval, RecordingSource
from loa.protocol.codec import pack, unpack_programme
from loa.protocol.errors import UnapprovedError
from loa.protocol.ids import AreaId, NodeId, RecordingId
from loa.protocol.keys import KeyRing, SigningKey
from loa.protocol.kinds import BroadcastClass
from loa.protocol.programme import Config, Programme
from loa.protocol.units import DurationMs, SizeBytes
from loa.protocol.when import When
from loa.schedules.policy import default_policy
from tests.trusting import House

BROADCASTS, APPROVERS, ROUNDS = 500, 20, 5
MOST_MS, MOST_S = 2.0, 1.0
AREA, NODE = AreaId("lang-cong"), NodeId("loa-dinh")
NOW = datetime(2026, 6, 11, 9, 42, tzinfo=UTC)
KEY = SigningKey.generate()


def measure() -> Figure:
    house = House(AREA)
    names = [f"u{number}" for number in range(APPROVERS)]
    config = _config(house, names)
    packed = pack(_programme(house, names), KEY)
    entries = unpack_programme(packed, AREA, KeyRing([KEY.public])).entries
    _check_that_it_checks(house, config, entries)
    first, again, bare, whole = zip(*(_round(house, config, packed) for _ in range(ROUNDS)), strict=True)
    value_ms, peer_ms = (statistics.median(took) / BROADCASTS * 1000 for took in (first, bare))
    whole_s, again_s = max(whole), max(again)
    return Figure(
        name="approvals",
        value=value_ms,
        unit="ms",
        peer=peer_ms,
        peer_unit="ms for the bare ECDSA verification of the same signature",
        ratio=value_ms / peer_ms,
        target=f"an approval under {MOST_MS:.0f} ms, {BROADCASTS} broadcasts under {MOST_S:.0f} s",
        met=value_ms < MOST_MS and whole_s < MOST_S,
        notes=f"unpacking and verifying {BROADCASTS} broadcasts: {whole_s:.2f} s at worst of {ROUNDS}; "
        f"the same again, remembered by digest: {again_s * 1000:.0f} ms",
    )


def _config(house: House, names: list[str]) -> Config:
    roster = house.roster(*(house.approver(name) for name in names))
    papers = house.papers(roster, house.charter(NODE, (AREA, AreaId(NODE))))
    policy = default_policy()
    return Config(
        node=NODE, version=1, issued_at=NOW, areas=(AREA, AreaId(NODE)), policy=policy, papers=papers
    )


def _programme(house: House, names: list[str]) -> Programme:
    entries = tuple(
        house.entry(_broadcast(number), names[number % APPROVERS], at=NOW) for number in range(BROADCASTS)
    )
    return Programme(area=AREA, version=1, issued_at=NOW, entries=entries)


def _broadcast(number: int) -> Broadcast:
    return Broadcast(
        bulletin=f"b{number}",
        created_at=NOW,
        title=f"Lịch tiêm phòng đợt {number}",
        field="y-te",
        class_=BroadcastClass.NORMAL,
        source=RecordingSource(
            recording=RecordingId(sha256(str(number).encode()).hexdigest()),
            duration_ms=DurationMs(25_000),
            size_bytes=SizeBytes(100_000),
        ),
        audience=(AREA,),
        when=When(start_local="2026-06-11T17:30", rrule="FREQ=WEEKLY;BYDAY=MO,TH"),
        issuer=AREA,
        authority=20,
        not_after_ms=DurationMs(600_000),
        last_end_ms=DurationMs(1_800_000),
    )


def _check_that_it_checks(house: House, config: Config, entries: tuple[Entry, ...]) -> None:
    """With the signatures changed about nothing is believed: what is measured does look."""
    belief = _belief(house)
    swapped = entries[0].model_copy(update={"approvals": entries[1].approvals})
    try:
        belief.check(swapped, config)
    except UnapprovedError:
        return
    raise AssertionError("another broadcast's approval was believed")


def _belief(house: House) -> Belief:
    return Belief(node=NODE, keys=KeyRing([KEY.public]), root=house.root.public)


def _round(house: House, config: Config, packed: bytes) -> tuple[float, float, float, float]:
    """Seconds for verifying all, the same again, the signatures alone, and unpacking and verifying."""
    belief = _belief(house)
    began_s = time.perf_counter()
    entries = unpack_programme(packed, AREA, KeyRing([KEY.public])).entries
    unpacking_s = time.perf_counter() - began_s

    def verify() -> None:
        for entry in entries:
            belief.check(entry, config)

    first_s, again_s = _timed(verify), _timed(verify)
    return first_s, again_s, _bare(house, entries), unpacking_s + first_s


def _bare(house: House, entries: tuple[Entry, ...]) -> float:
    keys = {one.public.id: one.public.key for one in house.passkeys.values()}
    loaded = {name: load_der_public_key(from_base64url(key)) for name, key in keys.items()}
    signatures = [_signature(entry) for entry in entries]

    def verify() -> None:
        for credential, signature, signed in signatures:
            key = loaded[credential]
            assert isinstance(key, ec.EllipticCurvePublicKey)
            key.verify(signature, signed, ec.ECDSA(hashes.SHA256()))

    return _timed(verify)


def _signature(entry: Entry) -> tuple[str, bytes, bytes]:
    approval = entry.approvals[0]
    assert isinstance(approval, PasskeyApproval)
    said = approval.assertion
    signed = from_base64url(said.authenticator_data) + sha256(from_base64url(said.client_data)).digest()
    return said.credential, from_base64url(said.signature), signed


def _timed(act: Callable[[], None]) -> float:
    began_s = time.perf_counter()
    act()
    return time.perf_counter() - began_s
