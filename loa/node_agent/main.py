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
from loa.node_agent.adapters.disk import SqliteDisk
from loa.node_agent.adapters.folders import passing_folder
from loa.node_agent.adapters.recordings import RecordingFolder
from loa.node_agent.adapters.update_files import give_keys
from loa.node_agent.assembly import RECORDINGS_FOLDER, build, read_clock
from loa.node_agent.condition import examine, say_root
from loa.node_agent.errors import InUseError, NodeError, NotEnrolledError
from loa.node_agent.wiring import Wiring

_log = logging.getLogger(__name__)


def run() -> None:
    """The console script `loa-node`. Commands import what only they need: the agent's process stays small."""
    import typer  # noqa: PLC0415 -- weighs on every agent otherwise

    app = typer.Typer(no_args_is_help=True, add_completion=False, help="A loudspeaker node of Loa.")
    app.command("enrol")(enrol)
    app.command("run")(run_agent)
    app.command("status")(status)
    app.command("check-release")(check_release)
    app.command("doctor")(doctor)
    app()


def enrol(url: str, code: str, data: Path | None = None) -> None:
    """Make this machine a node: exchange the one-time CODE of the controller at URL for an identity."""
    try:
        done = enrolment.enrol(url, code, _data(data))
        give_keys(_data(data), done.release_keys)
    except NodeError as error:
        raise SystemExit(f"loa-node: {error}") from error
    print(f"This machine is node {done.node}. Start it with `loa-node run`.")  # noqa: T201 -- a command speaks


def run_agent(data: Path | None = None, sink: str | None = None) -> None:
    """Play what is approved, until told to stop. SINK is `default` (sound card) or `wav:PATH`."""
    from loa.node_agent.settings import AgentSettings  # noqa: PLC0415 -- see `run`

    settings = AgentSettings()
    folder, output = data or settings.data, sink or settings.sink
    # The process that parsed its options gives way to one that never loaded the parser.
    wiring = settings.wiring.to_bytes().decode()
    arguments = [str(folder), output, settings.log_level, wiring, str(settings.versions)]
    os.execv(sys.executable, [sys.executable, "-m", "loa.node_agent.main", *arguments])  # noqa: S606 -- the same program


def check_release(data: Path | None = None) -> None:
    """Say this version if all of it is here and, with DATA, if it can read what is in that directory."""
    from loa.node_agent.check_release import check_release as check  # noqa: PLC0415 -- imports everything

    try:
        print(check(data))  # noqa: T201 -- a command speaks
    except NodeError as error:
        raise SystemExit(f"loa-node: {error}") from error


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
    clock = read_clock(folder)
    condition = examine(
        disk, frozenset(here), is_running=_is_owned(folder), now=clock.now(), clock=clock.reading()
    )
    held = disk.recall().config
    disk.close()
    lines = [f"Node {identity.node}.", say_root(identity.root(), held), *condition.lines]
    print("\n".join(lines))  # noqa: T201 -- a command speaks
    raise SystemExit(0 if condition.is_well else 1)


def doctor(data: Path | None = None, sink: str | None = None, *, json: bool = False) -> None:
    """Look at sound, clock, network, disk and GPIO; say what to do. Ends with 0 if all is well, else 1."""
    from loa.node_agent import doctor as practice  # noqa: PLC0415 -- see `run`
    from loa.node_agent.settings import AgentSettings  # noqa: PLC0415 -- see `run`

    settings = AgentSettings()
    folder = data or settings.data
    is_running = folder.is_dir() and _is_owned(folder)
    given = settings.model_copy(update={"data": folder, "sink": sink or settings.sink})
    findings = practice.doctor_of(given, is_agent_running=is_running).examine()
    print(practice.as_json(findings) if json else practice.as_text(findings))  # noqa: T201 -- a command speaks
    raise SystemExit(0 if practice.is_well(findings) else 1)


def serve(data: Path, sink: str, log_level: str, wiring: Wiring, versions: Path) -> int:
    """Run the agent in this process until SIGTERM or SIGINT. The status to end with: 0 if told to stop."""
    logs.set_up(log_level)
    stopped: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _frame: stopped.append(number))
    try:
        with sole_owner(data):
            build(data, sink, wiring, versions).run(lambda: bool(stopped))
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
    _data_given, _sink, _level, _wiring, _versions = sys.argv[1:6]
    sys.exit(serve(Path(_data_given), _sink, _level, Wiring.from_bytes(_wiring), Path(_versions)))
