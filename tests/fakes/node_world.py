"""Fakes of a node's smaller ports: time, courier, downloads, recordings."""

import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from queue import Full, Queue
from typing import Protocol

from loa.node_agent.core.data_budget import Usage
from loa.node_agent.core.readings import Readings
from loa.node_agent.ports import Arrival, Job, Message, NodeClock, Reading, Step, Timekeeper
from loa.protocol.ids import RecordingId
from loa.protocol.programme import Address
from loa.protocol.reasons import ClockSource, ClockState
from loa.protocol.units import SizeBytes

_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


class SystemTime:
    """A `Timekeeper` on this machine's own clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    def state(self) -> ClockState:
        return ClockState.TRUSTED


class WorldClock(NodeClock, Protocol):
    """A clock that goes when it is told to."""

    def set(self, to: datetime) -> None:
        """As NTP sets the wall clock: no time passes."""

    def go(self, to: datetime) -> None:
        """Time passes until the clock shows `to`."""


class FakeTime:
    """A `NodeClock` that NTP keeps, and that goes when it is told to; both clocks go together."""

    def __init__(self, now: datetime) -> None:
        self.time = now
        self.seconds = 1_000.0
        self.trust = ClockState.TRUSTED
        self._step: Step | None = None

    def now(self) -> datetime:
        return self.time

    def monotonic(self) -> float:
        return self.seconds

    def state(self) -> ClockState:
        return self.trust

    def set(self, to: datetime) -> None:
        """As NTP sets the wall clock: no time passes."""
        self._step = Step(was=self.time, now=to)
        self.time = to

    def go(self, to: datetime) -> None:
        self.seconds += (to - self.time) / timedelta(seconds=1)
        self.time = to

    @property
    def is_set(self) -> bool:
        return True

    @property
    def wants_answer(self) -> bool:
        return False

    def look(self) -> Step | None:
        step, self._step = self._step, None
        return step

    def take_answer(self, at: datetime, round_trip_s: float, came_s: float) -> Step | None:  # noqa: ARG002 -- NTP keeps this clock
        return None

    def not_before(self, at: datetime) -> Step | None:  # noqa: ARG002 -- as above
        return None

    def reading(self) -> Reading:
        return Reading(
            state=self.trust, source=ClockSource.NTP, error_s=0.01, apart_s=None, apart_error_s=0.0
        )


class FakeUpkeep:
    """Says whether it was begun and ended, and where the controller was said to be."""

    def __init__(self) -> None:
        self.is_running = False
        self.heard: Address | None = None

    def start(self) -> None:
        self.is_running = True

    def follow(self, heard: Address | None) -> None:
        self.heard = heard

    def close(self) -> None:
        self.is_running = False


class FakeWatchdog:
    """A `Watchdog` that counts how often the loop turned."""

    def __init__(self) -> None:
        self.is_ready = False
        self.turns = 0
        self.is_stopping = False

    def ready(self) -> None:
        self.is_ready = True

    def alive(self, now_s: float) -> None:  # noqa: ARG002 -- the port's signature
        self.turns += 1

    def stopping(self) -> None:
        self.is_stopping = True


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

    def __init__(self, broker: FakeBroker, *, inbox: Queue[Arrival], clock: Timekeeper) -> None:
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
                self._inbox.put_nowait(Message(topic, payload, self._clock.now(), self._clock.monotonic()))
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
        self.needed_at: dict[RecordingId, datetime] = {}
        self.disk_bytes = 10**9

    def place(self, recording: RecordingId) -> Path:
        return self._folder / f"{recording}.ogg"

    def here(self) -> dict[RecordingId, SizeBytes]:
        return dict(self.sizes)

    def is_sound(self, recording: RecordingId) -> bool:
        return recording in self.sizes and recording not in self.damaged

    def begun(self) -> dict[RecordingId, SizeBytes]:
        return {}

    def last_needed(self) -> dict[RecordingId, datetime]:
        return {recording: self.needed_at.get(recording, _NEVER) for recording in self.sizes}

    def note_needed(self, needed: Iterable[RecordingId], at: datetime) -> None:
        self.needed_at |= dict.fromkeys(needed, at)

    def drop(self, recordings: Iterable[RecordingId]) -> None:
        for recording in recordings:
            self.sizes.pop(recording, None)

    def sweep(self, awaited: Iterable[RecordingId]) -> int:
        del awaited
        return 0

    def free_bytes(self) -> SizeBytes:
        return SizeBytes(self.disk_bytes - sum(self.sizes.values()))


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
