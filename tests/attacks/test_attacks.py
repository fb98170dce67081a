"""Every attack, in groups that a genuine broadcast closes; `make attacks` closes each case with one."""

from pathlib import Path

import pytest

from tests.attacks import table
from tests.attacks.broken import ROOT, apply
from tests.attacks.case import Case
from tests.attacks.cases import CASES, GROUPS
from tests.attacks.suite import Suite


@pytest.mark.flow
@pytest.mark.timeout(400)
def test_nothing_that_attackers_do_sounds_and_all_of_it_is_shown(tmp_path: Path) -> None:
    result = Suite(tmp_path, print).run(GROUPS)
    assert result.is_clean, table.page(result)
    assert table.verdict(result) == f"{len(CASES)} tried, 0 sounded"


def test_the_page_tells_of_every_attack() -> None:
    page = (ROOT / "docs/attacks.md").read_text()
    assert [case.name for case in CASES if f"| {case.name} | {case.tried} |" not in page] == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case.name))
def test_what_stops_an_attack_still_stands_where_it_was_broken(case: Case, tmp_path: Path) -> None:
    assert bool(case.broken) != bool(case.unbroken), "say what was broken, or why nothing could be"
    for number, edit in enumerate(case.broken):
        path = tmp_path / str(number) / edit.file
        path.parent.mkdir(parents=True)
        path.write_text((ROOT / edit.file).read_text())
        apply(tmp_path / str(number), edit)
