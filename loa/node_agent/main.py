import fcntl
import logging
import os
import random
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from queue import Queue

from loa.audio.player import Player
from loa.audio.wav_player import WavPlayer
from loa.node_agent import logs
from loa.node_agent.adapters import enrolment
from loa.node_agent.adapters.clock import SystemTime
from loa.node_agent.adapters.courier import Broker, MqttCourier, Will
from loa.node_agent.adapters.disk import SqliteDisk
from loa.node_agent.adapters.downloads import BackgroundDownloads
from loa.node_agent.adapters.http import HttpFetcher
from loa.node_agent.adapters.recordings import RecordingFolder
from loa.node_agent.adapters.sound_file import open_sound
from loa.node_agent.condition import examine
from loa.node_agent.errors import InUseError, NodeError, PlayerUnavailableError
from loa.node_agent.fetching import Fetching
from loa.node_agent.intake import Intake
from loa.node_agent.memory import Memory
from loa.node_agent.ports import Arrival
from loa.node_agent.runner import Agent
from loa.node_agent.sounding import Sounding
from loa.node_agent.telling import Telling
from loa.node_agent.voice import Voice
from loa.protocol.ids import BootId

INBOX_SIZE = 2_000
LOCK_FILE = "lock"
RECORDINGS_FOLDER = "recordings"
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")

_log = logging.getLogger(__name__)


def run() -> None:
    """The console script `loa-node`. Commands import what only they need: the agent's process stays small."""
    import typer  # noqa: PLC0415 -- weighs on every agent otherwise

    app = typer.Typer(no_args_is_help=True, add_completion=False, help="A loudspeaker node of Loa.")
    app.command("enrol")(enrol)
    app.command("run")(run_agent)
    app.command("status")(status)
    app()


def enrol(url: str, code: str, data: Path | None = None) -> None:
    """Make this machine a node: exchange the one-time CODE of the controller at URL for an identity."""
    try:
        done = enrolment.enrol(url, code, _data(data))
    except NodeError as error:
        raise SystemExit(f"loa-node: {error}") from error
    print(f"This machine is node {done.node}. Start it with `loa-node run`.")  # noqa: T201 -- a command speaks


def run_agent(data: Path | None = None, sink: str | None = None) -> None:
    """Play what is approved, until told to stop. SINK is `default` (sound card) or `wav:PATH`."""
    from loa.node_agent.settings import AgentSettings  # noqa: PLC0415 -- see `run`

    settings = AgentSettings()
    folder, output = data or settings.data, sink or settings.sink
    # The process that parsed its options gives way to one that never loaded the parser.
    arguments = [str(folder), output, settings.log_level]
    os.execv(sys.executable, [sys.executable, "-m", "loa.node_agent.main", *arguments])  # noqa: S606 -- the same program


def status(data: Path | None = None) -> None:
    """Say in plain words how this node is. Ends with 0 if all is well, 1 if not, 2 if not enrolled."""
    folder = _data(data)
    try:
        identity, _ = enrolment.load(folder)
    except NodeError as error:
        print(f"loa-node: {error}", file=sys.stderr)  # noqa: T201 -- a command speaks
        raise SystemExit(2) from error
    disk = SqliteDisk(folder / identity.journal_file)
    here = RecordingFolder(folder / RECORDINGS_FOLDER).here()
    condition = examine(disk, frozenset(here), is_running=_is_owned(folder), now=SystemTime().now())
    disk.close()
    print("\n".join([f"Node {identity.node}.", *condition.lines]))  # noqa: T201 -- a command speaks
    raise SystemExit(0 if condition.is_well else 1)


