"""From a message at the node to its effect on the sound: an emergency, and a STOP.

A whole agent on a null sink plays something soft; the emergency is loud, so that its first sample cannot be
mistaken. Times run from the moment at which the message is handed to the broker until the sample leaves the
sink, by the recorder's clock: broker, agent and the buffers of the card are all in it. An emergency that is
issued with the controller's lead (ADR 0013) is due later than it comes, and is measured from then.
"""

import random
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from bench.figure import Figure
from bench.monitors import Recording, recorded
from bench.square import Square, at_the_millisecond, square
from loa.audio.player import RATE_HZ
from loa.audio.sounddevice_player import BLOCK_MS
from loa.protocol.broadcast import RecordingSource
from loa.protocol.ids import RecordingId
from loa.protocol.kinds import BroadcastClass
from tests.audio.support import encode, noise, write_wav
from tests.node_agent.makers import (
    make_broadcast,
    make_entry,
    make_programme,
    make_silence,
    make_source,
    make_urgent,
)
from tests.pulse import SINKS, pulse

ROUNDS = 25
MOST_MS = 100.0
BLOCKS_TO_THE_EAR = 4
"""The block that is being waited for and three that are in the card: what no agent can undercut."""
LEAD = timedelta(milliseconds=500)
SOFT, LOUD = 600.0, 24_000.0
"""Levels of the noise; between them lies `_THRESHOLD`, above all of the one and below most of the other."""
_THRESHOLD = 3_000
_SOUNDS_S = 0.6
_EVERY_S = 2.0


@dataclass(frozen=True, slots=True)
class Effects:
    """In ms, one a round."""

    due_now: Sequence[float]
    """Emergencies that are due when they come, from the message."""
    with_lead: Sequence[float]
    """Emergencies half a second ahead, from the instant at which they are due."""
    stop: Sequence[float]
    """STOP, from the message to the last sample."""


def measure() -> Figure:
    found = effects()
    worst = max(_p99(found.due_now), _p99(found.stop), _p99(found.with_lead))
    limit_ms = BLOCKS_TO_THE_EAR * BLOCK_MS
    series = {"emergency due now": found.due_now, "with lead": found.with_lead, "STOP": found.stop}
    notes = "; ".join(
        f"{name}: p50 {np.percentile(of, 50):.1f}, p99 {_p99(of):.1f} ms, {len(of)} times"
        for name, of in series.items()
    )
    return Figure(
        name="preempt",
        value=worst,
        unit="ms p99",
        peer=limit_ms,
        peer_unit="ms of blocks in the card",
        ratio=worst / limit_ms,
        target=f"message at the node to changed sample, emergency and STOP: p99 at most {MOST_MS:g} ms",
        met=worst <= MOST_MS,
        notes=notes,
    )


