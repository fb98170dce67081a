"""The controller's MQTT client: paho, wrapped once."""

import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import structlog
from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from loa.controller.adapters.eviction import broker_context
from loa.controller.services.metrics import Metrics
from loa.protocol.codec import encode
from loa.protocol.keys import SigningKey
from loa.protocol.topics import TABLE, Message, Topic, wildcard

_log = structlog.get_logger(__name__)


class Receive(Protocol):
    """Takes what came; called on the client's thread, must not wait."""

    def __call__(self, topic: str, payload: bytes, *, retained: bool) -> None:
        """`retained`: it was said at some time before we subscribed."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerAddress:
    """Where the broker is and who we are there; `host` is a name or a literal of IPv4 or IPv6."""

    host: str
    port: int
    name: str
    """The client id; the broker goes by the name in the certificate."""
    authority: str
    """PEM of the certificate that the broker's own is from."""
    certificate: Path
    """Our key and certificate in one file, which is read anew for every connection."""


class PahoCourier:
    """`loa.controller.ports.Courier` over MQTT 3.1.1. Nothing is queued while the broker is away."""

    def __init__(
        self, *, address: BrokerAddress, key: SigningKey, receive: Receive, metrics: Metrics
    ) -> None:
        self._address = address
        self._key = key
        self._receive = receive
        self._metrics = metrics
        self._on_connect: Callable[[], None] | None = None
        self._awaited: set[int] = set()
        self._context = broker_context(address.authority)
        self._client = self._make_client()

    def start(self, *, on_connect: Callable[[], None]) -> None:
        """Connect now and after every loss; `on_connect` is called once the subscriptions stand."""
        self._on_connect = on_connect
        self._client.connect_async(self._address.host, self._address.port, keepalive=30)
        self._client.loop_start()

    def stop(self) -> None:
        """Say goodbye and end the thread."""
        self._client.disconnect()
        self._client.loop_stop()

    def send(self, topic: Topic, message: Message) -> bytes:
        """Sign, hand over, return the payload. Raises `TooLargeError` over the topic's limit."""
        payload = encode(topic, message, self._key)
        self.resend(topic, payload)
        return payload

    def resend(self, topic: Topic, payload: bytes) -> None:
        """Hand over as it is; nothing happens while the broker is away."""
        if self._client.is_connected():
            self._client.publish(str(topic), payload, qos=topic.row.qos, retain=topic.row.retained)
            self._metrics.published.labels(topic.channel).inc()

    @property
    def connected(self) -> bool:
        """Whether the broker's session is up."""
        return self._client.is_connected()

    def _make_client(self) -> Client:
        client = Client(CallbackAPIVersion.VERSION2, client_id=self._address.name)
        client.tls_set_context(self._context)
        client.on_pre_connect = self._before_connect
        client.reconnect_delay_set(min_delay=1, max_delay=10)
        client.max_inflight_messages_set(0)
        client.on_socket_open = _hold_back_nothing
        client.on_connect = self._connected
        client.on_connect_fail = self._failed
        client.on_subscribe = self._subscribed
        client.on_disconnect = self._disconnected
        client.on_message = self._took
        return client

    # Callbacks, on the client's thread: they hand over, and never wait.

    def _before_connect(self, _client: Client, _data: object) -> None:
        self._context.load_cert_chain(self._address.certificate)

    def _connected(
        self,
        client: Client,
        _data: object,
        _flags: ConnectFlags,
        code: ReasonCode,
        _more: Properties | None,
    ) -> None:
        if code.is_failure:
            _log.error("courier.refused", why=str(code), broker=self._address.host)
            return
        filters = [(wildcard(row.channel), row.qos) for row in TABLE if row.upward]
        _, number = client.subscribe(filters)
        self._awaited = {number} if number is not None else set()

    def _subscribed(
        self,
        _client: Client,
        _data: object,
        number: int,
        codes: list[ReasonCode],
        _more: Properties | None,
    ) -> None:
        if number not in self._awaited:
            return
        if any(code.is_failure for code in codes):
            _log.error("courier.subscription_refused", codes=[str(code) for code in codes])
        self._metrics.connected.set(1)
        _log.info("courier.connected", broker=self._address.host, port=self._address.port)
        if self._on_connect is not None:
            self._on_connect()

    def _failed(self, _client: Client, _data: object) -> None:
        _log.warning("courier.unreachable", broker=self._address.host, port=self._address.port)

    def _disconnected(
        self,
        _client: Client,
        _data: object,
        _flags: DisconnectFlags,
        code: ReasonCode,
        _more: Properties | None,
    ) -> None:
        self._metrics.connected.set(0)
        if code != ReasonCode(PacketTypes.DISCONNECT):
            _log.warning("courier.disconnected", why=str(code))

    def _took(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        self._receive(message.topic, bytes(message.payload), retained=message.retain)


def _hold_back_nothing(_client: Client, _data: object, opened: Any) -> None:  # noqa: ANN401 -- paho's signature
    """Or a message that follows another waits up to 40 ms for that one's acknowledgement."""
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
