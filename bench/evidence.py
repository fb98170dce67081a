"""What it costs to know that a minute of sound came out, and how surely it is known.

The processor time is that of everything an agent adds for one ear: bands of the recording and of what was
captured, and judging the windows; without decoding the recording a second time, which the notes name. The
peer finds the same minute by cross-correlating the samples themselves, at 16 kHz. Below the table of what a
loudspeaker, the air and the neighbours do to speech, from which the thresholds in `loa/audio/evidence.py`
were chosen.
"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from bench.figure import Figure
from loa.audio.evidence import HEARD, WINDOW_FRAMES, Finding, Limits, Tally, bands_of, thin
from loa.audio.find import find
from loa.audio.mixer import Samples
from loa.audio.player import RATE_HZ
from loa.node_agent.adapters.sound_file import open_sound
from tests.audio.hearing import WAYS, Sound, judged, pink, speech, with_noise
from tests.node_agent.processes import make_sound

TARGET_MS = 30.0
LEAST_RIGHT, MOST_WRONG = 0.5, 0.2
ROUNDS = 5
FIELD = "horn, 10 dB over noise, 30 m"
RIGHT, OTHER = "vaccination", "electricity"


def measure() -> Figure:
    minute = np.resize(speech(RIGHT), 60 * RATE_HZ).astype(np.float32)
    heard = with_noise(minute, 10)
    value = min(_cpu_ms(lambda: judge_minute(_int16(minute), _int16(heard))) for _ in range(ROUNDS))
    peer = min(_cpu_ms(lambda: find(thin(_int16(minute)), thin(_int16(heard)), 16_000)) for _ in range(2))
    right, wrong = dict(_judged(dict(_right()))), dict(_judged(dict(_wrong())))
    _show(right, wrong)
    lowest = min(one.correlation for one in right.values())
    highest = max(one.correlation for one in wrong.values())
    is_sure = all(one.is_there for one in right.values()) and not any(one.is_there for one in wrong.values())
    return Figure(
        name="evidence",
        value=value,
        unit="ms of CPU a minute of sound",
        peer=peer,
        peer_unit="ms",
        ratio=value / peer,
        target=f"at most {TARGET_MS:g} ms; right programmes over {LEAST_RIGHT}, others below {MOST_WRONG}",
        met=value <= TARGET_MS and is_sure and lowest > LEAST_RIGHT and highest < MOST_WRONG,
        notes=(
            f"correlation of the right programme {right['10 dB over noise'].correlation:.2f} at 10 dB over "
            f"noise, {right[FIELD].correlation:.2f} also by a horn at 30 m, {lowest:.2f} at its worst of "
            f"{len(right)} ways; of others at most {highest:.2f}; decoding the recording once more "
            f"{_decoding_ms():.0f} ms; peer: cross-correlating the samples"
        ),
    )


def judge_minute(recorded: Samples, captured: Samples) -> Finding | None:
    """Second by second, as it sounds."""
    tally = Tally(HEARD)
    second, ours, theirs = RATE_HZ, [], []
    for first in range(0, len(recorded), second):
        ours.append(bands_of(thin(recorded[first : first + second])))
        theirs.append(bands_of(thin(captured[first : first + second])))
    heard = np.concatenate(theirs)
    for number, window in enumerate(ours):
        first = number * WINDOW_FRAMES + HEARD.first_lag
        stretch = heard[first : first + WINDOW_FRAMES + HEARD.lags - 1]
        if first >= 0 and len(stretch) == WINDOW_FRAMES + HEARD.lags - 1:
            tally.add(window, stretch)
    return tally.finding()


def _right() -> Iterator[tuple[str, Sound]]:
    for name, way in WAYS.items():
        yield name, way(speech(RIGHT))


def _wrong() -> Iterator[tuple[str, Sound]]:
    sound = speech(RIGHT)
    other = np.resize(speech(OTHER), len(sound)).astype(np.float32)
    for name, way in WAYS.items():
        yield f"another programme, {name}", way(other)
    yield "the same 4 s later", np.roll(sound, 4 * RATE_HZ)
    yield "noise", pink(len(sound)) * np.float32(1_000)
    yield "silence", np.zeros(len(sound), np.float32)


def _judged(captured: dict[str, Sound], limits: Limits = HEARD) -> Iterator[tuple[str, Finding]]:
    for name, sound in captured.items():
        finding = judged(speech(RIGHT), sound, limits)
        if finding is not None:
            yield name, finding


def _show(*groups: dict[str, Finding]) -> None:
    print(f"{'captured':55} correlation  windows  level    there")
    for name, one in (item for group in groups for item in group.items()):
        there = "yes" if one.is_there else "no"
        print(
            f"{name:55} {one.correlation:11.2f}  {one.passed:3}/{one.judged:3}  {one.level_db:6.1f}  {there}"
        )


def _decoding_ms() -> float:
    with TemporaryDirectory() as folder:
        make_sound(Path(folder), seconds=60, seed=1)

        def decode() -> None:
            sound = open_sound(Path(folder) / "sound-1.ogg", 0)
            while len(sound.read(RATE_HZ)):
                pass
            sound.close()

        return _cpu_ms(decode)


def _cpu_ms(act: Callable[[], object]) -> float:
    began = time.process_time()
    act()
    return (time.process_time() - began) * 1000


def _int16(sound: Sound) -> Samples:
    return np.clip(sound, -32_768, 32_767).astype(np.int16)
