import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader, BufferedWriter
from pathlib import Path
from threading import Timer
from typing import cast

from loa.audio.errors import ToolFailed, ToolMissing, ToolTimeout

_ADDRESS_SPACE_BYTES = 2_000_000_000
_LOG_TAIL_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Tool:
    """How one program may run: in `directory`, for `timeout_s`, writing files of at most `file_bytes`."""

    directory: Path
    timeout_s: float
    file_bytes: int = 64_000_000

    def run(
        self,
        command: Sequence[str],
        *,
        stdin: bytes = b"",
        on_line: Callable[[str], None] | None = None,
    ) -> str:
        """Run `command` to its end and return the end of what it wrote to stderr.

        `on_line` gets each line of stdout as it comes; without it stdout is dropped. Raises ToolMissing,
        ToolTimeout or ToolFailed.
        """
        with self.start(command, name="run") as running:
            running.feed(stdin)
            for line in running.lines():
                if on_line is not None:
                    on_line(line)
            return running.finish()

    @contextmanager
    def start(self, command: Sequence[str], *, name: str) -> Iterator["Running"]:
        """Start `command` under the limits; it is killed at the deadline or when the block is left early."""
        program = shutil.which(command[0])
        if program is None:
            raise ToolMissing(command[0])
        log = self.directory / f"{name}.log"
        with log.open("wb") as stderr:
            process = subprocess.Popen(
                [*self._limits(), program, *command[1:]],
                cwd=self.directory,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
            )
        running = Running(command[0], process, log, self.timeout_s)
        try:
            yield running
        finally:
            running.discard()

    def _limits(self) -> list[str]:
        return [
            "prlimit",
            f"--as={_ADDRESS_SPACE_BYTES}",
            f"--cpu={int(self.timeout_s) + 1}",
            f"--fsize={self.file_bytes}",
            "--core=0",
            "--",
        ]


class Running:
    """A started program with its deadline."""

    def __init__(self, tool: str, process: subprocess.Popen[bytes], log: Path, timeout_s: float) -> None:
        self.tool = tool
        self._process = process
        self._input = cast(BufferedWriter, process.stdin)
        self._output = cast(BufferedReader, process.stdout)
        self._log = log
        self._timeout_s = timeout_s
        self._expired = False
        self._deadline = Timer(timeout_s, self._expire)
        self._deadline.daemon = True
        self._deadline.start()

    def feed(self, content: bytes, *, last: bool = True) -> None:
        """Write to its stdin. A program that no longer listens is not an error here; `finish` tells."""
        try:
            self._input.write(content)
            if last:
                self._input.close()
        except BrokenPipeError:
            return

    def read(self, size: int) -> bytes:
        """Up to `size` bytes of its stdout, as soon as there are any; nothing at its end."""
        return self._output.read1(size)

    def lines(self) -> Iterator[str]:
        """The lines of its stdout, as they come."""
        for line in self._output:
            yield line.decode(errors="replace").strip()

    def finish(self) -> str:
        """Wait for the end and return the end of its stderr; raises ToolTimeout or ToolFailed."""
        status = self._process.wait()
        said = tail(self._log)
        if self._expired:
            raise ToolTimeout(self.tool, self._timeout_s)
        if status != 0:
            raise ToolFailed(self.tool, _last_words(said, status))
        return said

    def discard(self) -> None:
        """Kill it if it still runs and release its pipes."""
        self._deadline.cancel()
        self._process.kill()
        _close(self._input.close)
        self._output.close()
        self._process.wait()

    def _expire(self) -> None:
        self._expired = True
        self._process.kill()


def tail(log: Path) -> str:
    """The end of a log file as text."""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - _LOG_TAIL_BYTES))
        return file.read().decode(errors="replace")


def _last_words(said: str, status: int) -> str:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return lines[-1][-300:] if lines else f"status {status}"


def _close(close: Callable[[], None]) -> None:
    try:
        close()
    except BrokenPipeError:  # what was still buffered has no reader any more
        return
