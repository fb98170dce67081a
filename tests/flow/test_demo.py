import os
import subprocess
from pathlib import Path

import pytest

from loa.controller.demo.processes import program

_TEXT = 'Mời bà con "thôn Phú Cường" họp lúc 19h30 ngày 12/6; phí là $5 hoặc 50.000đ.'


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    """A short mp3 that is none of ours: a rising tone with a beat, in stereo, quiet."""
    path = tmp_path / "bất kỳ.mp3"
    waves = "aevalsrc='0.1*sin(2*PI*(300*t+40*t*t))*(1+sin(2*PI*3*t))|0.05*sin(2*PI*440*t)':d=7:s=44100"
    command = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", waves, str(path)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return path


@pytest.mark.flow
@pytest.mark.timeout(300)
def test_the_demo_sounds_what_it_promises_with_any_sound_and_text(tmp_path: Path, sound: Path) -> None:
    wishes = {"LOA_DEMO_SOUND": str(sound), "LOA_DEMO_TEXT": _TEXT, "LOA_DEMO_ONCE": "1"}
    command = program(["loa-controller", "demo"])
    done = subprocess.run(
        command, cwd=tmp_path, env=os.environ | wishes, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("everything sounded at its place") == 3
    assert len(list((tmp_path / ".demo" / "nodes").glob("*/heard.wav"))) == 3


@pytest.mark.flow
def test_the_demo_says_why_it_cannot_go_on(tmp_path: Path) -> None:
    wishes = {"LOA_DEMO_SOUND": str(tmp_path / "nowhere.mp3"), "LOA_DEMO_ONCE": "1"}
    command = program(["loa-controller", "demo"])
    done = subprocess.run(
        command, cwd=tmp_path, env=os.environ | wishes, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "nowhere.mp3" in done.stdout.replace("\n", "")
