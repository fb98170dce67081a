from datetime import timedelta

import pytest

from loa.protocol.bearer import LIFE_MS, SKEW_MS, StaleTokenError, check_token, make_token
from loa.protocol.errors import BadSignatureError, MalformedError, MisaddressedError, UnknownKeyError
from loa.protocol.ids import NodeId
from loa.protocol.keys import PublicKey, SigningKey
from tests.protocol.makers import NOW, ring

_NODE = NodeId("loa-1")


def test_a_key_is_stored_and_read_back() -> None:
    key = SigningKey.generate()
    assert SigningKey.from_pem(key.to_pem()).kid == key.kid == PublicKey.from_x(key.public.x).kid


def test_a_private_key_does_not_show_itself() -> None:
    key = SigningKey.generate()
    assert key.to_pem() not in repr(key)
    assert "jwk" not in repr(key)


@pytest.mark.parametrize("text", ["", "no key", "AAAA"])
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(MalformedError):
        PublicKey.from_x(text)
    with pytest.raises(MalformedError):
        SigningKey.from_pem(text)


def test_a_current_token_of_the_node_opens_the_request() -> None:
    key = SigningKey.generate()
    token = make_token(_NODE, now=NOW, key=key)
    check_token(token, _NODE, now=NOW + timedelta(milliseconds=LIFE_MS), keys=ring(key))


def test_a_token_is_for_one_node_one_key_and_its_time() -> None:
    key = SigningKey.generate()
    token = make_token(_NODE, now=NOW, key=key)
    with pytest.raises(MisaddressedError):
        check_token(token, NodeId("loa-2"), now=NOW, keys=ring(key))
    with pytest.raises(UnknownKeyError):
        check_token(token, _NODE, now=NOW, keys=ring(SigningKey.generate()))
    with pytest.raises(BadSignatureError):
        check_token(token[:-8] + "AAAAAAAA", _NODE, now=NOW, keys=ring(key))
    for wrong_by_ms in (LIFE_MS + SKEW_MS + 1, -SKEW_MS - 1):
        with pytest.raises(StaleTokenError):
            check_token(token, _NODE, now=NOW + timedelta(milliseconds=wrong_by_ms), keys=ring(key))
