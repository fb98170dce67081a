"""How far apart the four loudspeakers of a square start, beside Snapcast in the same run.

Whole agents play a hundred items of their schedule on four null sinks, whose monitors are recorded on one
clock. Then a Snapcast server and four of its clients play as many starts of the same sound on the same sinks.
The control is one sound played once into all sinks: what it shows is what the measurement itself adds.
"""

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from bench.figure import Figure
from bench.monitors import Recording, recorded
from bench.snapcast import snapcast
from bench.square import Square, at_the_millisecond, square
from bench.starts import LENGTH_S, Skew, first_sound_s, needle_of, skew
from loa.audio.find import Signal, decode
from loa.audio.mixer import Samples
from loa.audio.player import RATE_HZ
from tests.audio.support import write_wav
from tests.node_agent.makers import make_broadcast, make_entry, make_programme, make_source
from tests.node_agent.processes import make_sound
from tests.pulse import SINKS, TOGETHER, Pulse, pulse

STARTS = 100
MOST_MS = 5.0
LEAD_S = 8.0
EVERY_S = 0.6
CONTROLS = 8
_SETTLE_S = 4.0


@dataclass(frozen=True, slots=True)
class Compared:
    """Of one run, in the order of measuring."""

    control: Skew
    ours: Skew
    theirs: Skew
    underflows: int


def measure() -> Figure:
    found = compare(STARTS)
    ours, theirs = found.ours, found.theirs
    return Figure(
        name="skew",
        value=ours.p99_ms,
        unit="ms p99",
        peer=theirs.p99_ms,
        peer_unit="ms p99 (Snapcast)",
        ratio=ours.p99_ms / theirs.p99_ms,
        target=f"p99 at most {MOST_MS:g} ms over {STARTS} starts, none lost",
        met=ours.p99_ms <= MOST_MS and not ours.lost,
        notes=told(found),
    )


def told(found: Compared) -> str:
    """The figures in words."""
    parts = {"four agents": found.ours, "Snapcast 0.26": found.theirs, "control": found.control}
    said = [
        f"{name}: p50 {one.p50_ms:.2f}, p99 {one.p99_ms:.2f}, worst {one.worst_ms:.2f} ms, {one.lost} lost "
        f"of {one.starts}"
        for name, one in parts.items()
    ]
    return "; ".join([*said, f"{found.underflows} underflows"])


def compare(starts: int) -> Compared:
    """Control, agents and Snapcast one after the other on the same sinks."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        content = make_sound(folder, seconds=LENGTH_S, seed=7)
        sound = folder / "start.ogg"
        sound.write_bytes(content)
        needle = needle_of(sound)
        burst = (decode(sound, RATE_HZ) * 32_767).astype(np.int16)
        with pulse(folder) as served, recorded(served, SINKS) as recordings:
            control = _control(served, recordings, burst, needle)
            with square(folder, served) as agents:
                ours = _agents(agents, recordings, content, needle, starts)
                underflows = _underflows(agents)
            theirs = _snapcast(served, recordings, burst, needle, starts)
    return Compared(control, ours, theirs, underflows)


def _control(served: Pulse, recordings: list[Recording], burst: Samples, needle: Signal) -> Skew:
    began_s = time.time()
    served.play(TOGETHER, write_wav(served.folder / "control.wav", _train(burst, CONTROLS, lead_s=_SETTLE_S)))
    time.sleep(1.0)
    first_s = first_sound_s(recordings[0], began_s)
    return skew(recordings, needle, _expected(first_s, CONTROLS))


def _agents(agents: Square, recordings: list[Recording], content: bytes, needle: Signal, starts: int) -> Skew:
    now = datetime.now(UTC)
    source = make_source(
        agents.station.serve_recording(content), duration_ms=int(LENGTH_S * 1000), size_bytes=len(content)
    )
    first = now.replace(microsecond=0) + timedelta(seconds=LEAD_S)
    due = [first + timedelta(seconds=EVERY_S) * number for number in range(starts)]
    entries = [
        make_entry(at_the_millisecond(make_broadcast(at, source=source), at), issued_at=now) for at in due
    ]
    agents.station.issue(make_programme(*entries, issued_at=now))
    agents.log_says("event=fetched")
    _sleep_until(due[-1].timestamp() + 2.0)
    return skew(recordings, needle, _expected(first.timestamp(), starts))


def _underflows(agents: Square) -> int:
    """As the agents' states tell; a change of what sounds brings one, a full one comes with a hello."""
    return sum(one.output.underflows for one in agents.station.states().values() if one.output is not None)


def _snapcast(
    served: Pulse, recordings: list[Recording], burst: Samples, needle: Signal, starts: int
) -> Skew:
    with snapcast(served.folder, served, SINKS) as peer:
        began_s = time.time()
        peer.play(_train(burst, starts, lead_s=LEAD_S)).join()
        time.sleep(3.0)
        first_s = first_sound_s(recordings[0], began_s)
    return skew(recordings, needle, _expected(first_s, starts))


def _train(burst: Samples, starts: int, *, lead_s: float) -> Samples:
    """The sound again and again, after some silence for clients to find their pace."""
    gap = np.zeros(int(EVERY_S * RATE_HZ) - len(burst), np.int16)
    return np.concatenate([np.zeros(int(lead_s * RATE_HZ), np.int16), *[burst, gap] * starts])


def _expected(first_s: float, starts: int) -> Sequence[float]:
    return [first_s + number * EVERY_S for number in range(starts)]


def _sleep_until(at_s: float) -> None:
    time.sleep(max(0.0, at_s - time.time()))
