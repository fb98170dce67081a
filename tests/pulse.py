"""A PulseAudio of our own, with null sinks for loudspeakers: no sound card, no system service."""

import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.children import running
from tests.waiting import wait_for

_ASOUNDRC = "pcm.!default { type pulse }\nctl.!default { type pulse }\n"
SINKS = ("square-0", "square-1", "square-2", "square-3")
TOGETHER = "square-together"
"""One sink that plays into all: the control."""


@dataclass(frozen=True, slots=True)
class Pulse:
    """The running server."""

    folder: Path
    server: str
    process: subprocess.Popen[bytes]

    def environment(self, sink: str) -> dict[str, str]:
        """For a client, through ALSA or directly, whose default output is this sink."""
        return _environment(self.folder) | {"PULSE_SINK": sink}

    def mute(self, sink: str, *, on: bool) -> None:
        """As somebody at the machine does, outside of the agent."""
        command = ["pactl", "set-sink-mute", sink, "1" if on else "0"]
        subprocess.run(command, env=_environment(self.folder), check=True)

    def answers(self) -> bool:
        """Whether clients are served."""
        command, environment = ["pactl", "info"], _environment(self.folder)
        return not subprocess.run(command, env=environment, check=False, capture_output=True).returncode

    def play(self, sink: str, wav: Path) -> None:
        """Play a file to its end."""
        command = ["paplay", f"--device={sink}", str(wav)]
        subprocess.run(command, env=self.environment(sink), check=True, timeout=120)


@contextmanager
def pulse(folder: Path, sinks: Sequence[str] = SINKS) -> Iterator[Pulse]:
    """Started, with its sinks and one that combines them."""
    folder.mkdir(parents=True, exist_ok=True)
    socket = folder / "pulse.socket"
    (folder / ".asoundrc").write_text(_ASOUNDRC)
    modules = [
        f"module-native-protocol-unix socket={socket} auth-anonymous=1",
        *(f"module-null-sink sink_name={sink} rate=48000 channels=1 format=s16le" for sink in sinks),
        f"module-combine-sink sink_name={TOGETHER} slaves={','.join(sinks)} rate=48000 channels=1",
    ]
    command = ["pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no"]
    loaded = [argument for module in modules for argument in ("-L", module)]
    environment = _environment(folder)
    with running([*command, *loaded], environment=environment, log=folder / "pulse.log") as process:
        served = Pulse(folder, environment["PULSE_SERVER"], process)
        wait_for(served.answers, what="PulseAudio answers")
        yield served


def _environment(folder: Path) -> dict[str, str]:
    server = f"unix:{folder / 'pulse.socket'}"
    return os.environ | {"HOME": str(folder), "XDG_RUNTIME_DIR": str(folder), "PULSE_SERVER": server}
