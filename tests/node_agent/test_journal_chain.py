"""The chain of a node's journal outlives what nodes go through: power cuts, and agents of other releases."""

import subprocess
import sys
from pathlib import Path

from loa.node_agent.adapters.disk import SqliteDisk
from loa.node_agent.ports import Change, Unsent
from loa.protocol.chain import GENESIS, extend
from tests.node_agent.journal_writer import report_of
from tests.node_agent.test_disk import spoil


def chain_up_to(number: int) -> str:
    return extend(GENESIS, (report_of(one).to_bytes() for one in range(1, number + 1)))


def write_until_killed(path: Path, *, lines: int) -> None:
    command = [sys.executable, "-m", "tests.node_agent.journal_writer", str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        for _ in range(lines):
            assert writer.stdout.readline(), "it writes"
        writer.kill()


def read(path: Path) -> Unsent:
    disk = SqliteDisk(path)
    unsent = disk.unsent(10, {})
    disk.close()
    return unsent


def test_a_kill_breaks_no_chain(tmp_path: Path) -> None:
    path = tmp_path / "node.db"
    for lines in (5, 8, 2):
        write_until_killed(path, lines=lines)
        unsent = read(path)
        assert unsent.reports[0].number > 1
        assert unsent.chain == chain_up_to(unsent.reports[0].number - 1)


def test_a_journal_of_an_agent_that_did_not_chain_begins_with_its_next_report(tmp_path: Path) -> None:
    path = tmp_path / "node.db"
    disk = SqliteDisk(path)
    disk.write(Change(reports=[report_of(number) for number in range(1, 6)]))
    disk.forget(disk.journal_id, 2)
    disk.close()
    spoil(path, "DELETE FROM facts WHERE name LIKE '%chain %'")
    unsent = read(path)
    assert unsent.chain == GENESIS
    disk = SqliteDisk(path)
    disk.forget(disk.journal_id, 3)
    disk.close()
    assert read(path).chain == extend(GENESIS, [report_of(3).to_bytes()])


def test_what_an_agent_that_does_not_chain_forgot_is_not_passed_over_in_silence(tmp_path: Path) -> None:
    path = tmp_path / "node.db"
    disk = SqliteDisk(path)
    disk.write(Change(reports=[report_of(number) for number in range(1, 6)]))
    disk.forget(disk.journal_id, 2)
    disk.close()
    spoil(path, "DELETE FROM reports WHERE number <= 4")
    assert read(path).chain == GENESIS, "the kept chain is that after report 2, not after 4"


def test_one_damaged_copy_of_the_chain_costs_nothing(tmp_path: Path) -> None:
    path = tmp_path / "node.db"
    for name in ("chain %", "copy of chain %"):
        path.unlink(missing_ok=True)
        disk = SqliteDisk(path)
        disk.write(Change(reports=[report_of(number) for number in range(1, 4)]))
        disk.forget(disk.journal_id, 2)
        disk.close()
        spoil(path, "UPDATE facts SET content = ? WHERE name LIKE ?", f"2:{'x' * 43}", name)
        assert read(path).chain == chain_up_to(2)
