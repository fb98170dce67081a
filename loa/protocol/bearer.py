"""The token with which a node opens an HTTP request: sixty seconds, signed with the node's own key."""

from datetime import datetime

from loa.protocol.envelope import seal, unseal
from loa.protocol.errors import MisaddressedError, UntrustedError
from loa.protocol.ids import NodeId
from loa.protocol.keys import KeyRing, SigningKey
from loa.protocol.reasons import RefusalReason
from loa.protocol.units import Instant, to_ms
from loa.protocol.wire import Wire

LIFE_MS = 60_000
SKEW_MS = 120_000
"""How far the node's clock may be from the controller's."""
_TYP = "loa-token"


class StaleTokenError(UntrustedError):
    """A genuine token whose time is over, or has not come."""

    reason = RefusalReason.STALE

    def __init__(self, age_ms: int) -> None:
        super().__init__(f"the token is {age_ms} ms old; check the clock")
        self.age_ms = age_ms


class _Claim(Wire):
    node: NodeId
    issued_at: Instant


def make_token(node: NodeId, *, now: datetime, key: SigningKey) -> str:
    """A bearer token for `node`, good for `LIFE_MS` from `now`."""
    return seal(_Claim(node=node, issued_at=now).to_bytes(), typ=_TYP, key=key).decode()


def check_token(token: str, node: NodeId, *, now: datetime, keys: KeyRing) -> None:
    """Return if `token` was made by `node`'s key and is current; raises a `ProtocolError`."""
    claim = _Claim.from_bytes(unseal(token.encode(), typ=_TYP, keys=keys))
    if claim.node != node:
        raise MisaddressedError(node, claim.node)
    age_ms = to_ms(now) - to_ms(claim.issued_at)
    if not -SKEW_MS <= age_ms <= LIFE_MS + SKEW_MS:
        raise StaleTokenError(age_ms)
