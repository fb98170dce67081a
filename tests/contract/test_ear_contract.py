"""Both ears on the real thing: the file that a WAV player grows, and a PulseAudio of our own."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from loa.audio.capture_ear import CaptureEar, capture_own_monitor
from loa.audio.ear import FRAME_NS, Ear, Ring
from loa.audio.evidence import BANDS, RENDERED, Bands, Finding, Tally, bands_of, thin
from loa.audio.mixer import Samples, to_ns
from loa.audio.player import RATE_HZ, Cue
from loa.audio.wav_ear import WavEar
from loa.audio.wav_player import WavPlayer
from tests import pulse
from tests.audio.support import SystemClock, write_wav
from tests.waiting import wait_for

SINK = "loudspeaker"
LENGTH_S = 4
CLOCK = SystemClock()


def speechlike(seed: int = 5) -> Samples:
    """Noise of another level each tenth of a second."""
    dice = np.random.default_rng(seed)
    levels = np.repeat(dice.uniform(100, 4_000, LENGTH_S * 10), RATE_HZ // 10)
    samples: Samples = (dice.standard_normal(len(levels)).clip(-3, 3) * levels).astype(np.int16)
    return samples


@dataclass(frozen=True)
class Bench:
    """An ear that listens to an output, and what makes the output sound; it says from when on."""

    ear: Ear
    sound: Callable[[Path], datetime]


@contextmanager
def wav(folder: Path) -> Iterator[Bench]:
    path = folder / "heard.wav"
    player = WavPlayer(path, clock=CLOCK)

    def sound(file: Path) -> datetime:
        start_at = datetime.now(UTC) + timedelta(seconds=1)
        player.set_plan([Cue("o@1", file, start_at, start_at + timedelta(seconds=LENGTH_S))])
        return start_at

    yield Bench(WavEar(path), sound)
    player.close()


@contextmanager
def capture(folder: Path) -> Iterator[Bench]:
    with pulse.pulse(folder / "pulse", [SINK]) as server:
        own = server.environment(SINK)
        play = ["paplay", "--latency-msec=60", "--raw", "--format=s16le", "--channels=1", "--rate=48000"]
        parec = ["env", f"PULSE_SERVER={own['PULSE_SERVER']}", "parec", f"--device={SINK}.monitor"]
        ear = CaptureEar(
            lambda: [*parec, "--raw", "--format=s16le", "--channels=1", "--rate=16000", "--latency-msec=50"],
            clock=CLOCK,
        )

        def sound(file: Path) -> datetime:
            raw = file.with_suffix(".raw")
            raw.write_bytes(file.read_bytes()[44:])
            subprocess.Popen([*play, str(raw)], env=own).wait(30)
            return datetime.now(UTC) - timedelta(seconds=LENGTH_S)

        yield Bench(ear, sound)
        ear.close()


@pytest.fixture(params=[wav, capture], ids=["wav", "capture"])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    with request.param(tmp_path) as made:
        yield made


def test_what_sounded_is_found_at_its_time_and_nothing_else_is(bench: Bench, tmp_path: Path) -> None:
    bench.ear.open()
    wait_for(
        lambda: around(bench.ear, datetime.now(UTC) - timedelta(seconds=1), 0.3), what="the ear captures"
    )
    samples = speechlike()
    start_at = bench.sound(write_wav(tmp_path / "sound.wav", samples))
    captured = wait_for(lambda: around(bench.ear, start_at, LENGTH_S), what="all was captured")
    right, wrong = judge(samples, captured), judge(speechlike(6), captured)
    assert right.is_there, right
    assert right.passed >= right.judged - 1
    assert abs(right.level_db) < 3
    assert not wrong.is_there, wrong


def test_what_is_not_yet_there_is_not_made_up(bench: Bench) -> None:
    bench.ear.open()
    wait_for(
        lambda: around(bench.ear, datetime.now(UTC) - timedelta(seconds=1), 0.3), what="the ear captures"
    )
    assert around(bench.ear, datetime.now(UTC) + timedelta(seconds=5), 1) is None
    assert around(bench.ear, datetime.now(UTC) - timedelta(hours=5), 1) is None
    assert bench.ear.trouble is None
    bench.ear.close()
    bench.ear.close()


def around(ear: Ear, start_at: datetime, seconds: float) -> Bands | None:
    """The frames of a stretch, with those that a search for it needs."""
    from_ns = to_ns(start_at) + RENDERED.first_ms * 1_000_000
    return ear.bands(from_ns, int(seconds * 50) + RENDERED.lags - 1)


def judge(samples: Samples, captured: Bands) -> Finding:
    tally, ours = Tally(RENDERED), bands_of(thin(samples))
    for first in range(0, len(ours), 50):
        tally.add(ours[first : first + 50], captured[first : first + 50 + RENDERED.lags - 1])
    finding = tally.finding()
    assert finding is not None
    return finding


def test_an_ear_that_captures_nothing_says_why_and_tries_again() -> None:
    tries: list[int] = []

    def no_program() -> list[str]:
        tries.append(1)
        raise OSError("there is no sound server")

    ear = CaptureEar(no_program, clock=Hasty())
    ear.open()
    wait_for(lambda: ear.trouble == "there is no sound server", what="the trouble is told")

    def tries_again() -> bool:
        ear.open()
        return len(tries) > 1

    wait_for(tries_again, what="it tries again")
    ear.close()
    ended = CaptureEar(lambda: ["false"], clock=CLOCK)
    ended.open()
    wait_for(lambda: "ended by itself" in (ended.trouble or ""), what="the end is told")
    ended.close()


def test_a_program_that_captures_ends_with_its_ear() -> None:
    ear = CaptureEar(lambda: ["sleep", "1000"], clock=CLOCK)
    ear.open()
    program = wait_for(lambda: ear._program, what="the program runs")
    ear.close()
    assert program.poll() is not None


def test_where_nobody_plays_on_a_sound_server_silence_is_not_evidence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pulse.pulse(tmp_path, [SINK]) as server:
        for name in ("PULSE_SERVER", "HOME", "XDG_RUNTIME_DIR"):
            monkeypatch.setenv(name, server.environment(SINK)[name])
        with pytest.raises(OSError, match="plays on no sink"):
            capture_own_monitor()
    with pytest.raises(OSError, match="pactl"):
        capture_own_monitor()


def test_a_ring_gives_frames_by_their_time_and_forgets_what_a_gap_cut_off() -> None:
    ring, begin_ns = Ring(), to_ns(datetime.now(UTC))
    numbered = partial(_numbered, BANDS)
    ring.put(numbered(0, 10), begin_ns + 10 * FRAME_NS, follows=True)
    ring.put(numbered(10, 10), begin_ns + 20 * FRAME_NS, follows=True)
    taken = ring.take(begin_ns + 8 * FRAME_NS + FRAME_NS // 3, 4)
    assert taken is not None
    assert taken[:, 0].tolist() == [8, 9, 10, 11]
    assert ring.take(begin_ns + 18 * FRAME_NS, 4) is None
    assert ring.take(begin_ns - FRAME_NS, 4) is None
    ring.put(numbered(20, 5), begin_ns + 100 * FRAME_NS, follows=False)
    assert ring.take(begin_ns + 8 * FRAME_NS, 4) is None
    assert ring.take(begin_ns + 96 * FRAME_NS, 4) is not None
    ring.clear()
    assert ring.take(begin_ns + 96 * FRAME_NS, 4) is None


def _numbered(width: int, first: int, count: int) -> Bands:
    return np.repeat(np.arange(first, first + count, dtype=np.float32)[:, None], width, axis=1)


class Hasty(SystemClock):
    """Its seconds are ten times shorter."""

    def monotonic(self) -> float:
        return 10 * super().monotonic()
