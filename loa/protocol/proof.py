"""How a node proves its key without a clock: it signs what the controller gave it for this one purpose."""

from datetime import datetime

from loa.protocol.bearer import StaleTokenError
from loa.protocol.envelope import seal, unseal
from loa.protocol.errors import MisaddressedError
from loa.protocol.ids import NodeId
from loa.protocol.keys import KeyRing, SigningKey
from loa.protocol.units import Instant, to_ms
from loa.protocol.wire import Wire

LIFE_MS = 60_000
"""By the controller's clock alone, from the challenge to its answer."""
_CHALLENGE, _PROOF = "loa-challenge", "loa-proof"


class _Challenge(Wire):
    node: NodeId
    issued_at: Instant


def make_challenge(node: NodeId, *, now: datetime, key: SigningKey) -> str:
    """What `node` is to sign; `key` is the controller's, which keeps nothing of it."""
    return seal(_Challenge(node=node, issued_at=now).to_bytes(), typ=_CHALLENGE, key=key).decode()


def answer(challenge: str, *, key: SigningKey) -> str:
    """The proof that whoever answers has the node's `key`."""
    return seal(challenge.encode(), typ=_PROOF, key=key).decode()


def check_proof(proof: str, node: NodeId, *, now: datetime, keys: KeyRing, own: KeyRing) -> None:
    """Return if a key of `keys`, the node's, answered a current challenge of `own`; else `ProtocolError`."""
    challenge = unseal(proof.encode(), typ=_PROOF, keys=keys)
    said = _Challenge.from_bytes(unseal(challenge, typ=_CHALLENGE, keys=own))
    if said.node != node:
        raise MisaddressedError(node, said.node)
    age_ms = to_ms(now) - to_ms(said.issued_at)
    if not 0 <= age_ms <= LIFE_MS:
        raise StaleTokenError(age_ms)
