"""`python -m bench [NAME]`: measure one figure, or all of them, each in a process of its own.

Every figure measured renews its own line of docs/benchmarks.md. The last line printed is the verdict;
the status is 0 only if every figure asked for met its target.
"""

import argparse
import importlib
import subprocess
import sys
from pathlib import Path

from bench import record
from bench.figure import Figure, verdict

NAMES = (
    "fanout",
    "prepare",
    "ingest",
    "layout",
    "agent",
    "skew",
    "busy",
    "preempt",
    "bytes",
    "evidence",
    "log",
    "people",
    "approvals",
)
PAGE = Path(__file__).parent.parent / "docs" / "benchmarks.md"


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m bench", description="Measure figures against their peers."
    )
    parser.add_argument("name", nargs="?", choices=NAMES, help="all of them when left out")
    name = parser.parse_args().name
    return one(name) if name else everything()


def one(name: str) -> int:
    figure: Figure = importlib.import_module(f"bench.{name}").measure()
    record.write(PAGE, figure, order=NAMES)
    if figure.notes:
        print(figure.notes)
    print(verdict(figure), flush=True)
    return 0 if figure.met else 1


def everything() -> int:
    """A process each, so that none is measured with another's memory and caches."""
    statuses = [
        subprocess.run([sys.executable, "-m", "bench", name], check=False).returncode for name in NAMES
    ]
    return 0 if not any(statuses) else 1


if __name__ == "__main__":
    sys.exit(main())
