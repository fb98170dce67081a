from dataclasses import dataclass

from loa.node_agent.ports import Timekeeper
from loa.protocol.codec import encode
from loa.protocol.ids import BootId, HardwareId, NodeId
from loa.protocol.keys import SigningKey
from loa.protocol.reports import Detail, State
from loa.protocol.topics import Channel, Message, Topic


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """Who speaks: the node, in this boot, with its key. Safe from any thread."""

    node: NodeId
    boot_id: BootId
    key: SigningKey
    clock: Timekeeper
    machine: HardwareId | None = None
    card: HardwareId | None = None

    @property
    def state_topic(self) -> str:
        """Where state and will go."""
        return str(Topic(Channel.STATE, self.node))

    def sealed(self, channel: Channel, message: Message) -> tuple[Topic, bytes]:
        """A message of this node, signed, and its topic. Raises `TooLargeError`."""
        topic = Topic(channel, self.node)
        return topic, encode(topic, message, self.key)

    def will(self) -> bytes:
        """What the broker is to say once the link is lost."""
        state = State(
            node=self.node,
            boot_id=self.boot_id,
            at=self.clock.now(),
            detail=Detail.WILL,
            clock=self.clock.state(),
        )
        return self.sealed(Channel.STATE, state)[1]
