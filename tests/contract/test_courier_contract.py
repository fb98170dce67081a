"""What every courier does, tested on the fake and on paho with a real Mosquitto, over IPv4 and IPv6."""

import os
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from loa.controller.adapters.courier import PahoCourier
from loa.controller.ports import Courier
from loa.controller.services.mailbox import Mailbox
from loa.controller.services.metrics import Metrics
from loa.protocol.codec import decode
from loa.protocol.errors import TooLargeError
from loa.protocol.ids import AreaId, NodeId
from loa.protocol.keys import KeyRing, SigningKey
from loa.protocol.programme import Silence, Urgent
from loa.protocol.reports import Receipt
from loa.protocol.topics import Channel, Topic
from tests.controller.brokers import plain_client, real_broker, user_of
from tests.fakes.courier import FakeCourier
from tests.waiting import wait_for

NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
URGENT = Topic(Channel.URGENT, AreaId("thon-1"))
RECEIPT = Topic(Channel.RECEIPT, NodeId("loa-1"))
KINDS = ("fake", "127.0.0.1", "::1")


@dataclass
class Link:
    """A courier, its key, and what a node that listens has heard, kept messages included."""

    courier: Courier
    key: SigningKey
    heard: Callable[[Topic], list[bytes]]
    joined: Callable[[Topic], list[bytes]]
    """What a node hears that begins to listen only now."""


def urgent(silences: int = 0) -> Urgent:
    one = Silence(id="a" * 32, counter=1, from_at=NOW, until_at=NOW, issued_at=NOW, authority=20, by="x" * 64)
    return Urgent(area=URGENT.owner_id, version=1, issued_at=NOW, silences=(one,) * silences)


def fake_link() -> Link:
    courier = FakeCourier()

    def joined(topic: Topic) -> list[bytes]:
        return [courier.retained[str(topic)]] if str(topic) in courier.retained else []

    return Link(courier, courier.key, lambda topic: [p for t, p in courier.sent if t == topic], joined)


@contextmanager
def real_link(folder: Path, host: str) -> Iterator[Link]:
    key, metrics = SigningKey.generate(), Metrics()
    with real_broker(folder, user_of("loa-1", "thon-1"), user_of("late", "thon-1"), host=host) as real:
        mailbox = Mailbox(limit=10, metrics=metrics)
        courier = PahoCourier(address=real.address(), key=key, receive=mailbox.put, metrics=metrics)
        with plain_client(real.address("loa-1")) as node:
            node.subscribe(str(URGENT), str(RECEIPT))
            courier.start(on_connect=lambda: None)

            def joined(topic: Topic) -> list[bytes]:
                with plain_client(real.address("late")) as late:
                    late.subscribe(str(topic))
                    wait_for(lambda: bool(late.heard), what="what the broker kept")
                    return late.payloads(str(topic))

            wait_for(lambda: courier.connected, what="the connection")
            yield Link(courier, key, lambda topic: node.payloads(str(topic)), joined)
            courier.stop()


@pytest.fixture(params=KINDS)
def link(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Link]:
    if request.param == "fake":
        yield fake_link()
    else:
        with real_link(tmp_path, request.param) as made:
            yield made


def test_what_is_sent_is_signed_and_arrives_as_returned(link: Link) -> None:
    payload = link.courier.send(URGENT, urgent())
    wait_for(lambda: bool(link.heard(URGENT)), what="the message")
    assert link.heard(URGENT) == [payload]
    assert decode(URGENT, payload, KeyRing([link.key.public])) == urgent()


def test_nothing_is_held_back_for_an_acknowledgement(tmp_path: Path) -> None:
    with real_link(tmp_path, "127.0.0.1") as link:
        assert isinstance(link.courier, PahoCourier)
        opened = link.courier._client.socket()
        assert isinstance(opened, socket.socket)
        assert opened.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_what_is_kept_reaches_those_who_come_later(link: Link) -> None:
    payload = link.courier.send(URGENT, urgent())
    wait_for(lambda: bool(link.heard(URGENT)), what="the message")
    assert link.joined(URGENT) == [payload]


def test_a_payload_is_sent_again_as_it_is(link: Link) -> None:
    link.courier.resend(RECEIPT, b"as it is")
    wait_for(lambda: bool(link.heard(RECEIPT)), what="the payload")
    assert link.heard(RECEIPT) == [b"as it is"]


