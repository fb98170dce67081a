"""What the controller's services need from outside; `main` alone decides who provides it."""

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from loa.controller.core.trail import Sealed
from loa.protocol.broadcast import Entry
from loa.protocol.ids import AreaId, NodeId
from loa.protocol.programme import Silence
from loa.protocol.topics import Message, Topic


class Clock(Protocol):
    """The time of day."""

    def now(self) -> datetime:
        """The current instant, aware UTC."""
        ...


class Courier(Protocol):
    """Carries signed messages to the broker; forgets them when it fails, since the database is the truth."""

    def send(self, topic: Topic, message: Message) -> bytes:
        """Sign and hand over to the broker's client; returns the payload. Never blocks on the network.

        Retained and QoS as the topic table says. While the broker is away nothing is queued: on every
        connect the publisher sends anew what is retained.
        """
        ...

    def resend(self, topic: Topic, payload: bytes) -> None:
        """Hand over a payload that was signed before, as it is."""
        ...

    @property
    def connected(self) -> bool:
        """Whether the broker's session is up."""
        ...


class Publisher(Protocol):
    """Makes programmes, urgent messages and configurations from the database and sends them."""

    def programme_changed(self, areas: frozenset[AreaId]) -> None:
        """Call after the commit that changed placements, withdrawals or order of these areas."""
        ...

    def emergency(self, areas: frozenset[AreaId], entry: Entry, over_at: datetime | None) -> None:
        """Call after the commit that placed an emergency in these areas."""
        ...

    def urgent_changed(self, areas: frozenset[AreaId]) -> None:
        """Call after the commit that changed emergencies, withdrawals or silences of now."""
        ...

    def config_changed(self, nodes: frozenset[AreaId]) -> None:
        """Call after the commit that changed areas, zones, policy or settings of these nodes."""
        ...


class Access(Protocol):
    """The broker's list of who may read and write what."""

    def refresh(self) -> None:
        """Write users and ACL anew from the database and make the broker read them."""
        ...

    def cut(self, node: NodeId) -> None:
        """As `refresh`, and end the connection of a node whose certificates were revoked."""
        ...


class EventKind(StrEnum):
    """What pages are told about as it happens."""

    BULLETIN = "bulletin"
    BROADCAST = "broadcast"
    LOG = "log"
    NODE = "node"
    SILENCE = "silence"
    INCIDENT = "incident"
    SESSION = "session"
    """Look whether the session of the page is still one; for the stream alone, pages never see it."""


class Events(Protocol):
    """Tells open pages what changed; loses nothing that matters, since pages read the database."""

    def announce(self, kind: EventKind, area: AreaId, subject: str) -> None:
        """Thread-safe; `subject` is the id of what changed; `area` decides who may hear of it."""
        ...


@dataclass(frozen=True, slots=True)
class Event:
    """What a page is told: what changed, where, and its id."""

    kind: EventKind
    area: AreaId
    subject: str


Told = tuple[Event, ...]
"""What a page is told at once; nothing: it was too slow, and loads everything anew."""


class EventStream(Protocol):
    """The pages' side of the events."""

    @property
    def open_pages(self) -> int:
        """How many listen now."""
        ...

    def listen(
        self, may_hear: Callable[[AreaId], bool], user: str = ""
    ) -> AbstractContextManager[AsyncIterator[Told]]:
        """The events from now on.

        What concerns the sessions of that `user` is among them.
        """
        ...


@dataclass(frozen=True, slots=True)
class AreaSilence:
    """A silence and the area that it silences."""

    area: AreaId
    silence: Silence


class SilenceJournal(Protocol):
    """Silences on a disk of their own account: they work without the database. Thread-safe."""

    def append(self, area: AreaId, silence: Silence) -> AreaSilence:
        """Give it the next counter and return once it is on the disk. Raises OSError if it cannot be."""
        ...

    def of(self, area: AreaId, at: datetime) -> list[Silence]:
        """The silences of the area that end after `at`, by counter."""
        ...

    def after(self, counter: int) -> list[AreaSilence]:
        """Those numbered higher than `counter`, in order."""
        ...

    def adopt(self, silences: Iterable[AreaSilence]) -> None:
        """Take in those that it lacks, as after the loss of its disk. Raises OSError."""
        ...


class Post(Protocol):
    """A server that takes mails."""

    def send(self, to: str, subject: str, text: str) -> None:
        """Hand over one mail; raises `Unavailable` with what the server said."""
        ...


class RightsFile(Protocol):
    """The copy of people's rights on disk with which STOP works without the database."""

    def write(self, content: bytes) -> None:
        """Replace the copy; raises OSError."""
        ...

    def read(self) -> bytes | None:
        """The last copy, None if there is none."""
        ...


class LineSender(Protocol):
    """Where lines of the audit trail are forwarded to."""

    def send(self, line: Sealed) -> None:
        """Hand over; may take seconds. Raises OSError, and then the line was not sent."""
        ...

    def close(self) -> None:
        """End the connection; the next `send` opens another."""
        ...
