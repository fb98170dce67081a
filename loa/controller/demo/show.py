"""What the demo prints: steps, a progress bar while it waits, the broadcast log as a table."""

import time
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

_ROW = "  {:<11}{:<16}{:<10}{:<13}{:>8}{:>10}  {}"
LogLine = dict[str, Any]
"""A line of the broadcast log, as the API gives it."""


class Show:
    """The demo's words; `tz` is the commune's."""

    def __init__(self, console: Console, tz: str) -> None:
        self._console = console
        self._tz = ZoneInfo(tz)

    def step(self, text: str) -> None:
        """One line on what happens now."""
        self._console.print(f"[bold]•[/bold] {text}", highlight=False)

    def wait(self, text: str, until_at: float, look: Callable[[], None]) -> None:
        """A progress bar until that instant (s since the epoch); `look` is called again and again."""
        begun = time.time()
        with Progress(
            TextColumn("  {task.description}"), BarColumn(), TimeRemainingColumn(), console=self._console
        ) as progress:
            task = progress.add_task(text, total=max(until_at - begun, 0.001))
            while (now := time.time()) < until_at:
                progress.update(task, completed=now - begun)
                look()
                time.sleep(min(0.2, until_at - now))
            progress.update(task, completed=until_at - begun)

    def log(self, lines: Iterable[LogLine]) -> None:
        """The broadcast log."""
        self._console.rule("Broadcast log")
        self._line(_ROW.format("occurrence", "node", "planned", "started", "late ms", "played s", "outcome"))
        title = ""
        for line in lines:
            if line["title"] != title:
                title = line["title"]
                self._console.print(title, style="bold", highlight=False)
            self._line(_ROW.format(*self._cells(line)))

    def _line(self, text: str) -> None:
        self._console.print(text, highlight=False, soft_wrap=True)

    def verdict(self, faults: dict[str, list[str]]) -> None:
        """What the recorded sound of each node says."""
        for node, found in faults.items():
            if not found:
                self._console.print(f"[green]✔[/green] {node}: everything sounded at its place")
            for fault in found:
                self._console.print(f"[red]✘[/red] {node}: {fault}", highlight=False)

    def failed(self, reason: str) -> None:
        """Why the demo ends without success."""
        self._console.print(f"[red]✘[/red] {reason}", highlight=False)

    def _cells(self, line: LogLine) -> list[str]:
        played_ms = line["played_ms"]
        return [
            line["occurrence"][:8],
            line["node"],
            self._clock(line["planned_at"])[:8],
            self._clock(line["started_at"]),
            "-" if line["late_ms"] is None else str(line["late_ms"]),
            "-" if played_ms is None else f"{played_ms / 1000:.1f}",
            line["outcome"],
        ]

    def _clock(self, at: str | None) -> str:
        if at is None:
            return "-"
        return datetime.fromisoformat(at).astimezone(self._tz).strftime("%H:%M:%S.%f")[:-3]