def test_messages_of_a_topic_keep_their_order(link: Link) -> None:
    receipts = [Receipt(node=RECEIPT.owner_id, journal_id="b" * 32, up_to=n, at=NOW) for n in range(50)]
    sent = [link.courier.send(RECEIPT, receipt) for receipt in receipts]
    wait_for(lambda: len(link.heard(RECEIPT)) == len(sent), what="all of them")
    assert link.heard(RECEIPT) == sent


def test_what_is_too_large_is_refused_before_it_leaves(link: Link) -> None:
    with pytest.raises(TooLargeError):
        link.courier.send(URGENT, urgent(silences=20))
    assert link.heard(URGENT) == []


def test_nothing_is_kept_for_a_broker_that_is_away(tmp_path: Path) -> None:
    metrics = Metrics()
    mailbox = Mailbox(limit=10, metrics=metrics)
    with real_broker(tmp_path, user_of("loa-1", "thon-1")) as real:
        key = SigningKey.generate()
        courier = PahoCourier(address=real.address(), key=key, receive=mailbox.put, metrics=metrics)
        courier.send(RECEIPT, Receipt(node=RECEIPT.owner_id, journal_id="b" * 32, up_to=1, at=NOW))
        with plain_client(real.address("loa-1")) as node:
            node.subscribe(str(RECEIPT))
            courier.start(on_connect=lambda: courier.resend(RECEIPT, b"first"))
            wait_for(lambda: bool(node.heard), what="the first message")
            assert node.heard == [(str(RECEIPT), b"first")]
        courier.stop()


def test_it_hears_every_node_and_again_after_the_broker_came_back(tmp_path: Path) -> None:
    metrics = Metrics()
    mailbox = Mailbox(limit=10, metrics=metrics)
    connects: list[str] = []
    with real_broker(tmp_path, user_of("loa-1", "thon-1")) as real:
        courier = PahoCourier(
            address=real.address(), key=SigningKey.generate(), receive=mailbox.put, metrics=metrics
        )
        courier.start(on_connect=lambda: connects.append("connected"))
        wait_for(lambda: len(connects) == 1, what="the first connection")
        with plain_client(real.address("loa-1")) as node:
            node.publish("loa/v1/nodes/loa-1/hello", b"one")
        [first] = mailbox.take(most=1, within_s=10, gather_s=0)
        assert (first.topic, first.payload, first.retained) == ("loa/v1/nodes/loa-1/hello", b"one", False)
        assert real.broker.pid is not None
        os.kill(real.broker.pid, signal.SIGKILL)
        wait_for(lambda: len(connects) == 2, what="the second connection")
        with plain_client(real.address("loa-1")) as node:
            node.publish("loa/v1/nodes/loa-1/reports", b"two")
        assert [one.payload for one in mailbox.take(most=1, within_s=10, gather_s=0)] == [b"two"]
        courier.stop()


def test_what_was_said_before_is_marked_as_kept(tmp_path: Path) -> None:
    metrics = Metrics()
    mailbox = Mailbox(limit=10, metrics=metrics)
    with real_broker(tmp_path, user_of("loa-1", "thon-1")) as real:
        with plain_client(real.address("loa-1")) as node:
            node.publish("loa/v1/nodes/loa-1/state", b"old", retain=True)
        courier = PahoCourier(
            address=real.address(), key=SigningKey.generate(), receive=mailbox.put, metrics=metrics
        )
        courier.start(on_connect=lambda: None)
        [kept] = mailbox.take(most=1, within_s=10, gather_s=0)
        assert (kept.payload, kept.retained) == (b"old", True)
        courier.stop()


def test_a_full_mailbox_drops_counts_and_does_not_wait() -> None:
    metrics = Metrics()
    mailbox = Mailbox(limit=2, metrics=metrics)
    for number in range(5):
        mailbox.put("loa/v1/nodes/loa-1/state", str(number).encode())
    assert [one.payload for one in mailbox.take(most=9, within_s=0, gather_s=0)] == [b"0", b"1"]
    assert b"loa_mailbox_overflows_total 3.0" in metrics.page()
