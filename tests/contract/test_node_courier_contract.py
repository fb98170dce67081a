"""What every `Courier` of a node does: the fake, and paho with a real Mosquitto over IPv4 and IPv6."""

import socket
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from queue import Empty, Queue
from typing import Any, Protocol

import pytest
from paho.mqtt.client import Client, MQTTMessage, MQTTMessageInfo
from paho.mqtt.enums import CallbackAPIVersion

from loa.node_agent.adapters.courier import KEEPALIVE_S, Broker, MqttCourier, Will
from loa.node_agent.adapters.tls import Pass
from loa.node_agent.ports import Arrival, Courier, Message
from loa.protocol.keys import SigningKey
from tests.fakes.node_world import FakeBroker, FakeCourier, FakeTime, SystemTime
from tests.node_agent import station
from tests.node_agent.makers import NODE, NOON
from tests.waiting import wait_for

TOPIC, OTHER = "loa/v1/areas/lang-cong/urgent", "loa/v1/areas/lang-cong/programme"
STATE = "loa/v1/nodes/cum-01/state"
MUCH, AT_ONCE = 2_000, 50


class Rig(Protocol):
    """A courier, and the other end of it."""

    @property
    def courier(self) -> Courier: ...

    @property
    def inbox(self) -> Queue[Arrival]: ...

    def publish(self, topic: str, payload: bytes) -> None: ...

    def came(self) -> list[tuple[str, bytes]]: ...

    def go_down(self) -> None: ...

    def come_up(self) -> None: ...


@dataclass
class FakeRig:
    broker: FakeBroker
    courier: FakeCourier
    inbox: Queue[Arrival]

    def publish(self, topic: str, payload: bytes) -> None:
        self.broker.publish(topic, payload, retain=True)

    def came(self) -> list[tuple[str, bytes]]:
        return self.broker.published

    def go_down(self) -> None:
        self.broker.go_down()

    def come_up(self) -> None:
        self.broker.come_up()


class RealRig:
    def __init__(self, folder: Path, host: str, size: int) -> None:
        self.broker = station.Broker(folder, host)
        self.inbox: Queue[Arrival] = Queue(size)
        self.will = b"gone"
        self.turned_away: list[str] = []
        self.courier = MqttCourier(
            lambda: Broker(f"[{host}]" if ":" in host else host, self.broker.port),
            node=NODE,
            shows=self._pass(),
            will=Will(STATE, lambda: self.will),
            inbox=self.inbox,
            clock=SystemTime(),
            turned_away=lambda: self.turned_away.append("turned away"),
        )
        self._came: list[tuple[str, bytes]] = []
        self._other: Client | None = None
        self.come_up()

    def _pass(self) -> Pass:
        """For the node's own key, an Ed25519 one."""
        papers, key = self.broker.issuer, SigningKey.generate()
        certificate, private = papers.folder / "node.crt", papers.folder / "node.key"
        certificate.write_text(papers.node(NODE, key))
        private.write_text(key.to_pem())
        return Pass(papers.authority.pem, certificate, private)

    def publish(self, topic: str, payload: bytes) -> None:
        self.hand_over(topic, payload).wait_for_publish(10)

    def hand_over(self, topic: str, payload: bytes) -> MQTTMessageInfo:
        """Without waiting until the broker has it."""
        assert self._other is not None
        return self._other.publish(topic, payload, 1, retain=True)

    def came(self) -> list[tuple[str, bytes]]:
        return list(self._came)

    def go_down(self) -> None:
        self.close_other()
        self.broker.kill()

    def come_up(self) -> None:
        self.broker.start()
        self._other = Client(CallbackAPIVersion.VERSION2)
        self._other.tls_set_context(self.broker.issuer.client_context("other"))
        self._other.on_message = self._on_message
        self._other.connect(self.broker.host, self.broker.port)
        self._other.subscribe("#", 1)
        self._other.loop_start()

    def close_other(self) -> None:
        if self._other is not None:
            self._other.loop_stop()
            self._other = None

    def _on_message(self, _client: Client, _userdata: object, message: MQTTMessage) -> None:
        self._came.append((message.topic, bytes(message.payload)))


def make_fake(size: int) -> FakeRig:
    broker, inbox = FakeBroker(), Queue[Arrival](size)
    return FakeRig(broker, FakeCourier(broker, inbox=inbox, clock=FakeTime(NOON)), inbox)


@pytest.fixture(params=["fake", "127.0.0.1", "::1"])
def rig(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Rig]:
    if request.param == "fake":
        yield make_fake(3)
        return
    real = RealRig(tmp_path, request.param, 3)
    yield real
    real.courier.close()
    real.go_down()


