"""A real Mosquitto with the files that the controller generates, and plain clients of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from paho.mqtt.client import Client, ConnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from loa.controller.adapters.broker import ChildBroker
from loa.controller.adapters.courier import BrokerAddress
from loa.controller.core.broker_rules import (
    BrokerUser,
    Listener,
    controller_user,
    hash_password,
    node_user,
)
from loa.protocol.ids import AreaId, NodeId
from tests.loopback import free_port
from tests.waiting import wait_for

SALT = b"twelve bytes"
CONTROLLER = "controller"


def user_of(node: str, *areas: str) -> BrokerUser:
    """A node that hears these areas and itself; its password is `pw-<node>`."""
    hears = [AreaId(area) for area in (*areas, node)]
    return node_user(NodeId(node), hears, hash_password(f"pw-{node}", SALT))


@dataclass
class RealBroker:
    """The running broker, its users by name."""

    broker: ChildBroker
    host: str
    port: int
    users: dict[str, BrokerUser]

    def address(self, name: str = CONTROLLER) -> BrokerAddress:
        return BrokerAddress(host=self.host, port=self.port, username=name, password=f"pw-{name}")


@contextmanager
def real_broker(folder: Path, *nodes: BrokerUser, host: str = "127.0.0.1") -> Iterator[RealBroker]:
    """Started and stopped; `users` may be changed before a refresh."""
    port = free_port(host)
    users = {user.name: user for user in nodes}
    users[CONTROLLER] = controller_user(CONTROLLER, hash_password(f"pw-{CONTROLLER}", SALT))
    broker = ChildBroker(folder=folder, listeners=[Listener(host, port)], users=lambda: list(users.values()))
    broker.start()
    try:
        yield RealBroker(broker, host, port, users)
    finally:
        broker.stop()


@dataclass
class Plain:
    """A plain client: what it heard, whether it is connected, what was refused."""

    client: Client
    heard: list[tuple[str, bytes]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    subscribed: int = 0

    def subscribe(self, *topics: str) -> None:
        wanted = self.subscribed + 1
        self.client.subscribe([(topic, 1) for topic in topics])
        wait_for(lambda: self.subscribed >= wanted, what=f"the answer to subscribing to {topics}")

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        self.client.publish(topic, payload, qos=1, retain=retain).wait_for_publish(10)

    def payloads(self, topic: str) -> list[bytes]:
        return [payload for at, payload in self.heard if at == topic]


@contextmanager
def plain_client(address: BrokerAddress, *, name: str = "") -> Iterator[Plain]:
    """A connected client, or one whose connection was refused."""
    client = Client(CallbackAPIVersion.VERSION2, client_id=name or f"plain-{address.username}")
    client.username_pw_set(address.username, address.password)
    plain = Plain(client)

    def connected(_c: Client, _d: object, _f: ConnectFlags, code: ReasonCode, _p: Properties | None) -> None:
        if code.is_failure:
            plain.refused.append(str(code))

    def subscribed(_c: Client, _d: object, _n: int, _codes: list[ReasonCode], _p: Properties | None) -> None:
        plain.subscribed += 1

    def heard(_c: Client, _d: object, message: MQTTMessage) -> None:
        plain.heard.append((message.topic, bytes(message.payload)))

    client.on_connect, client.on_subscribe, client.on_message = connected, subscribed, heard
    client.connect(address.host, address.port)
    client.loop_start()
    try:
        wait_for(lambda: client.is_connected() or bool(plain.refused), what="the broker's answer")
        yield plain
    finally:
        client.disconnect()
        client.loop_stop()
