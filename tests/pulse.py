"""A PulseAudio of our own whose sink leads nowhere, for what is captured from its monitor."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.waiting import wait_for

SINK = "nowhere"
ALSA_PLUGIN = "alsa-lib/libasound_module_pcm_pulse.so"


@dataclass(frozen=True)
class Pulse:
    """The server, and the environment of what plays on it."""

    environment: dict[str, str]

    def mute(self, *, on: bool) -> None:
        """As somebody at the machine does, outside of the agent."""
        command = ["pactl", "set-sink-mute", SINK, "1" if on else "0"]
        subprocess.run(command, env=self.environment, check=True)


@contextmanager
def pulse(folder: Path) -> Iterator[Pulse]:
    """Start it, or skip the test where Debian's packages for it are missing."""
    if shutil.which("pulseaudio") is None or shutil.which("parec") is None:
        pytest.skip("the Debian packages pulseaudio and pulseaudio-utils are not installed")
    if not any(Path("/usr/lib").glob(f"*/{ALSA_PLUGIN}")):
        pytest.skip("the Debian package libasound2-plugins is not installed")
    folder.mkdir(parents=True, exist_ok=True)
    socket = folder / "socket"
    environment = os.environ | {
        "HOME": str(folder),
        "XDG_RUNTIME_DIR": str(folder),
        "PULSE_SERVER": f"unix:{socket}",
    }
    (folder / ".asoundrc").write_text("pcm.!default { type pulse }\nctl.!default { type pulse }\n")
    command = [
        *("pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no"),
        *("-L", f"module-native-protocol-unix socket={socket} auth-anonymous=1"),
        *("-L", f"module-null-sink sink_name={SINK} rate=48000 channels=1"),
    ]
    with (folder / "pulse.log").open("wb") as log:
        server = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stderr=log)
    try:
        wait_for(socket.exists, what="the sound server is there")
        yield Pulse(environment)
    finally:
        server.terminate()
        server.wait()