def next_message(rig: Rig) -> Message:
    def look() -> Message | None:
        try:
            arrival = rig.inbox.get_nowait()
        except Empty:
            return None
        assert isinstance(arrival, Message)
        return arrival

    return wait_for(look, what="a message")


def link_up(rig: Rig, times: int = 1) -> None:
    wait_for(
        lambda: rig.courier.is_connected and rig.courier.connections >= times, what=f"connection {times}"
    )


def test_an_unheard_link_is_given_up_long_before_a_ping_and_nothing_is_held_back(tmp_path: Path) -> None:
    real = RealRig(tmp_path, "127.0.0.1", 3)
    real.courier.start()
    link_up(real)
    opened: Any = real.courier._client.socket()
    assert opened is not None
    assert 0 < opened.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) < KEEPALIVE_S * 1_000 / 3
    assert opened.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    real.courier.close()
    real.go_down()


def test_what_is_retained_comes_after_the_connect(rig: Rig) -> None:
    rig.publish(TOPIC, b"one")
    rig.courier.listen([TOPIC])
    rig.courier.start()
    message = next_message(rig)
    assert (message.topic, message.payload) == (TOPIC, b"one")
    assert message.at.tzinfo is not None


def test_listening_anew_brings_new_topics_and_drops_old_ones(rig: Rig) -> None:
    rig.courier.listen([TOPIC])
    rig.courier.start()
    link_up(rig)
    rig.publish(OTHER, b"two")
    rig.courier.listen([OTHER])
    assert next_message(rig).payload == b"two"
    rig.publish(TOPIC, b"nobody listens")
    rig.publish(OTHER, b"three")
    assert next_message(rig).payload == b"three"


def test_it_subscribes_again_when_the_broker_comes_back(rig: Rig) -> None:
    rig.courier.listen([TOPIC])
    rig.courier.start()
    link_up(rig)
    rig.go_down()
    wait_for(lambda: not rig.courier.is_connected, what="the loss of the link")
    assert not rig.courier.send(STATE, b"x", retain=True)
    rig.come_up()
    link_up(rig, 2)
    rig.publish(TOPIC, b"after")
    assert next_message(rig).payload == b"after"


def test_what_is_sent_arrives(rig: Rig) -> None:
    rig.courier.start()
    link_up(rig)
    assert rig.courier.send(STATE, b"here", retain=True)
    wait_for(lambda: (STATE, b"here") in rig.came(), what="the payload at the other end")


@pytest.fixture
def real(tmp_path: Path) -> Iterator[RealRig]:
    made = RealRig(tmp_path, "127.0.0.1", MUCH)
    yield made
    made.courier.close()
    made.go_down()


def test_who_sends_while_much_comes_in_keeps_the_link(real: RealRig) -> None:
    """TLS breaks when one thread writes while another one reads."""
    real.courier.listen([TOPIC])
    real.courier.start()
    link_up(real)

    def through(sent: int) -> bool:
        return (real.inbox.qsize(), len(real.came())) == (sent, 2 * sent)

    for sent in range(AT_ONCE, MUCH + 1, AT_ONCE):
        for _ in range(AT_ONCE):
            real.hand_over(TOPIC, bytes(2_000))
            assert real.courier.send(STATE, bytes(2_000), retain=False)
        wait_for(partial(through, sent), what="all for the node, and all that it sent")
    assert real.courier.connections == 1


def test_messages_that_find_the_inbox_full_are_counted(rig: Rig) -> None:
    rig.courier.listen([TOPIC])
    rig.courier.start()
    link_up(rig)
    for number in range(5):
        rig.publish(TOPIC, b"%d" % number)
    wait_for(lambda: rig.courier.lost == 2, what="two lost messages")
    assert [next_message(rig).payload for _ in range(3)] == [b"0", b"1", b"2"]


def test_the_broker_speaks_the_will_when_the_link_is_cut_but_not_after_a_good_bye(tmp_path: Path) -> None:
    real = RealRig(tmp_path, "127.0.0.1", 3)
    real.courier.start()
    link_up(real)
    link = real.courier._client.socket()
    assert isinstance(link, socket.socket)
    link.shutdown(socket.SHUT_RDWR)
    wait_for(lambda: (STATE, b"gone") in real.came(), what="the will")
    real.will = b"second"
    link_up(real, 2)
    real.courier.close()
    real.publish(TOPIC, b"last")
    wait_for(lambda: (TOPIC, b"last") in real.came(), what="the last word")
    assert (STATE, b"second") not in real.came()
    real.go_down()
