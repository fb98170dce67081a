"""The square of `skew` on a machine whose two cores are kept busy by something else."""

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench.figure import Figure
from bench.skew import compare, told
from tests.children import running

STARTS = 60
MOST_MS = 50.0
LOOPS = 2


def measure() -> Figure:
    with busy_loops():
        found = compare(STARTS)
    ours, theirs = found.ours, found.theirs
    return Figure(
        name="busy",
        value=ours.p99_ms,
        unit="ms p99",
        peer=theirs.p99_ms,
        peer_unit="ms p99 (Snapcast)",
        ratio=ours.p99_ms / theirs.p99_ms,
        target=f"beside {LOOPS} busy loops: no start lost, p99 at most {MOST_MS:g} ms",
        met=ours.p99_ms <= MOST_MS and not ours.lost,
        notes=told(found),
    )


@contextmanager
def busy_loops() -> Iterator[None]:
    """Processes that take all the time of a core each, at the same priority as the agents."""
    with ExitStack() as at_last:
        for _ in range(LOOPS):
            command = [sys.executable, "-c", "while True: pass"]
            at_last.enter_context(running(command, environment=os.environ, log=Path(os.devnull)))
        yield
