"""Somebody who got at the broker, and reads and writes there as the controller and the nodes do."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from queue import Queue
from ssl import SSLContext
from types import TracebackType
from typing import Any, Self

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from loa.controller.core.broker_rules import BrokerFiles, acl_text, controller_user
from tests.certificates import Issuer, context_of
from tests.waiting import wait_for

_WITHIN_S = 30.0
_NAME = "intruder"


class Intruder:
    """A second client of the broker, with somebody's certificate."""

    def __init__(self, *, host: str, port: int, context: SSLContext) -> None:
        self._came: Queue[bytes] = Queue()
        self._client = Client(CallbackAPIVersion.VERSION2, client_id="intruder")
        self._client.tls_set_context(context)
        self._client.on_message = self._took
        self._client.connect_async(host, port)

    def __enter__(self) -> Self:
        self._client.loop_start()
        wait_for(self._client.is_connected, what="the broker lets the intruder in")
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def retained(self, topic: str) -> bytes:
        """What the broker keeps under a topic."""
        self._client.subscribe(topic, 1)
        found = self._came.get(timeout=_WITHIN_S)
        self._client.unsubscribe(topic)
        return found

    def overhear(self, topics: str, take: Callable[[Client, Any, MQTTMessage], None]) -> None:
        """Have everything under a filter given to `take`, on the client's thread."""
        self._client.message_callback_add(topics, take)
        self._client.subscribe(topics, 1)

    def publish(self, topic: str, payload: bytes, *, retain: bool = True) -> None:
        """Send it; returns when the broker has it."""
        self._client.publish(topic, payload, qos=1, retain=retain).wait_for_publish(_WITHIN_S)

    def _took(self, _client: Client, _data: Any, message: MQTTMessage) -> None:  # noqa: ANN401 -- paho's signature
        self._came.put(bytes(message.payload))


def break_in(data: Path, *, folder: Path, host: str, port: int) -> Intruder:
    """With what is in a controller's data directory: as somebody who may write everything."""
    context = context_of(Issuer.of_controller(data, folder).authority.pem, let_in(data, folder, _NAME))
    return Intruder(host=host, port=port, context=context)


def let_in(data: Path, folder: Path, name: str) -> Path:
    """Key and certificate of a new account that reads and writes as the controller does, in one file."""
    files = BrokerFiles(data / "broker")
    with Path(files.acl).open("a") as file:
        file.write("\n" + acl_text([controller_user(name)]))
    os.kill(int(Path(files.pid).read_text()), signal.SIGHUP)
    return Issuer.of_controller(data, folder).client(name)
