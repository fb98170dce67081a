"""Writes reports and takes receipts, three reports behind, until somebody ends it: `FILE`."""

import sys
from datetime import UTC, datetime
from pathlib import Path

from loa.node_agent.adapters.disk import SqliteDisk
from loa.node_agent.core.reports import problem
from loa.node_agent.ports import Change
from loa.protocol.reasons import ProblemCode
from loa.protocol.reports import ProblemReport

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
BEHIND = 3


def report_of(number: int) -> ProblemReport:
    """The report that gets that number."""
    return problem(at=NOON, code=ProblemCode.FETCH_FAILED, detail=f"the {number}th").model_copy(
        update={"number": number}
    )


def main() -> None:
    """Say each number once it is on the disk."""
    disk = SqliteDisk(Path(sys.argv[1]))
    unsent = disk.unsent(2_000, {}).reports
    number = unsent[-1].number if unsent else 0
    while True:
        number += 1
        disk.write(Change(reports=(report_of(number),)))
        disk.forget(disk.journal_id, number - BEHIND)
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
