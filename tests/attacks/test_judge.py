"""The judge knows the sound of each attack, and lets nothing pass that it does not know."""

import wave
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from loa.audio.heard import Anchor, write_anchors
from loa.audio.player import RATE_HZ
from tests.attacks.judge import GENUINE, UNKNOWN, what_sounded
from tests.attacks.sounds import LENGTH_S, Sample
from tests.flow.ears import Sound, make_sound
from tests.flow.village import Loudspeaker

NODE = "loa-1"


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Sound]:
    folder = tmp_path_factory.mktemp("sounds")
    names = enumerate((GENUINE, "forged", "stranger"))
    return {name: make_sound(folder / f"{name}.wav", LENGTH_S, seed=seed) for seed, name in names}


def heard(folder: Path, sounds: dict[str, Sound], names: Sequence[str], pause_s: float) -> dict[str, int]:
    """What is judged to have sounded, by name, where these did one after the other."""
    node = Loudspeaker(NODE, folder)
    pause = np.zeros(round(pause_s * RATE_HZ), np.int16)
    played = [part for name in names for part in (pause, _samples(sounds[name]))]
    with wave.open(str(node.ear.wav), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(np.concatenate([*played, pause]).tobytes())
    write_anchors(node.ear.wav, [Anchor(0, 0)])
    found = what_sounded([node], sounds[GENUINE], {"forged": Sample(sounds["forged"], b"")})
    assert {where for _, where in found} <= {NODE}
    return {name: count for (name, _), count in found.items()}


def _samples(sound: Sound) -> np.typing.NDArray[np.int16]:
    with wave.open(str(sound.path)) as file:
        return np.frombuffer(file.readframes(file.getnframes()), np.int16)


def test_what_is_genuine_is_known_also_where_one_follows_the_other_at_once(
    tmp_path: Path, sounds: dict[str, Sound]
) -> None:
    assert set(heard(tmp_path, sounds, [GENUINE] * 3, 0.5)) == {GENUINE}
    assert set(heard(tmp_path, sounds, [GENUINE] * 3, 0)) == {GENUINE}


def test_the_sound_of_an_attack_is_found_between_genuine_ones(
    tmp_path: Path, sounds: dict[str, Sound]
) -> None:
    assert heard(tmp_path, sounds, [GENUINE, "forged", GENUINE], 0.5)["forged"] >= 3
    assert heard(tmp_path, sounds, [GENUINE, "forged", GENUINE], 0)["forged"] >= 2


def test_a_sound_that_nobody_knows_is_told(tmp_path: Path, sounds: dict[str, Sound]) -> None:
    assert heard(tmp_path, sounds, [GENUINE, "stranger"], 0.5)[UNKNOWN] >= 1
