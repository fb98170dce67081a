"""A short campaign with the real thing; `make field` runs a long one."""

from pathlib import Path

import pytest

from tests.field import table
from tests.field.campaign import Campaign, Wanted

FAULTS, SEED = 20, 7


@pytest.mark.flow
@pytest.mark.timeout(400)
def test_twenty_faults_lose_double_and_lead_astray_nothing(tmp_path: Path) -> None:
    result = Campaign(Wanted(FAULTS, SEED), tmp_path, print).run()
    told = f"{table.page(result)}\n{table.listed(result.ledger.faults)}"
    assert table.verdict(result) == f"{FAULTS} faults: 0 lost, 0 doubled, 0 stray", told
    assert result.findings.strict, "nobody was held to anything"
