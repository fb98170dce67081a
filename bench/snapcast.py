"""Snapcast as the peer: one server, a client for each sink, all on the loopback and with files of our own."""

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Thread

from loa.audio.mixer import Samples
from tests.children import running
from tests.loopback import free_port
from tests.pulse import Pulse
from tests.waiting import wait_for

# The Debian configuration defines a stream `default`, which clients would join without a sound.
_CONFIGURATION = """\
[server]
datadir = {folder}
[http]
enabled = false
[tcp]
enabled = false
[stream]
bind_to_address = 127.0.0.1
port = {port}
source = pipe://{fifo}?name=square&sampleformat=48000:16:1&mode=create
[logging]
sink = stderr
"""


@dataclass(frozen=True, slots=True)
class Snapcast:
    """The running server and clients."""

    fifo: Path

    def play(self, samples: Samples) -> Thread:
        """Hand samples over as fast as the server takes them: in real time."""
        thread = Thread(target=self._write, args=(samples.tobytes(),), name="snapcast")
        thread.start()
        return thread

    def _write(self, content: bytes) -> None:
        with self.fifo.open("wb") as pipe:
            pipe.write(content)


@contextmanager
def snapcast(folder: Path, served: Pulse, sinks: Sequence[str]) -> Iterator[Snapcast]:
    """Started, every client connected."""
    fifo, port, log = folder / "snap.fifo", free_port(), folder / "snapserver.log"
    configuration = folder / "snapserver.conf"
    configuration.write_text(_CONFIGURATION.format(folder=folder, port=port, fifo=fifo))
    with ExitStack() as at_last:
        server = ["snapserver", "--config", str(configuration)]
        at_last.enter_context(running(server, environment=os.environ, log=log))
        wait_for(fifo.exists, what="snapserver made its pipe")
        for number, sink in enumerate(sinks):
            client = ["snapclient", "--host", "127.0.0.1", "--port", str(port), "--hostID", sink]
            options = ["--instance", str(number + 1), "--player", "pulse", "--logsink", "stderr"]
            environment = served.environment(sink)
            at_last.enter_context(
                running([*client, *options], environment=environment, log=folder / f"{sink}.snap")
            )
        wait_for(lambda: log.read_text(errors="replace").count("Hello from") >= len(sinks), what="clients")
        yield Snapcast(fifo)
