"""`python -m tests.field`: many faults, and a judge. `make field FAULTS=n SEED=s KINDS="…" WITHOUT="…"`.

Ends with 0 only if nothing was lost, doubled or astray; else the folder with everything stays.
"""

import argparse
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.field import table
from tests.field.campaign import ALL_KINDS, Campaign, Wanted

FAULTS = 200


def main(arguments: Sequence[str] | None = None) -> int:
    wanted = _wanted(arguments)
    folder = Path(tempfile.mkdtemp(prefix="loa-field-"))
    print(f"seed {wanted.seed}, {wanted.faults} faults of {', '.join(wanted.kinds)}", flush=True)
    try:
        result = Campaign(wanted, folder, _say).run()
    except BaseException:
        print(f"{_again(wanted)}; everything is in {folder}", flush=True)
        raise
    print(table.page(result))
    if result.findings.is_clean:
        shutil.rmtree(folder)
    else:
        (folder / "plan.txt").write_text(table.planned(result.ledger.dues))
        print(f"\n{table.listed(result.ledger.faults)}\n\n{_again(wanted)}; everything is in {folder}")
    print(table.verdict(result), flush=True)
    return 0 if result.findings.is_clean else 1


def _wanted(arguments: Sequence[str] | None) -> Wanted:
    parser = argparse.ArgumentParser(prog="python -m tests.field", description="The field, as bad as it is.")
    parser.add_argument("--faults", type=int, default=FAULTS)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--kinds", nargs="*", choices=ALL_KINDS, default=[], help="these alone")
    parser.add_argument("--without", nargs="*", choices=ALL_KINDS, default=[], help="all but these")
    given = parser.parse_args(arguments)
    kinds = tuple(kind for kind in given.kinds or ALL_KINDS if kind not in given.without)
    if not kinds:
        parser.error("no kind of fault is left")
    return Wanted(given.faults, given.seed, kinds)


def _again(wanted: Wanted) -> str:
    kinds = "" if wanted.kinds == ALL_KINDS else f' KINDS="{" ".join(wanted.kinds)}"'
    return f"again: make field FAULTS={wanted.faults} SEED={wanted.seed}{kinds}"


def _say(what: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {what}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
