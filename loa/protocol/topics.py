"""The topic table: which message goes where, in which direction, how, and how large it may be."""

from dataclasses import dataclass
from enum import StrEnum

from loa.protocol.errors import MalformedError
from loa.protocol.ids import AreaId, NodeId, is_slug
from loa.protocol.programme import ConfigPointer, ProgrammePointer, Urgent
from loa.protocol.reports import Answer, Hello, Receipt, Reports, State
from loa.protocol.units import SizeBytes

PREFIX = "loa/v1"

Message = Urgent | ProgrammePointer | ConfigPointer | Hello | Answer | State | Reports | Receipt


class Channel(StrEnum):
    """What a topic carries; the last segment of its name."""

    URGENT = "urgent"
    PROGRAMME = "programme"
    CONFIG = "config"
    HELLO = "hello"
    ANSWER = "answer"
    STATE = "state"
    REPORTS = "reports"
    RECEIPT = "receipt"


class Owner(StrEnum):
    """Whose topic it is; the segment after the prefix."""

    AREA = "areas"
    NODE = "nodes"


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table."""

    channel: Channel
    owner: Owner
    model: type[Message]
    upward: bool
    """From a node to the controller."""
    retained: bool
    limit_bytes: SizeBytes
    """Of the whole payload, envelope included."""
    purpose: str
    qos: int = 1


TABLE: tuple[Row, ...] = (
    Row(Channel.URGENT, Owner.AREA, Urgent, upward=False, retained=True, limit_bytes=SizeBytes(4_096),
        purpose="emergencies, withdrawals and silences of now"),
    Row(Channel.PROGRAMME, Owner.AREA, ProgrammePointer, upward=False, retained=True,
        limit_bytes=SizeBytes(2_048), purpose="pointer to the programme; the body comes over HTTP"),
    Row(Channel.CONFIG, Owner.NODE, ConfigPointer, upward=False, retained=True,
        limit_bytes=SizeBytes(2_048), purpose="pointer to areas, policy and settings of the node"),
    Row(Channel.HELLO, Owner.NODE, Hello, upward=True, retained=False, limit_bytes=SizeBytes(16_384),
        purpose="versions held, boot id, nonce for the clock"),
    Row(Channel.ANSWER, Owner.NODE, Answer, upward=False, retained=False, limit_bytes=SizeBytes(16_384),
        purpose="controller's time and current versions, for one nonce"),
    Row(Channel.STATE, Owner.NODE, State, upward=True, retained=True, limit_bytes=SizeBytes(16_384),
        purpose="how the node is; also its will"),
    Row(Channel.REPORTS, Owner.NODE, Reports, upward=True, retained=False, limit_bytes=SizeBytes(262_144),
        purpose="batch of numbered reports of the node's journal"),
    Row(Channel.RECEIPT, Owner.NODE, Receipt, upward=False, retained=False, limit_bytes=SizeBytes(2_048),
        purpose="highest number stored without a gap"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic as a value; `str()` gives its name. Raises `MalformedError` for an owner that is no slug."""

    channel: Channel
    owner_id: AreaId | NodeId

    def __post_init__(self) -> None:
        if not is_slug(self.owner_id):
            raise MalformedError(f"{self.owner_id!r} cannot stand in a topic: use a-z, 0-9, _ and -")

    @classmethod
    def parse(cls, name: str) -> "Topic":
        """The topic of that name; `MalformedError` if it is not in the table."""
        parts = name.split("/")
        if len(parts) != len(("loa", "v1", "owner", "id", "channel")) or not name.startswith(PREFIX + "/"):
            raise MalformedError(f"{name!r} is not a topic of {PREFIX}")
        for row in TABLE:
            if (row.owner, row.channel) == (parts[2], parts[4]):
                return cls(row.channel, AreaId(parts[3]))
        raise MalformedError(f"{name!r} is not in the topic table")

    @property
    def row(self) -> Row:
        """The topic's row of the table."""
        return row_of(self.channel)

    def __str__(self) -> str:
        return f"{PREFIX}/{self.row.owner}/{self.owner_id}/{self.channel}"


def row_of(channel: Channel) -> Row:
    """The row of the table for that channel."""
    return next(row for row in TABLE if row.channel == channel)


def wildcard(channel: Channel) -> str:
    """The filter with which the controller reads that channel of every owner."""
    return f"{PREFIX}/{row_of(channel).owner}/+/{channel}"
