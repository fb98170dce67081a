from datetime import UTC, datetime, timedelta

import pytest

from loa.protocol.bearer import make_token
from loa.protocol.envelope import seal
from loa.protocol.errors import ProtocolError
from loa.protocol.ids import NodeId
from loa.protocol.keys import KeyRing, SigningKey
from loa.protocol.proof import LIFE_MS, answer, check_proof, make_challenge

NODE, NOW = NodeId("cum-01"), datetime(2026, 11, 26, tzinfo=UTC)
OURS, THEIRS, STRANGER = (SigningKey.generate() for _ in range(3))


def check(proof: str, *, node: NodeId = NODE, at: datetime = NOW) -> None:
    keys, own = KeyRing([THEIRS.public]), KeyRing([OURS.public])
    check_proof(proof, node, now=at, keys=keys, own=own)


def test_who_has_the_key_can_prove_it_for_a_minute() -> None:
    proof = answer(make_challenge(NODE, now=NOW, key=OURS), key=THEIRS)
    check(proof)
    check(proof, at=NOW + timedelta(milliseconds=LIFE_MS))


CHALLENGE = make_challenge(NODE, now=NOW, key=OURS)


@pytest.mark.parametrize(
    "proof",
    [
        answer(CHALLENGE, key=STRANGER),
        answer(make_challenge(NODE, now=NOW, key=STRANGER), key=THEIRS),
        answer(make_challenge(NODE, now=NOW, key=THEIRS), key=THEIRS),
        answer(make_challenge(NodeId("cum-02"), now=NOW, key=OURS), key=THEIRS),
        answer(make_challenge(NODE, now=NOW - timedelta(milliseconds=LIFE_MS + 1), key=OURS), key=THEIRS),
        answer(make_challenge(NODE, now=NOW + timedelta(seconds=1), key=OURS), key=THEIRS),
        answer("no challenge", key=THEIRS),
        seal(CHALLENGE.encode(), typ="loa-token", key=THEIRS).decode(),
        make_token(NODE, now=NOW, key=THEIRS),
        CHALLENGE,
        "",
        "é.é.é",
    ],
    ids=[
        "by another key",
        "a challenge of a stranger",
        "a challenge of its own",
        "for another node",
        "too old",
        "of the future",
        "of nothing",
        "another kind",
        "a token",
        "the challenge itself",
        "empty",
        "letters",
    ],
)
def test_nothing_else_is_a_proof(proof: str) -> None:
    with pytest.raises(ProtocolError):
        check(proof)
