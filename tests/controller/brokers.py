"""A real Mosquitto with the files that the controller generates, and plain clients of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from loa.controller.adapters.broker import ChildBroker, Trust
from loa.controller.adapters.courier import BrokerAddress
from loa.controller.clock import SystemClock
from loa.controller.core.broker_rules import BrokerUser, Listener, controller_user, node_user
from loa.controller.core.certificates import CONTROLLER
from loa.protocol.ids import AreaId, NodeId
from tests.certificates import AUTHORITY, Issuer, context_of
from tests.loopback import free_port
from tests.waiting import wait_for

Revoked = list[tuple[str, datetime]]


def user_of(node: str, *areas: str) -> BrokerUser:
    """A node that hears these areas and itself."""
    return node_user(NodeId(node), [AreaId(area) for area in (*areas, node)])


@dataclass
class RealBroker:
    """The running broker, its users by name, and who was thrown out."""

    broker: ChildBroker
    host: str
    port: int
    users: dict[str, BrokerUser]
    issuer: Issuer
    revoked: Revoked
    hosts: list[str]
    """Where the broker looks for itself."""

    def address(self, name: str = CONTROLLER) -> BrokerAddress:
        """As the client of that name, with a new certificate."""
        authority = self.issuer.authority.pem
        return BrokerAddress(
            host=self.host,
            port=self.port,
            name=name,
            authority=authority,
            certificate=self.issuer.client(name),
        )

    def revoke(self, address: BrokerAddress) -> None:
        """As when the node of that certificate is retired."""
        found = x509.load_pem_x509_certificate(address.certificate.read_bytes())
        self.revoked.append((f"{found.serial_number:x}", datetime.now(UTC)))
        self.users.pop(address.name, None)
        self.broker.cut(NodeId(address.name))


def trust_of(hosts: list[str], revoked: Revoked) -> Trust:
    """By the tests' own authority."""
    return Trust(
        authority=AUTHORITY, clock=SystemClock(), hosts=hosts, revoked=lambda: AUTHORITY.revoke(revoked)
    )


@contextmanager
def real_broker(folder: Path, *nodes: BrokerUser, host: str = "127.0.0.1") -> Iterator[RealBroker]:
    """Started and stopped; `users` may be changed before a refresh."""
    port, issuer = free_port(host), Issuer.new(folder.with_name(folder.name + "-issuer"))
    users = {user.name: user for user in (*nodes, controller_user(CONTROLLER))}
    revoked: Revoked = []
    hosts = [host]
    trust = trust_of(hosts, revoked)
    broker = ChildBroker(
        folder=folder, listeners=[Listener(host, port)], users=lambda: list(users.values()), trust=trust
    )
    broker.start()
    try:
        yield RealBroker(broker, host, port, users, issuer, revoked, hosts)
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
def plain_client(address: BrokerAddress) -> Iterator[Plain]:
    """A connected client, or one whose connection was refused."""
    client = Client(CallbackAPIVersion.VERSION2, client_id="plain")
    client.tls_set_context(context_of(address.authority, address.certificate))
    plain = Plain(client)

    def connected(_c: Client, _d: object, _f: ConnectFlags, code: ReasonCode, _p: Properties | None) -> None:
        if code.is_failure:
            plain.refused.append(str(code))

    def subscribed(_c: Client, _d: object, _n: int, _codes: list[ReasonCode], _p: Properties | None) -> None:
        plain.subscribed += 1

    def heard(_c: Client, _d: object, message: MQTTMessage) -> None:
        plain.heard.append((message.topic, bytes(message.payload)))

    def lost(_c: Client, _d: object, _f: DisconnectFlags, code: ReasonCode, _p: Properties | None) -> None:
        plain.refused.append(str(code))

    client.on_connect, client.on_subscribe, client.on_message = connected, subscribed, heard
    client.on_disconnect = lost
    client.connect(address.host, address.port)
    client.loop_start()
    try:
        wait_for(lambda: client.is_connected() or bool(plain.refused), what="the broker's answer")
        yield plain
    finally:
        client.disconnect()
        client.loop_stop()
