"""Holds what a node's sink recorded against what had to be heard: by the sound alone, not by any report."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from loa.audio.find import Signal, find, level_dbfs
from loa.controller.demo.scenario import Expectation, Passage, Sound

RATE_HZ = 16_000
TOLERANCE_S = 0.15
"""How far from its place a passage may be found."""
LOOK_AROUND_S = 1.5
MIN_SCORE = 0.35
"""Least correlation of a passage with what was recorded; another voice reaches about 0.1."""
SILENT_DBFS = -60.0
EDGE_S = 0.3
"""Left out at both ends of a stretch that must be silent."""
PASSAGE_S = 3.0


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a sink recorded: mono samples at `RATE_HZ`, and the instant of the first, in s since the epoch."""

    samples: Signal
    began_at: float

    def between(self, from_s: float, to_s: float) -> Signal:
        """The samples of that stretch, as far as they were recorded."""
        first, last = (round((at - self.began_at) * RATE_HZ) for at in (from_s, to_s))
        return self.samples[max(first, 0) : max(last, 0)]


@dataclass(frozen=True, slots=True)
class Finding:
    """One passage looked for: where it had to be, where it was found, how surely."""

    sound: Sound
    expected_at: float
    error_s: float
    score: float

    @property
    def good(self) -> bool:
        """Whether it was found, and at its place."""
        return self.score >= MIN_SCORE and abs(self.error_s) <= TOLERANCE_S


def find_passages(recorded: Recorded, sounds: Mapping[Sound, Signal], heard: Passage) -> list[Finding]:
    """Look for the beginning, the middle and the end of a stretch at their places."""
    sound = sounds[heard.sound]
    return [
        _find(recorded, heard.sound, sound[first:last], heard.from_s - heard.offset_s + first / RATE_HZ)
        for first, last in _passages(sound, heard)
    ]


def loudest_dbfs(recorded: Recorded, from_s: float, to_s: float) -> float:
    """The level of the loudest tenth of a second in a stretch that ought to be silent, in dBFS (RMS)."""
    samples = recorded.between(from_s + EDGE_S, to_s - EDGE_S)
    blocks = np.array_split(samples, max(1, len(samples) * 10 // RATE_HZ))
    return max(level_dbfs(block) for block in blocks)


def faults(recorded: Recorded, sounds: Mapping[Sound, Signal], expected: Expectation) -> Iterator[str]:
    """What is wrong with the recording, in words; nothing when all was heard at its place."""
    missing_s = expected.ends_at - recorded.began_at - len(recorded.samples) / RATE_HZ
    if missing_s > TOLERANCE_S:
        yield f"the recording ends {missing_s:.1f} s too early"
    for heard in expected.heard:
        for found in find_passages(recorded, sounds, heard):
            if not found.good:
                yield _describe(found, expected)
    for from_s, to_s in expected.silent:
        level = loudest_dbfs(recorded, from_s, to_s)
        if level > SILENT_DBFS:
            yield f"{level:.0f} dBFS {from_s - _first(expected):.1f} s in, where silence was due"


def _describe(found: Finding, expected: Expectation) -> str:
    place = f"{found.sound} {found.expected_at - _first(expected):.1f} s in"
    if found.score < MIN_SCORE:
        return f"{place} was not heard (no passage correlates by {MIN_SCORE} or more)"
    return f"{place} was heard {found.error_s * 1000:+.0f} ms from its place"


def _first(expected: Expectation) -> float:
    return expected.heard[0].from_s


def _passages(sound: Signal, heard: Passage) -> Iterator[tuple[int, int]]:
    """First and last sample of the loudest passage in each third of the stretch."""
    begin = round(heard.offset_s * RATE_HZ)
    end = min(begin + round((heard.to_s - heard.from_s) * RATE_HZ), len(sound))
    size = min(round(PASSAGE_S * RATE_HZ), (end - begin) // 3)
    third = (end - begin) // 3
    for part in range(3):
        yield _loudest(sound, begin + part * third, begin + (part + 1) * third, size)


def _loudest(sound: Signal, begin: int, end: int, size: int) -> tuple[int, int]:
    energy = np.concatenate(([0.0], np.cumsum(sound[begin:end].astype(np.float64) ** 2)))
    windows = energy[size:] - energy[:-size]
    first = begin + int(windows.argmax())
    return first, first + size


def _find(recorded: Recorded, sound: Sound, passage: Signal, expected_at: float) -> Finding:
    """First at its place, since a steady tone fits in many; then around it, to say where it is."""
    for around_s in (TOLERANCE_S, LOOK_AROUND_S):
        from_s = max(expected_at - around_s, recorded.began_at)
        until_s = expected_at + len(passage) / RATE_HZ + around_s
        matches = find(passage, recorded.between(from_s, until_s), RATE_HZ, threshold=MIN_SCORE)
        if matches:
            found_at = from_s + matches[0].position_s
            return Finding(sound, expected_at, found_at - expected_at, matches[0].score)
    return Finding(sound, expected_at, 0.0, 0.0)
