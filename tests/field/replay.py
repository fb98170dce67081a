"""Somebody who hears everything on the broker, and says it again later."""

from contextlib import ExitStack
from random import Random
from types import TracebackType
from typing import Any, Self

from paho.mqtt.client import Client, MQTTMessage

from tests.field.world import Parish
from tests.flow.intruder import Intruder

_MOST = 200
_AT_ONCE = 30
_EVERYTHING = "loa/v1/#"


class Recorder:
    """Listens from its first replay on; what it says is not retained, as a copy on the way is not."""

    def __init__(self, parish: Parish) -> None:
        self._parish = parish
        self._heard: list[tuple[str, bytes]] = []
        self._open = ExitStack()

    def __enter__(self) -> Self:
        self.listen()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._open.close()

    def listen(self) -> Intruder:
        """Get in (again: the controller has rewritten the accounts meanwhile), and hear all."""
        self._open.close()
        intruder = self._open.enter_context(self._parish.intruder())
        intruder.overhear(_EVERYTHING, self._take)
        return intruder

    def play_again(self, dice: Random) -> int:
        """How many old messages came again."""
        old = [(topic, payload) for topic, payload in self._heard if payload]
        intruder = self.listen()
        chosen = dice.sample(old, min(len(old), _AT_ONCE))
        for topic, payload in chosen:
            intruder.publish(topic, payload, retain=False)
        return len(chosen)

    def _take(self, _client: Client, _data: Any, message: MQTTMessage) -> None:  # noqa: ANN401 -- paho's signature
        said = (message.topic, bytes(message.payload))
        if said not in self._heard[-_MOST:]:
            self._heard = [*self._heard[-_MOST:], said]
