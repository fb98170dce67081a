import logging
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from queue import Full, Queue
from random import SystemRandom
from threading import Event, Lock, Thread
from typing import Any

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from loa.audio.clock import Clock
from loa.node_agent.adapters.tls import Pass, broker_context
from loa.node_agent.ports import Arrival, Crashed, Message
from loa.protocol.ids import NodeId

KEEPALIVE_S = 170
"""Under the three minutes after which some mobile networks forget a connection; each ping costs the SIM."""
_UNHEARD_MS = 40_000
"""What the other end does not acknowledge for so long tells of a dead link long before a ping would."""
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 1.0, 30.0
"""Between attempts; each pause is drawn from half of it to the whole, so that nodes don't come together."""
_LOOP_S = 0.5
_CLOSE_S = 0.6
_QOS = 1
_MOST_QUEUED = 100

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Broker:
    """Where the broker is. `host` may be an IPv6 address, in brackets or not."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Will:
    """What the broker says for us when the link is lost; made anew for every connection."""

    topic: str
    make_payload: Callable[[], bytes]


class MqttCourier:
    """`Courier` by MQTT 3.1.1 over TLS on a thread of its own, with a clean session and a retained will.

    The callbacks only hand over; what finds the inbox full is dropped and counted. The certificate is read
    anew for every connection, and `broker` is asked where it is. `turned_away` is called when a broker was
    there and ended the connection.
    """

    def __init__(
        self,
        broker: Callable[[], Broker],
        *,
        node: NodeId,
        shows: Pass,
        will: Will,
        inbox: Queue[Arrival],
        clock: Clock,
        turned_away: Callable[[], None],
    ) -> None:
        self._find = broker
        self._broker = broker()
        self._node = node
        self._shows = shows
        self._turned_away = turned_away
        self._context = broker_context(shows.authority)
        self._will = will
        self._inbox = inbox
        self._clock = clock
        self._lock = Lock()
        self._random = SystemRandom()
        self._topics: tuple[str, ...] = ()
        self._closed = Event()
        self.connections = 0
        self.lost = 0
        self._client = self._make_client()
        self._thread = Thread(target=self._run, name="loa-courier", daemon=True)

    @property
    def is_connected(self) -> bool:
        """See `Courier.is_connected`."""
        return self._client.is_connected()

    def start(self) -> None:
        """See `Courier.start`."""
        self._thread.start()

    def listen(self, topics: Sequence[str]) -> None:
        """See `Courier.listen`."""
        with self._lock:
            gone = [topic for topic in self._topics if topic not in topics]
            self._topics = tuple(topics)
            if self._client.is_connected():
                if gone:
                    self._client.unsubscribe(gone)
                self._subscribe()

    def send(self, topic: str, payload: bytes, *, retain: bool) -> bool:
        """See `Courier.send`."""
        if not self._client.is_connected():
            return False
        return self._client.publish(topic, payload, _QOS, retain).rc == MQTTErrorCode.MQTT_ERR_SUCCESS

    def close(self) -> None:
        """See `Courier.close`."""
        self._closed.set()
        self._client.disconnect()
        if self._thread.is_alive():
            self._thread.join(_CLOSE_S)

    def _make_client(self) -> Client:
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._node,
            clean_session=True,
            protocol=MQTTProtocolVersion.MQTTv311,
        )
        client.tls_set_context(self._context)
        client.max_queued_messages_set(_MOST_QUEUED)
        client.on_socket_open = _tune
        client.on_socket_register_write = _leave_writing_to_the_loop
        client.on_pre_connect = self._before_connect
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        return client

    def _run(self) -> None:
        try:
            pause_s = _FIRST_PAUSE_S
            while not self._closed.is_set():
                before = self.connections
                was_there = self._hold_the_link()
                has_been_in = self.connections > before
                pause_s = _FIRST_PAUSE_S if has_been_in else min(2 * pause_s, _LONGEST_PAUSE_S)
                if was_there and not has_been_in:
                    self._turned_away()
                self._closed.wait(pause_s * self._random.uniform(0.5, 1))
        except Exception as error:  # noqa: BLE001 -- the root of a thread; the agent ends with it
            self._inbox.put(Crashed("courier", error))

    def _hold_the_link(self) -> bool:
        """Connect, and serve the connection until it is lost. Whether a broker of ours answered at all."""
        was_there = False
        try:
            self._context.load_cert_chain(self._shows.certificate, self._shows.key)
            self._broker = self._find()
            self._client.connect_async(self._broker.host.strip("[]"), self._broker.port, KEEPALIVE_S)
            self._client.reconnect()
            was_there = True
            while self._client.loop(_LOOP_S) == MQTTErrorCode.MQTT_ERR_SUCCESS:
                if self._closed.is_set() and not self._client.want_write():
                    break
        except OSError as error:
            _log.info("event=broker_unreachable host=%s detail=%r", self._broker.host, str(error))
        return was_there

    def _before_connect(self, client: Client, _userdata: Any) -> None:  # noqa: ANN401 -- paho's signature
        client.will_set(self._will.topic, self._will.make_payload(), _QOS, retain=True)

    def _on_connect(
        self,
        _client: Client,
        _userdata: Any,  # noqa: ANN401 -- paho's signature
        _flags: ConnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        if reason.is_failure:
            _log.error("event=broker_refused reason=%s", str(reason).replace(" ", "_"))
            return
        with self._lock:
            self._subscribe()
        self.connections += 1
        _log.info("event=connected host=%s port=%d", self._broker.host, self._broker.port)

    def _on_disconnect(
        self,
        _client: Client,
        _userdata: Any,  # noqa: ANN401 -- paho's signature
        _flags: DisconnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        _log.info("event=disconnected reason=%s", str(reason).replace(" ", "_"))

    def _on_message(self, _client: Client, _userdata: Any, message: MQTTMessage) -> None:  # noqa: ANN401 -- paho's signature
        try:
            at, came_s = self._clock.now(), self._clock.monotonic()
            self._inbox.put_nowait(Message(message.topic, bytes(message.payload), at, came_s))
        except Full:
            self.lost += 1

    def _subscribe(self) -> None:
        if self._topics:
            self._client.subscribe([(topic, _QOS) for topic in self._topics])


def _tune(_client: Client, _userdata: Any, opened: Any) -> None:  # noqa: ANN401 -- paho's signature
    """Give up who is not heard; hold back nothing, or an answer takes 40 ms and tells the wrong time."""
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNHEARD_MS)
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _leave_writing_to_the_loop(_client: Client, _userdata: Any, _opened: Any) -> None:  # noqa: ANN401 -- paho's signature
    """That somebody says so keeps `publish` from writing at once, on whatever thread it is called.

    One thread that writes while another reads breaks a TLS connection: OpenSSL does not guard it.
    """