def effects() -> Effects:
    """All rounds of all kinds, with one agent."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with (
            pulse(folder) as served,
            recorded(served, SINKS[:1]) as (recording,),
            square(folder, served, SINKS[:1]) as agents,
        ):
            rounds = _Rounds(folder, agents, recording)
            due_now = rounds.emergencies(timedelta(0))
            with_lead = rounds.emergencies(LEAD)
            stops = rounds.stops()
    return Effects(due_now, with_lead, stops)


class _Rounds:
    """Issues, waits, and looks at what was recorded."""

    def __init__(self, folder: Path, agents: Square, recording: Recording) -> None:
        self._station = agents.station
        self._agents = agents
        self._recording = recording
        self._version = 0
        self._dice = random.Random(5)
        self._soft = self._sound(folder, "soft", SOFT, ROUNDS * _EVERY_S * 1.5 + 20)
        self._loud = self._sound(folder, "loud", LOUD, _SOUNDS_S)

    def emergencies(self, lead: timedelta) -> list[float]:
        """Interrupt what sounds, again and again; how long each took from when it was due, in ms."""
        begins = self._play([timedelta(seconds=3)], self._soft)
        _sleep_until(begins[0] + timedelta(seconds=1))
        due = [self._urge(lead) for _ in range(ROUNDS)]
        self._stop()
        time.sleep(1.0)
        return [1000 * (self._first_loud_s(at_s) - at_s) for at_s in due]

    def stops(self) -> list[float]:
        """Stop what sounds, again and again; how long each took, in ms."""
        offsets = [timedelta(seconds=4 + number * 2) for number in range(ROUNDS)]
        source = self._soft.model_copy(update={"duration_ms": 1_900})
        said = []
        for begin in self._play(offsets, source):
            _sleep_until(begin + timedelta(seconds=0.8 + self._dice.uniform(0, 0.2)))
            said.append(self._stop())
        time.sleep(1.0)
        return [1000 * (self._last_sound_s(at_s) - at_s) for at_s in said]

    def _sound(self, folder: Path, name: str, level: float, seconds: float) -> RecordingSource:
        limited = np.clip(noise(seconds, seed=len(name), level=level * 3), -level, level).astype(np.int16)
        content = encode(write_wav(folder / f"{name}.wav", limited), folder / f"{name}.flac").read_bytes()
        recording: RecordingId = self._station.serve_recording(content)
        return make_source(recording, duration_ms=int(seconds * 1000), size_bytes=len(content))

    def _play(self, after: Sequence[timedelta], source: RecordingSource) -> list[datetime]:
        now = datetime.now(UTC)
        starts = [now.replace(microsecond=0) + one for one in after]
        distant = make_broadcast(now + timedelta(days=1), source=self._loud)
        due = [make_broadcast(at, source=source) for at in starts]
        self._version += 1
        entries = [make_entry(one, issued_at=now) for one in (distant, *due)]
        self._station.issue(make_programme(*entries, version=self._version, issued_at=now))
        self._agents.log_says("event=fetched")
        return starts

    def _urge(self, lead: timedelta) -> float:
        time.sleep(_EVERY_S - _SOUNDS_S + self._dice.uniform(0, 0.1))
        issued_at = datetime.now(UTC)
        due_at = issued_at + lead
        alarm = make_broadcast(due_at, source=self._loud, class_=BroadcastClass.EMERGENCY)
        self._version += 1
        entry = make_entry(at_the_millisecond(alarm, due_at), issued_at=issued_at)
        message = make_urgent(entry, version=self._version, issued_at=issued_at)
        said_s = self._said(lambda: self._station.urge(message))
        time.sleep(lead.total_seconds() + _SOUNDS_S)
        return max(said_s, due_at.timestamp())

    def _stop(self) -> float:
        now = datetime.now(UTC)
        self._version += 1
        silence = make_silence(now, now + timedelta(milliseconds=300), number=self._version)
        message = make_urgent(version=self._version, issued_at=now, silences=(silence,))
        return self._said(lambda: self._station.urge(message))

    def _said(self, act: Callable[[], object]) -> float:
        said_s = time.time()
        act()
        return said_s

    def _first_loud_s(self, after_s: float) -> float:
        begin_s, samples = self._after(after_s)
        loud = np.flatnonzero(np.abs(samples) > _THRESHOLD)
        assert len(loud), "the emergency did not sound"
        return begin_s + int(loud[0]) / RATE_HZ

    def _last_sound_s(self, after_s: float) -> float:
        begin_s, samples = self._after(after_s)
        sounding = np.flatnonzero(samples)
        assert len(sounding), "nothing sounded that could be stopped"
        return begin_s + int(sounding[-1]) / RATE_HZ

    def _after(self, at_s: float) -> tuple[float, np.ndarray[tuple[int], np.dtype[np.int32]]]:
        """What was recorded in the second after an instant."""
        begin_s = self._recording.begin_s(at_s)
        first = int((at_s - begin_s) * RATE_HZ)
        samples = self._recording.all()[first : first + RATE_HZ].astype(np.int32)
        return begin_s + first / RATE_HZ, samples


def _p99(of: Sequence[float]) -> float:
    return float(np.percentile(of, 99))


def _sleep_until(at: datetime) -> None:
    time.sleep(max(0.0, (at - datetime.now(UTC)).total_seconds()))
