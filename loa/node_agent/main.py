import fcntl
import logging
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from loa.node_agent import logs
from loa.node_agent.adapters import enrolment
from loa.node_agent.adapters.clock import SystemTime
from loa.node_agent.adapters.disk import SqliteDisk
from loa.node_agent.adapters.folders import passing_folder
from loa.node_agent.adapters.recordings import RecordingFolder
from loa.node_agent.assembly import RECORDINGS_FOLDER, build
from loa.node_agent.condition import examine
from loa.node_agent.errors import InUseError, NodeError, NotEnrolledError

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
    disk = SqliteDisk(folder / identity.journal_file, looks_only=True)
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
            with suppress(OSError):  # what a broken fetch left in it is gone on from
                passing_folder(data).rmdir()
    except NodeError as error:
        logs.shout(_log, "died", data=data, detail=error)
        return 1
    except Exception:  # noqa: BLE001 -- the root of the process
        _log.exception("event=died data=%s", data)
        return 1
    return 0


@contextmanager
def sole_owner(data: Path) -> Iterator[None]:
    """Hold the data directory; raises `InUseError` if another agent does."""
    try:
        lock = os.open(
            data, os.O_RDONLY | os.O_DIRECTORY
        )  # needs no file, so a full or read-only disk will do
    except OSError as error:
        raise NotEnrolledError(str(data), error.strerror or "cannot be opened") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(lock)
        raise InUseError(str(data)) from error
    try:
        yield
    finally:
        os.close(lock)


def _is_owned(data: Path) -> bool:
    try:
        with sole_owner(data):
            return False
    except InUseError:
        return True


def _data(given: Path | None) -> Path:
    from loa.node_agent.settings import AgentSettings  # noqa: PLC0415 -- see `run`

    return given or AgentSettings().data


if __name__ == "__main__":
    sys.exit(serve(Path(sys.argv[1]), sys.argv[2], sys.argv[3]))
