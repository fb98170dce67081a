"""A courier and its broker in memory."""

from collections.abc import Callable
from dataclasses import dataclass, field

from loa.protocol.codec import decode, encode
from loa.protocol.keys import KeyRing, SigningKey
from loa.protocol.topics import Message, Topic


@dataclass
class FakeCourier:
    """Keeps what was sent; what is sent while away is gone."""

    key: SigningKey = field(default_factory=SigningKey.generate)
    sent: list[tuple[Topic, bytes]] = field(default_factory=list)
    retained: dict[str, bytes] = field(default_factory=dict)
    connected: bool = True
    deliver: Callable[[str, bytes], None] = field(default=lambda _topic, _payload: None)

    def send(self, topic: Topic, message: Message) -> bytes:
        payload = encode(topic, message, self.key)
        self.resend(topic, payload)
        return payload

    def resend(self, topic: Topic, payload: bytes) -> None:
        if not self.connected:
            return
        self.sent.append((topic, payload))
        if topic.row.retained:
            self.retained[str(topic)] = payload
        self.deliver(str(topic), payload)

    def messages(self, topic: Topic) -> list[Message]:
        """What was sent on the topic so far."""
        return [self.read(topic, payload) for at, payload in self.sent if at == topic and payload]

    def last(self, topic: Topic) -> Message:
        """What was sent on the topic last; fails if nothing was."""
        return self.messages(topic)[-1]

    def read(self, topic: Topic, payload: bytes) -> Message:
        return decode(topic, payload, KeyRing([self.key.public]))
