"""What counts as there: real speech through what a loudspeaker and the air do to it, and everything else."""

from dataclasses import dataclass

import numpy as np
import pytest

from loa.audio.evidence import BANDS, HEARD, RENDERED, WINDOW_FRAMES, Finding, Tally, bands_of
from loa.audio.player import RATE_HZ
from tests.audio.hearing import WAYS, Sound, judged, later, pink, speech, through_horn, with_noise

RIGHT, OTHER = "vaccination", "electricity"


def found(recorded: Sound, captured: Sound, *, gain_db: float = 0.0) -> Finding:
    finding = judged(recorded, captured, HEARD, gain_db=gain_db)
    assert finding is not None
    return finding


@pytest.mark.parametrize("way", WAYS)
def test_the_right_programme_is_recognized_whatever_happened_to_it(way: str) -> None:
    sound = speech(RIGHT)
    finding = found(sound, WAYS[way](sound))
    assert finding.is_there, finding
    assert finding.correlation > 0.5


def other_than(sound: Sound) -> dict[str, Sound]:
    """What may come back instead of the sound."""
    other = np.resize(speech(OTHER), len(sound))
    return {
        "another programme": other,
        "another one by a horn": through_horn(other),
        "the same 4 s later": np.roll(sound, 4 * RATE_HZ),
        "noise": pink(len(sound)) * np.float32(1_000),
        "silence": np.zeros(len(sound), np.float32),
    }


def test_everything_else_is_not() -> None:
    sound = speech(RIGHT)
    for what, captured in other_than(sound).items():
        for limits in (HEARD, RENDERED):
            finding = judged(sound, captured, limits)
            assert finding is not None
            assert not finding.is_there, (what, finding)
            assert finding.correlation < 0.2, (what, finding)
            assert finding.passed <= 0.2 * finding.judged, (what, finding)


@dataclass(frozen=True)
class Muted:
    from_s: float

    def __call__(self, sound: Sound) -> Sound:
        heard = sound.copy()
        heard[int(self.from_s * RATE_HZ) :] = 0
        return heard


def test_what_was_muted_for_a_part_is_told_by_windows() -> None:
    sound = speech(RIGHT)
    whole = judged(sound, sound, RENDERED)
    part = judged(sound, Muted(5.0)(sound), RENDERED)
    assert whole is not None
    assert part is not None
    assert (whole.passed, whole.is_there) == (whole.judged, True)
    assert not part.is_there
    assert part.judged == whole.judged
    assert 3 <= part.passed <= 5


@pytest.mark.parametrize("delay_ms", [-160, 0, 80, 440])
def test_the_delay_is_told_to_a_frame(delay_ms: int) -> None:
    sound = speech(RIGHT)
    moved = later(sound, delay_ms / 1000) if delay_ms >= 0 else np.roll(sound, delay_ms * RATE_HZ // 1000)
    finding = judged(sound, moved, RENDERED)
    assert finding is not None
    assert finding.delay_ms is not None
    assert abs(finding.delay_ms - delay_ms) <= 20


def test_the_level_is_held_against_what_the_player_made_of_the_recording() -> None:
    sound = speech(RIGHT)
    quieter = sound * np.float32(10 ** (-12 / 20))
    assert found(sound, quieter).level_db == pytest.approx(-12, abs=0.2)
    assert found(sound, quieter, gain_db=-12).level_db == pytest.approx(0, abs=0.2)
    assert found(sound, np.zeros(len(sound), np.float32)).level_db == -120


def test_what_is_far_too_quiet_is_not_rendered_and_may_be_heard() -> None:
    sound = speech(RIGHT)
    faint = sound * np.float32(10 ** (-45 / 20))
    rendered, heard = judged(sound, faint, RENDERED), judged(sound, faint, HEARD)
    assert rendered is not None
    assert heard is not None
    assert (rendered.is_there, heard.is_there) == (False, True)


def test_a_held_tone_is_told_from_silence_and_from_speech() -> None:
    at = np.arange(6 * RATE_HZ) / RATE_HZ
    tone = (np.sin(2 * np.pi * 700 * at) * 8_000).astype(np.float32)
    same, silent = judged(tone, with_noise(tone, 20), RENDERED), judged(tone, tone * 0, RENDERED)
    talk = judged(tone, speech(OTHER)[: len(tone)], RENDERED)
    assert same is not None
    assert silent is not None
    assert talk is not None
    assert (same.is_there, silent.is_there, talk.is_there) == (True, False, False)


def test_pauses_of_the_recording_prove_nothing() -> None:
    sound = np.concatenate([speech(RIGHT)[: 4 * RATE_HZ], np.zeros(6 * RATE_HZ, np.float32)])
    finding = judged(sound, sound, RENDERED)
    assert finding is not None
    assert finding.judged <= 4
    silence = np.zeros(5 * RATE_HZ, np.float32)
    assert judged(silence, pink(len(silence)) * 1_000, RENDERED) is None


def test_a_day_of_sound_takes_no_more_memory_than_a_minute() -> None:
    tally = Tally(RENDERED)
    window = bands_of(pink(16_000 * 2) * 1_000)
    captured = window[: WINDOW_FRAMES + RENDERED.lags - 1]
    kept = {name: getattr(tally, name) for name in ("_passed", "_correlations", "_captured", "_meter")}
    for _ in range(50):
        tally.add(window[10 : 10 + WINDOW_FRAMES], captured)
    assert all(getattr(tally, name) is array for name, array in kept.items())


def test_how_loud_it_was_is_told_by_the_second_pauses_as_well() -> None:
    sound = np.concatenate([speech(RIGHT)[: 4 * RATE_HZ], np.zeros(4 * RATE_HZ, np.float32)])
    quieter = later(sound, 0.3) * np.float32(10 ** (-12 / 20))
    levels = found(sound, quieter).levels
    assert levels.every_s == 1
    assert levels.recorded[4:] == (-120,) * (len(levels.recorded) - 4)
    for ours, theirs in zip(levels.recorded[:4], levels.captured[:4], strict=True):
        assert theirs is not None
        assert ours - theirs == pytest.approx(12, abs=1)
    louder = found(sound, quieter, gain_db=6).levels.recorded
    assert [one - two for one, two in zip(louder[:4], levels.recorded, strict=False)] == [6] * 4


def test_power_is_told_in_the_scale_of_the_samples() -> None:
    at = np.arange(16_000) / 16_000
    bands = bands_of((np.sin(2 * np.pi * 1_000 * at) * 32_767).astype(np.float32))
    assert bands.shape == (50, BANDS)
    assert 10 * np.log10(bands.sum() / 50 / 32_768**2) == pytest.approx(-3.01, abs=0.05)
