from pathlib import Path

from pydub import AudioSegment
from pydub.generators import Sine

RATE_HZ = 48_000
_ATTENTION_HZ = (392.0, 523.25, 659.25)
"""A rising triad: asks for attention before the voice (ISO 7240-16 wants 3-10 s of it)."""
_CLOSING_HZ = (659.25, 392.0)
_STROKE_MS = 1200
_APART_MS = 900
_LEVEL_DBFS = -17.5
"""RMS that measures about -18 LUFS in this range of tones."""


def write_chime(target: Path) -> None:
    """Write the attention tones before an announcement, WAV, 48 kHz mono, about -18 LUFS."""
    _write(_ATTENTION_HZ, target)


def write_closing(target: Path) -> None:
    """Write the tones after an announcement, WAV, 48 kHz mono, about -18 LUFS."""
    _write(_CLOSING_HZ, target)


def _write(tones_hz: tuple[float, ...], target: Path) -> None:
    length_ms = _APART_MS * (len(tones_hz) - 1) + _STROKE_MS
    melody = AudioSegment.silent(length_ms, frame_rate=RATE_HZ)
    for number, tone_hz in enumerate(tones_hz):
        melody = melody.overlay(_strike(tone_hz), position=number * _APART_MS)
    levelled = melody.apply_gain(_LEVEL_DBFS - melody.dBFS)
    padded = (
        AudioSegment.silent(200, frame_rate=RATE_HZ) + levelled + AudioSegment.silent(300, frame_rate=RATE_HZ)
    )
    padded.export(target, format="wav").close()


def _strike(tone_hz: float) -> AudioSegment:
    """One bell-like tone with two overtones."""
    tone = Sine(tone_hz, sample_rate=RATE_HZ).to_audio_segment(_STROKE_MS, volume=-8.0)
    for overtone, level_db in ((2, -20.0), (3, -28.0)):
        ring = Sine(tone_hz * overtone, sample_rate=RATE_HZ)
        tone = tone.overlay(ring.to_audio_segment(_STROKE_MS, volume=level_db))
    return tone.fade_in(8).fade_out(_STROKE_MS - 100)
