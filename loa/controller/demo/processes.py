"""The demo's processes: each dies with the demo, writes its own log, and is waited for with a bound."""

import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

STOP_WITHIN_S = 10.0


class StageError(Exception):
    """Something that the demo started did not do what it should; `log` is where it says why."""

    def __init__(self, what: str, log: Path | None = None) -> None:
        super().__init__(f"{what}; see {log}" if log else what)
        self.log = log


class Process:
    """A program of ours, started beside the interpreter that runs the demo."""

    def __init__(self, command: Sequence[str], *, log: Path, environment: Mapping[str, str]) -> None:
        log.parent.mkdir(parents=True, exist_ok=True)
        self.log = log
        self._name = command[0]
        # its own session, so that Ctrl-C reaches the demo alone, which then stops things in order
        with log.open("ab") as output:
            self._child = subprocess.Popen(
                ["setpriv", "--pdeathsig", "TERM", *program(command)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=dict(environment),
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._child.pid

    @property
    def ended(self) -> bool:
        """Whether it is no longer running."""
        return self._child.poll() is not None

    def kill(self) -> None:
        """End it at once, as a power cut would; returns when it is gone."""
        self._child.kill()
        self._child.wait()

    def stop(self) -> None:
        """Ask it to end and wait; kill it if it does not."""
        self._child.terminate()
        try:
            self._child.wait(STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            self.kill()

    def check(self) -> None:
        """Raise `StageError` if it has ended by itself."""
        if self.ended:
            raise StageError(f"{self._name} ended with status {self._child.returncode}", self.log)


def program(command: Sequence[str]) -> list[str]:
    """The command with the path of our own program, installed beside this interpreter."""
    return [str(Path(sys.executable).with_name(command[0])), *command[1:]]


def run_once(command: Sequence[str], *, environment: Mapping[str, str], within_s: float = 120.0) -> str:
    """Run one of our programs to its end; its output. Raises `StageError` with what it said."""
    done = subprocess.run(
        program(command), env=dict(environment), capture_output=True, text=True, timeout=within_s, check=False
    )
    if done.returncode:
        raise StageError(f"{' '.join(command[:2])} failed: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def free_port() -> int:
    """A TCP port of the loopback on which nobody listens at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(look: Callable[[], bool], *, what: str, within_s: float, every_s: float = 0.1) -> None:
    """Return once `look` says so; `StageError` when the time is up."""
    ends = time.monotonic() + within_s
    while not look():
        if time.monotonic() > ends:
            raise StageError(f"{what} did not happen within {within_s:g} s")
        time.sleep(every_s)
