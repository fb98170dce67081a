"""A real `loa-node run` as a process of its own, with a WAV file for an ear."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from loa.audio.find import Signal, find
from loa.audio.heard import Playback
from loa.node_agent.adapters.enrolment import (
    ENROLMENT_FILE,
    KEY_FILE,
    Certified,
    Enrolment,
    MqttPlace,
    keep_certificate,
)
from loa.node_agent.adapters.folders import passing_folder
from loa.protocol.ids import NodeId
from loa.protocol.keys import SigningKey
from tests.certificates import AUTHORITY
from tests.machines import Keeper, simulated
from tests.node_agent.makers import KEY, NODE

RATE_HZ = 48_000


class NodeProcess:
    """An enrolled data directory and the agent that runs on it, off and on."""

    def __init__(self, folder: Path, *, node_key: SigningKey) -> None:
        self.data = folder / "data"
        self.data.mkdir()
        self.wav = folder / "heard.wav"
        self.log = folder / "node.log"
        self.sink = f"wav:{self.wav}"
        self.environment: Mapping[str, str] = {}
        (self.data / KEY_FILE).write_text(node_key.to_pem())
        self._process: subprocess.Popen[bytes] | None = None

    def enrol(self, *, host: str, port: int, base_url: str, node: NodeId = NODE) -> None:
        enrolment = Enrolment(
            node=node,
            controller_keys=(KEY.public.x,),
            authority=AUTHORITY.pem,
            mqtt=MqttPlace(host=host, port=port),
            base_url=base_url,
        )
        (self.data / ENROLMENT_FILE).write_bytes(enrolment.to_bytes())
        key, now = SigningKey.from_pem((self.data / KEY_FILE).read_text()), datetime.now(UTC)
        leaf = AUTHORITY.certify_node(node, key.public, now)
        keep_certificate(self.data, Certified(certificate=leaf.pem, renew_after=leaf.not_after))

    def start(self, *, at: datetime | None = None, keeper: Keeper = Keeper.BATTERY, **more: str) -> None:
        """Run, with more environment; with `at`, on a machine switched on just now, whose clock shows `at`.

        `keeper` is who keeps that clock.
        """
        clock = {} if at is None else simulated(at, keeper=keeper)
        environment = {**os.environ, **self.environment, **clock, **more}
        command = [sys.executable, "-c", "from loa.node_agent.main import run; run()"]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*command, "run", "--data", str(self.data), "--sink", self.sink],
                stdout=log,
                stderr=log,
                env=environment,
            )

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def kill(self) -> None:
        """As a loss of power takes it."""
        self._end(signal.SIGKILL, 5)

    def hang(self) -> None:
        """All of it stands still, as a process that waits for ever."""
        os.kill(self.pid, signal.SIGSTOP)

    def stop(self, within_s: float = 10.0) -> int:
        """Politely; the status it ended with."""
        return self._end(signal.SIGTERM, within_s)

    def ends(self, within_s: float = 60.0) -> int:
        """The status with which it ends by itself."""
        assert self._process is not None
        return self._process.wait(within_s)

    def close(self) -> None:
        if self._process is not None:
            self.kill()
        shutil.rmtree(passing_folder(self.data), ignore_errors=True)

    def heard(self, from_at: datetime, to_at: datetime) -> Signal:
        samples = Playback.open(self.wav).samples(from_at, to_at)
        return samples.astype(np.float32) / np.float32(32768)

    def hears(self, sound: Signal, from_at: datetime, to_at: datetime) -> list[datetime]:
        """When the sound began, wherever it is found between two instants."""
        begin = max(from_at, Playback.open(self.wav).at(0))
        matches = find(sound, self.heard(begin, to_at), RATE_HZ, threshold=0.6)
        return [begin + timedelta(seconds=match.position_s) for match in matches]

    def _end(self, number: signal.Signals, within_s: float) -> int:
        assert self._process is not None
        self._process.send_signal(number)
        status = self._process.wait(within_s)
        self._process = None
        return status


def make_sound(folder: Path, *, seconds: float, seed: int) -> bytes:
    """An Ogg/Opus file of noise whose loudness is drawn anew each tenth of a second: like nothing else."""
    dice = np.random.default_rng(seed)
    frames = int(seconds * RATE_HZ)
    steps = np.repeat(dice.uniform(0.02, 0.4, frames // 4800 + 1), 4800)[:frames]
    tone = np.convolve(dice.normal(0, 1, frames), np.ones(24) / 24, mode="same")
    samples = (np.clip(tone * steps * 3, -0.9, 0.9) * 32767).astype(np.int16)
    path = folder / f"sound-{seed}.ogg"
    subprocess.run(
        [
            *("ffmpeg", "-nostdin", "-v", "error", "-y", "-f", "s16le", "-ar", str(RATE_HZ), "-ac", "1"),
            *("-i", "pipe:0", "-c:a", "libopus", "-b:a", "32k", str(path)),
        ],
        input=samples.tobytes(),
        check=True,
    )
    return path.read_bytes()
