"""`python -m tests.fuzz`: search for inputs that our readers answer with anything but yes or no, and soon."""

import argparse
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree

from tests.fuzz.corpus import lay_out, take_back
from tests.fuzz.targets import MOST_BYTES, TARGETS, judge

_MOST_KEPT_BYTES = 2_048
"""Of one input in the repository; longer ones reach little that these don't."""
_OPTIONS = ("-timeout=10", "-rss_limit_mb=500", f"-max_len={MOST_BYTES}", "-print_final_stats=1")


@dataclass(frozen=True, slots=True)
class Run:
    """What a run of the engine came to."""

    status: int
    executions: int
    branches: int
    said: str


def main() -> int:
    """The status is 0 only if nothing was found."""
    asked = _asked()
    if asked.again:
        return _again(asked.again)
    place: Path = asked.place
    for name in ("run", "fewest", "findings"):
        rmtree(place / name, ignore_errors=True)
        (place / name).mkdir(parents=True)
    lay_out(place / "run")
    bound = f"-runs={asked.runs}" if asked.runs else f"-max_total_time={asked.seconds}"
    run = _engine(place, bound, f"-seed={asked.seed}", str(place / "run"))
    if run.status == 0 and asked.keep:
        _engine(place, "-merge=1", str(place / "fewest"), str(place / "run"))
        print(f"{take_back(place / 'fewest', most_bytes=_MOST_KEPT_BYTES)} inputs kept in the repository")
    return _conclude(place, run)


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--runs", type=int, help="so many executions, in place of seconds")
    parser.add_argument("--seed", type=int, default=0, help="0: another one each time")
    parser.add_argument("--keep", action="store_true", help="put the smallest inputs into the repository")
    parser.add_argument("--place", type=Path, default=Path(".cache/fuzz"), help="for what the run leaves")
    parser.add_argument("--again", type=Path, help="only this finding, once")
    return parser.parse_args()


def _engine(place: Path, *words: str) -> Run:
    findings = f"-artifact_prefix={place / 'findings'}/"
    command = [sys.executable, "-m", "tests.fuzz.engine", *_OPTIONS, findings, *words]
    # merging, the engine starts itself as a program
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    env = os.environ | {"PATH": path, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(command, check=False, capture_output=True, text=True, errors="replace", env=env)
    said = done.stdout + done.stderr
    executions = re.findall(r"stat::number_of_executed_units: (\d+)", said)
    branches = re.findall(r" cov: (\d+) ", said)
    return Run(
        status=done.returncode,
        executions=int(executions[-1]) if executions else 0,
        branches=int(branches[-1]) if branches else 0,
        said=said,
    )


def _conclude(place: Path, run: Run) -> int:
    findings = sorted(str(path) for path in (place / "findings").iterdir())
    if run.status != 0 or findings:
        print(run.said[-6_000:])
        for path in findings:
            print(f"see it again: python -m tests.fuzz --again {path}")
    print(
        f"fuzz: {run.executions} executions, {run.branches} branches of the readers reached, "
        f"{len(findings)} findings"
    )
    return 1 if run.status != 0 or findings or not run.executions else 0


def _again(path: Path) -> int:
    content = path.read_bytes()
    target = TARGETS[content[0] % len(TARGETS)]
    print(f"{target.name}: {content[1:]!r}"[:2_000])
    judge(target, content[1:])
    return 0


if __name__ == "__main__":
    sys.exit(main())
