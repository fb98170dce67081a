"""The sound card's player on a real PortAudio: PulseAudio with a sink that leads nowhere, started here."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from loa.audio.find import decode, find
from loa.audio.sounddevice_player import open_output
from tests.audio.support import noise, wait_until, write_wav

pytestmark = pytest.mark.realtime

ALSA_PLUGIN = "alsa-lib/libasound_module_pcm_pulse.so"
PLAY = """
import sys
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from loa.audio.player import Cue
from loa.audio.sounddevice_player import SoundDevicePlayer, open_output
from tests.audio.support import SystemClock
player = SoundDevicePlayer(clock=SystemClock(), open_stream=partial(open_output, None))
start_at = datetime.now(UTC) + timedelta(seconds=3)
cue = Cue("o@1", Path(sys.argv[1]), start_at, start_at + timedelta(seconds=2), offset_ms=500)
player.set_plan([cue])
began, ended = player.events.get(timeout=20), player.events.get(timeout=20)
print((began.at - start_at).total_seconds(), began.offset_ms, ended.reason, ended.played_ms)
print(player.status().sync_degraded, player.status().broken)
player.close()
"""


@dataclass(frozen=True)
class Pulse:
    socket: Path
    environment: dict[str, str]


@pytest.fixture
def pulse(tmp_path: Path) -> Iterator[Pulse]:
    if shutil.which("pulseaudio") is None:
        pytest.skip("the Debian package pulseaudio is not installed")
    if not any(Path("/usr/lib").glob(f"*/{ALSA_PLUGIN}")):
        pytest.skip("the Debian package libasound2-plugins is not installed")
    socket = tmp_path / "socket"
    environment = os.environ | {
        "HOME": str(tmp_path),
        "XDG_RUNTIME_DIR": str(tmp_path),
        "PULSE_SERVER": f"unix:{socket}",
    }
    (tmp_path / ".asoundrc").write_text("pcm.!default { type pulse }\nctl.!default { type pulse }\n")
    command = [
        *("pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no"),
        *("-L", f"module-native-protocol-unix socket={socket} auth-anonymous=1"),
        *("-L", "module-null-sink sink_name=nowhere rate=48000 channels=1"),
    ]
    with ended_at_last(command, environment, tmp_path / "pulse.log"):
        wait_until(socket.exists)
        yield Pulse(socket, environment)


@contextmanager
def ended_at_last(command: list[str], environment: dict[str, str], log: Path) -> Iterator[None]:
    with log.open("wb") as said:
        process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stderr=said)
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def test_a_cue_sounds_on_the_card_at_its_time(pulse: Pulse, tmp_path: Path) -> None:
    sound, captured = write_wav(tmp_path / "sound.wav", noise(3.0)), tmp_path / "captured.wav"
    capture = ["ffmpeg", "-nostdin", "-v", "error", "-f", "pulse", "-i", "nowhere.monitor", "-ac", "1"]
    with ended_at_last([*capture, str(captured)], pulse.environment, tmp_path / "capture.log"):
        wait_until(lambda: captured.is_file() and captured.stat().st_size > 0)
        played = subprocess.run(
            [sys.executable, "-c", PLAY, str(sound)],
            env=pulse.environment | {"PYTHONPATH": str(Path(__file__).parents[2])},
            check=True,
            capture_output=True,
            text=True,
        ).stdout.split()
    late_s, offset_ms, reason, played_ms, *status = played
    assert abs(float(late_s)) < 0.002
    assert abs(int(played_ms) - 2000) <= 30
    assert [offset_ms, reason, *status] == ["500", "stop_at", "False", "None"]
    places_s = [at_s - from_s for from_s, at_s in places(sound, captured)]
    assert max(places_s) - min(places_s) < 0.02


def places(sound: Path, captured: Path) -> Iterator[tuple[float, float]]:
    """Where each fifth of a second of what was to sound begins in `sound` and in `captured`, in seconds.

    In the low band, where the bending by which the player keeps up with a busy card is no change.
    """
    rate_hz, window_s = 2000, 0.2
    whole, heard = decode(sound, rate_hz), decode(captured, rate_hz)
    for from_s in np.arange(0.5, 2.5, window_s):
        (match, *_) = find(whole[int(from_s * rate_hz) :][: int(window_s * rate_hz)], heard, rate_hz)
        assert match.score > 0.5
        yield from_s, match.position_s


def test_a_card_that_is_not_there_is_told() -> None:
    with pytest.raises(OSError, match="cannot open the sound card no such card"):
        open_output("no such card", lambda *_: None, lambda: None)
