"""`python -m tests.attacks`: every attack, each followed by a genuine broadcast; `make attacks ONLY="…"`.

Ends with 0 only if no attack sounded, every one was shown, and every genuine broadcast was heard; else the
folder with everything stays. With `--broken` each case runs alone, in a town whose code lacks the checks that
stop it, and ends with 0 only if all of them sound.
"""

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.attacks import table
from tests.attacks.case import Case
from tests.attacks.cases import CASES
from tests.attacks.suite import Suite


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.attacks", description="Attacks on a town.")
    names = [case.name for case in CASES]
    parser.add_argument("--only", nargs="*", choices=names, default=[], help="these alone")
    parser.add_argument("--broken", action="store_true", help="take out the check that stops each")
    given = parser.parse_args(arguments)
    cases = [case for case in CASES if case.name in (given.only or names)]
    return _run(cases, is_broken=given.broken)


def _run(cases: Sequence[Case], *, is_broken: bool) -> int:
    folder = Path(tempfile.mkdtemp(prefix="loa-attacks-"))
    try:
        suite = Suite(folder, _say)
        result = suite.run_broken(cases) if is_broken else suite.run([[case] for case in cases])
    except BaseException:
        print(f"everything is in {folder}", flush=True)
        raise
    is_well = result.is_all_broken if is_broken else result.is_clean
    print(table.broken_page(result) if is_broken else table.page(result))
    if is_well:
        shutil.rmtree(folder)
    else:
        print(f"everything is in {folder}")
    print(table.verdict(result), flush=True)
    return 0 if is_well else 1


def _say(what: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {what}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
