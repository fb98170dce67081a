import re
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from loa.audio.errors import NotAudio, ToolFailed
from tests.fuzz.malformed import malformed
from tests.fuzz.sounds import search


@pytest.mark.timeout(240)
def test_malformed_sounds_are_taken_or_refused_soon_and_in_little_memory() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz.sounds", "--count", "42", "--seed", "2"],
        check=False,
        capture_output=True,
        text=True,
        timeout=220,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"sounds: 42 given, .*, 0 faults", done.stdout)
    assert "not_audio" in done.stdout
    assert "taken" in done.stdout


def test_a_failure_of_ours_is_a_fault_and_a_refusal_is_none(tmp_path: Path) -> None:
    def fails(*_: object, **__: object) -> None:
        raise ToolFailed("ffmpeg", "conversion failed")

    def refuses(*_: object, **__: object) -> None:
        raise NotAudio("noise")

    assert len(search(tmp_path, count=3, seed=1, intake=fails).faults) == 3
    assert search(tmp_path, count=3, seed=1, intake=refuses).faults == []


def test_the_same_seed_makes_the_same_sounds() -> None:
    sounds = {"wav": bytes(range(256)) * 40, "flac": bytes(500)}
    made = [malformed(sounds, Random(f"1.{number}"), number) for number in range(60)]
    assert made == [malformed(sounds, Random(f"1.{number}"), number) for number in range(60)]
    assert len({content for _, content in made}) > 50