def serve(data: Path, sink: str, log_level: str) -> int:
    """Run the agent in this process until SIGTERM or SIGINT. The status to end with: 0 if told to stop."""
    logs.set_up(log_level)
    stopped: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _frame: stopped.append(number))
    try:
        with sole_owner(data):
            build(data, sink).run(lambda: bool(stopped))
    except NodeError as error:
        logs.shout(_log, "died", data=data, detail=error)
        return 1
    except Exception:  # noqa: BLE001 -- the root of the process
        _log.exception("event=died data=%s", data)
        return 1
    return 0


def build(data: Path, sink: str) -> Agent:
    """The agent of an enrolled data directory, with real adapters. Raises a `NodeError`."""
    identity, key = enrolment.load(data)
    clock, dice = SystemTime(), random.SystemRandom()
    inbox: Queue[Arrival] = Queue(INBOX_SIZE)
    disk = SqliteDisk(data / identity.journal_file)
    memory = Memory(disk=disk, clock=clock)
    recordings = RecordingFolder(data / RECORDINGS_FOLDER)
    keys, bodies = identity.key_ring(), data / "incoming"
    intake = Intake(memory=memory, node=identity.node, keys=keys, folder=bodies, clock=clock, random=dice)
    opener = partial(open_player, sink, clock)
    sounding = Sounding(memory=memory, recordings=recordings, open_player=opener, clock=clock)
    voice = Voice(node=identity.node, boot_id=_boot_id(), key=key, clock=clock)
    courier = _make_courier(identity.mqtt, voice, inbox)
    fetcher = HttpFetcher(identity.base_url, node=identity.node, key=key, clock=clock)
    downloads = BackgroundDownloads(fetcher, inbox=inbox, clock=clock)
    fetching = Fetching(
        memory=memory,
        intake=intake,
        sounding=sounding,
        recordings=recordings,
        downloads=downloads,
        clock=clock,
    )
    telling = Telling(
        voice=voice,
        memory=memory,
        disk=disk,
        courier=courier,
        clock=clock,
        random=dice,
        sounding=lambda: sounding.sounding,
        missing=lambda: fetching.missing,
        free_bytes=recordings.free_bytes,
    )
    return Agent(
        inbox=inbox,
        memory=memory,
        disk=disk,
        intake=intake,
        sounding=sounding,
        fetching=fetching,
        telling=telling,
        courier=courier,
        downloads=downloads,
        clock=clock,
    )


def _make_courier(account: enrolment.MqttAccount, voice: Voice, inbox: Queue[Arrival]) -> MqttCourier:
    broker = Broker(account.host, account.port, account.username, account.password)
    return MqttCourier(broker, will=Will(voice.state_topic, voice.will), inbox=inbox, clock=voice.clock)


def open_player(sink: str, clock: SystemTime) -> Player:
    """The output that `sink` names. Raises `PlayerUnavailableError`."""
    try:
        if sink == "default":
            from loa.audio.sounddevice_player import (  # noqa: PLC0415 -- only where there is a sound card
                SoundDevicePlayer,
                open_output,
            )

            stream = partial(open_output, None)
            return SoundDevicePlayer(clock=clock, open_stream=stream, open_sound=open_sound)
        return WavPlayer(Path(sink.removeprefix("wav:")), clock=clock, open_sound=open_sound)
    except OSError as error:
        raise PlayerUnavailableError(sink, str(error)) from error


@contextmanager
def sole_owner(data: Path) -> Iterator[None]:
    """Hold the data directory; raises `InUseError` if another agent does."""
    with (data / LOCK_FILE).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise InUseError(str(data)) from error
        yield


def _is_owned(data: Path) -> bool:
    try:
        with sole_owner(data):
            return False
    except InUseError:
        return True


def _boot_id() -> BootId:
    return BootId(_BOOT_ID.read_text().strip().replace("-", ""))


def _data(given: Path | None) -> Path:
    from loa.node_agent.settings import AgentSettings  # noqa: PLC0415 -- see `run`

    return given or AgentSettings().data


if __name__ == "__main__":
    sys.exit(serve(Path(sys.argv[1]), sys.argv[2], sys.argv[3]))
