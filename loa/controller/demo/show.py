"""What the demo prints: steps, a progress bar while it waits, the broadcast log as a table."""

import time
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

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
        table = Table(title="Broadcast log")
        for heading in ("occurrence", "title", "node", "planned", "started"):
            table.add_column(heading, no_wrap=heading != "title")
        for heading in ("late ms", "played s"):
            table.add_column(heading, justify="right")
        table.add_column("outcome")
        for line in lines:
            table.add_row(*self._cells(line))
        self._console.print(table)

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
        occurrence = line["occurrence"]
        played_ms = line["played_ms"]
        return [
            f"{occurrence[:8]}@{occurrence.partition('@')[2]}",
            line["title"],
            line["node"],
            self._clock(line["planned_at"]),
            self._clock(line["started_at"]),
            "-" if line["late_ms"] is None else str(line["late_ms"]),
            "-" if played_ms is None else f"{played_ms / 1000:.1f}",
            line["outcome"],
        ]

    def _clock(self, at: str | None) -> str:
        if at is None:
            return "-"
        return datetime.fromisoformat(at).astimezone(self._tz).strftime("%H:%M:%S.%f")[:-3]
