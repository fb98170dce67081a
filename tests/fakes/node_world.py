"""Fakes of a node's smaller ports: time, courier, downloads, recordings."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from queue import Full, Queue

from loa.node_agent.core.data_budget import Usage
from loa.node_agent.core.readings import Readings
from loa.node_agent.ports import Arrival, Job, Message
from loa.protocol.ids import RecordingId
from loa.protocol.reasons import ClockState
from loa.protocol.units import SizeBytes


class FakeTime:
    """A `Timekeeper` that goes when it is told to; both clocks go together."""

    def __init__(self, now: datetime) -> None:
        self.time = now
        self.seconds = 1_000.0
        self.trust = ClockState.TRUSTED

    def now(self) -> datetime:
        return self.time

    def monotonic(self) -> float:
        return self.seconds

    def state(self) -> ClockState:
        return self.trust

    def set(self, to: datetime) -> None:
        """As NTP or a hand sets the wall clock: no time passes."""
        self.time = to

    def go(self, to: datetime) -> None:
        self.seconds += (to - self.time) / timedelta(seconds=1)
        self.time = to


class FakeBroker:
    """Topics in memory: keeps what is retained, and delivers at once."""

    def __init__(self) -> None:
        self.retained: dict[str, bytes] = {}
        self.published: list[tuple[str, bytes]] = []
        self.couriers: list[FakeCourier] = []
        self.is_up = True

    def publish(self, topic: str, payload: bytes, *, retain: bool) -> None:
        self.published.append((topic, payload))
        if retain:
            self.retained[topic] = payload
        for courier in self.couriers:
            courier.deliver(topic, payload)

    def go_down(self) -> None:
        self.is_up = False
        for courier in self.couriers:
            courier.lose_the_link()

    def come_up(self) -> None:
        self.is_up = True
        for courier in self.couriers:
            courier.start()


class FakeCourier:
    """A `Courier` to a `FakeBroker`."""

    def __init__(self, broker: FakeBroker, *, inbox: Queue[Arrival], clock: FakeTime) -> None:
        self.connections = 0
        self.lost = 0
        self.is_connected = False
        self._broker = broker
        self._inbox = inbox
        self._clock = clock
        self._topics: tuple[str, ...] = ()
        broker.couriers.append(self)

    def start(self) -> None:
        if self._broker.is_up:
            self.is_connected = True
            self.connections += 1
            self._subscribe()

    def listen(self, topics: Sequence[str]) -> None:
        self._topics = tuple(topics)
        if self.is_connected:
            self._subscribe()

    def send(self, topic: str, payload: bytes, *, retain: bool) -> bool:
        if self.is_connected:
            self._broker.publish(topic, payload, retain=retain)
        return self.is_connected

    def close(self) -> None:
        self.is_connected = False

    def lose_the_link(self) -> None:
        self.is_connected = False

    def deliver(self, topic: str, payload: bytes) -> None:
        if self.is_connected and topic in self._topics:
            try:
                self._inbox.put_nowait(Message(topic, payload, self._clock.now()))
            except Full:
                self.lost += 1

    def _subscribe(self) -> None:
        for topic in self._topics:
            if topic in self._broker.retained:
                self.deliver(topic, self._broker.retained[topic])


class FakeDownloads:
    """`Downloads` that only remember what is wanted."""

    def __init__(self) -> None:
        self.jobs: list[Job] = []

    def want(self, jobs: Sequence[Job]) -> None:
        self.jobs = list(jobs)

    def close(self) -> None:
        self.jobs = []


class FakeRecordings:
    """`Recordings` whose files are said to be there."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.sizes: dict[RecordingId, SizeBytes] = {}
        self.damaged: set[RecordingId] = set()

    def place(self, recording: RecordingId) -> Path:
        return self._folder / f"{recording}.ogg"

    def here(self) -> dict[RecordingId, SizeBytes]:
        return dict(self.sizes)

    def is_sound(self, recording: RecordingId) -> bool:
        return recording in self.sizes and recording not in self.damaged

    def keep_only(self, needed: Iterable[RecordingId]) -> int:
        gone = set(self.sizes) - set(needed)
        for recording in gone:
            del self.sizes[recording]
        return len(gone)

    def free_bytes(self) -> SizeBytes:
        return SizeBytes(10**9)


class FakeSensors:
    """`Sensors` that see what a test says."""

    def __init__(self) -> None:
        self.readings: Readings | None = None
        self.is_closed = False

    def latest(self) -> Readings | None:
        return self.readings

    def close(self) -> None:
        self.is_closed = True


class FakeUsageKeeper:
    """`UsageKeeper` that counts how often it was written."""

    def __init__(self, usage: Usage | None = None) -> None:
        self.usage = usage
        self.writes = 0

    def read(self) -> Usage | None:
        return self.usage

    def write(self, usage: Usage) -> None:
        self.usage = usage
        self.writes += 1
