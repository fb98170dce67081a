"""docs/benchmarks.md: a line for each figure, the latest measurement of it."""

import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from bench.figure import Figure, rounded

HEAD = """\
# Benchmarks

`make bench` measures all of these, `make bench ONLY=<figure>` one, and renews the lines. Each figure stands
beside a peer or a limit measured in the same run on the same machine: the ratio counts, the absolute values
are the machine's.
`log` fills two databases with ten million lines first: 25 GB and some eight minutes here;
`LOA_BENCH_LOG=<folder>` keeps them for the next time.

| figure | value | peer | ratio | target | verdict | measured | machine | notes |
|---|---|---|---|---|---|---|---|---|
"""


def write(page: Path, figure: Figure, *, order: Sequence[str]) -> None:
    """Renew the figure's line and leave the others as they are."""
    lines = {**(read(page) if page.exists() else {}), figure.name: row(figure)}
    page.write_text(HEAD + "".join(f"{lines[name]}\n" for name in order if name in lines))


def read(page: Path) -> dict[str, str]:
    """Each figure's line, by its name."""
    rows = [line for line in page.read_text().splitlines() if line.startswith("| ")]
    return {line.split("|")[1].strip(): line for line in rows[1:]}


def row(figure: Figure) -> str:
    cells = (
        figure.name,
        f"{rounded(figure.value)} {figure.unit}",
        f"{rounded(figure.peer)} {figure.peer_unit}",
        rounded(figure.ratio),
        figure.target,
        "met" if figure.met else "**short**",
        f"{datetime.now(UTC):%Y-%m-%d}",
        machine(),
        " ".join(figure.notes.split()),
    )
    return "| " + " | ".join(cell.replace("|", "/") for cell in cells) + " |"


def machine() -> str:
    """What the figure depends on: cores that we may use, kind of processor, version of Python."""
    return f"{len(os.sched_getaffinity(0))} cores {platform.machine()}, Python {platform.python_version()}"
