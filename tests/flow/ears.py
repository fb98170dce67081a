"""Sounds that are like nothing else, and what a loudspeaker was heard to sound: by the samples alone."""

import wave
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from loa.audio.find import Signal, find, level_dbfs
from loa.audio.heard import FRAME_BYTES, HEADER_BYTES, Playback
from loa.audio.player import RATE_HZ
from tests.waiting import wait_for

THINNED = 3
"""Correlation works on every third sample: 16 kHz is enough to tell sounds apart."""
HEARING_HZ = RATE_HZ // THINNED
CERTAIN = 0.5
"""Least correlation with the file that went in; another sound of ours stays below 0.1."""
SILENT_DBFS = -60.0
EDGE = timedelta(milliseconds=300)
"""Left out at the ends of a silence: fades, and the block that was written ahead."""


@dataclass(frozen=True, slots=True)
class Sound:
    """A file to be uploaded, and its samples as an ear takes them."""

    path: Path
    signal: Signal

    @property
    def length(self) -> timedelta:
        return timedelta(seconds=len(self.signal) / HEARING_HZ)


def make_sound(path: Path, seconds: float, *, seed: int) -> Sound:
    """Each tenth of a second another chord at another level, as speech changes; `seed` makes it its own."""
    dice = np.random.default_rng(seed)
    step = RATE_HZ // 10
    at = np.arange(step) / RATE_HZ
    chords = [
        dice.uniform(0.3, 1.0) * np.sin(2 * np.pi * dice.uniform(200, 2500, 3)[:, None] * at).sum(axis=0)
        for _ in range(round(seconds * 10))
    ]
    samples = (np.concatenate(chords) / 3 * 20_000).astype(np.int16)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(samples.tobytes())
    return Sound(path, thin(samples))


@dataclass(frozen=True, slots=True)
class Ear:
    """Stands at one loudspeaker; instants are those of the loudspeaker's own clock."""

    wav: Path

    def waits_until(self, at: datetime, within_s: float = 60.0) -> None:
        """Return when everything up to that instant has sounded."""
        wait_for(lambda: self._has_reached(at), what=f"{self.wav} reaches {at}", within_s=within_s)

    def hears_more(self, span: timedelta, within_s: float = 60.0) -> None:
        """Return when so much more has been heard, whatever the loudspeaker's clock says."""
        enough = self.frames + round(span.total_seconds() * RATE_HZ)
        wait_for(lambda: self.frames >= enough, what=f"{span} more of {self.wav}", within_s=within_s)

    def starts(self, sound: Sound, from_at: datetime, until_at: datetime) -> list[datetime]:
        """When the sound began, as often as it is heard whole between two instants, in order."""
        return self.finds(sound, timedelta(0), sound.length, from_at, until_at)

    def finds(
        self, sound: Sound, begin: timedelta, end: timedelta, from_at: datetime, until_at: datetime
    ) -> list[datetime]:
        """When the part of the sound from `begin` to `end` was heard between two instants, in order."""
        first, last = (round(edge.total_seconds() * HEARING_HZ) for edge in (begin, end))
        heard = thin(Playback.open(self.wav).samples(from_at, until_at))
        matches = find(sound.signal[first:last], heard, HEARING_HZ, threshold=CERTAIN)
        return sorted(from_at + timedelta(seconds=match.position_s) for match in matches)

    def is_silent(self, from_at: datetime, until_at: datetime) -> bool:
        """Whether nothing at all was heard between two instants that are over."""
        heard = thin(Playback.open(self.wav).samples(from_at + EDGE, until_at - EDGE))
        assert len(heard), "there is nothing to judge"
        tenths = np.array_split(heard, max(1, len(heard) * 10 // HEARING_HZ))
        return all(level_dbfs(tenth) < SILENT_DBFS for tenth in tenths)

    @property
    def frames(self) -> int:
        """How much has been heard so far, by no clock at all."""
        return Playback.open(self.wav).frames

    def heard_since(self, frame: int) -> Signal:
        """What was heard since so much had been heard, whatever the loudspeaker's clock said."""
        offset = HEADER_BYTES + frame * FRAME_BYTES
        return thin(np.fromfile(self.wav, np.int16, self.frames - frame, offset=offset))

    def falls_silent(self, after: datetime, within_s: float = 20.0) -> datetime:
        """When the last sound after `after` ended, once two seconds of silence have followed."""
        return wait_for(lambda: self._last_sound(after), what="two seconds of silence", within_s=within_s)

    def _has_reached(self, at: datetime) -> bool:
        if not self.wav.exists():
            return False
        heard = Playback.open(self.wav)
        return heard.at(heard.frames) >= at

    def _last_sound(self, after: datetime) -> datetime | None:
        heard = Playback.open(self.wav)
        now = heard.at(heard.frames)
        samples = heard.samples(after, now)
        sounding = np.flatnonzero(np.abs(samples) > 32)
        if not len(sounding):
            return after if now - after > timedelta(seconds=2) else None
        ended_at = after + timedelta(seconds=float(sounding[-1]) / RATE_HZ)
        return ended_at if now - ended_at > timedelta(seconds=2) else None


def thin(samples: np.typing.NDArray[np.int16]) -> Signal:
    whole = samples[: len(samples) // THINNED * THINNED].reshape(-1, THINNED)
    thinned: Signal = (whole.mean(axis=1) / 32768).astype(np.float32)
    return thinned
