"""From messages to the bytes on the wire and back: size, envelope, model and address, in this order."""

import gzip
import zlib

from loa.protocol.envelope import seal, unseal
from loa.protocol.errors import MalformedError, MisaddressedError, TooLargeError
from loa.protocol.ids import AreaId, NodeId
from loa.protocol.keys import KeyRing, SigningKey
from loa.protocol.programme import Config, Programme, ProgrammePointer, Urgent
from loa.protocol.topics import Message, Topic
from loa.protocol.wire import Wire

BODY_LIMIT_BYTES = 32 * 1024 * 1024
"""Of a programme or configuration body once it is unpacked."""


def encode(topic: Topic, message: Message, key: SigningKey) -> bytes:
    """The signed payload for `topic`. Raises `TooLargeError` over the topic's limit."""
    _check_address(topic, message)
    payload = seal(message.to_bytes(), typ=_typ(topic), key=key)
    _check_size(len(payload), topic.row.limit_bytes)
    return payload


def decode(topic: Topic, payload: bytes, keys: KeyRing) -> Message:
    """The verified message of a payload that came on `topic`; raises a `ProtocolError`."""
    row = topic.row
    _check_size(len(payload), row.limit_bytes)
    message = row.model.from_bytes(unseal(payload, typ=_typ(topic), keys=keys))
    _check_address(topic, message)
    return message


def pack(body: Programme | Config, key: SigningKey) -> bytes:
    """A body as it is fetched over HTTP: gzip over the signed envelope; the same input, the same bytes."""
    return gzip.compress(seal(body.to_bytes(), typ=_body_typ(type(body)), key=key), mtime=0)


def unpack_programme(packed: bytes, area: AreaId, keys: KeyRing) -> Programme:
    """The verified programme of `area`; raises a `ProtocolError`."""
    programme = Programme.from_bytes(_open(packed, Programme, keys))
    _check_owner(area, programme.area)
    return programme


def unpack_config(packed: bytes, node: NodeId, keys: KeyRing) -> Config:
    """The verified configuration of `node`; raises a `ProtocolError`."""
    config = Config.from_bytes(_open(packed, Config, keys))
    _check_owner(node, config.node)
    return config


def _open(packed: bytes, model: type[Wire], keys: KeyRing) -> bytes:
    return unseal(_gunzip(packed), typ=_body_typ(model), keys=keys)


def _gunzip(packed: bytes) -> bytes:
    unzip = zlib.decompressobj(wbits=31)
    try:
        plain = unzip.decompress(packed, BODY_LIMIT_BYTES)
    except zlib.error as error:
        raise MalformedError(f"the body is not gzip: {error}") from error
    if unzip.unconsumed_tail:
        raise TooLargeError(BODY_LIMIT_BYTES + 1, BODY_LIMIT_BYTES)
    return plain


def _typ(topic: Topic) -> str:
    return f"loa-{topic.channel}"


def _body_typ(model: type[Wire]) -> str:
    return f"loa-body-{model.__name__.lower()}"


def _check_size(size_bytes: int, limit_bytes: int) -> None:
    if size_bytes > limit_bytes:
        raise TooLargeError(size_bytes, limit_bytes)


def _check_address(topic: Topic, message: Message) -> None:
    if not isinstance(message, topic.row.model):
        raise MisaddressedError(str(topic.channel), type(message).__name__)
    _check_owner(topic.owner_id, _owner_of(message))


def _owner_of(message: Message) -> AreaId | NodeId:
    if isinstance(message, Urgent | ProgrammePointer):
        return message.area
    return message.node


def _check_owner(expected: str, found: str) -> None:
    if expected != found:
        raise MisaddressedError(expected, found)
