from pathlib import Path

import pytest

from loa.controller.logs import configure
from loa.controller.settings import LogFormat
from tests.controller.site import Site, open_site
from tests.fuzz.api import search


@pytest.fixture
def site(tmp_path: Path) -> Site:
    configure(LogFormat.CONSOLE, "CRITICAL")
    return open_site(tmp_path)


@pytest.mark.timeout(240)
def test_no_request_made_of_the_description_is_answered_with_a_failure(site: Site) -> None:
    tally = search(site, examples=1)
    assert tally.faults == []
    assert tally.operations == sum(len(methods) for methods in site.app.openapi()["paths"].values())
    assert tally.answers[200] > 50, "what is right and allowed is among what was asked"
    assert tally.answers[422] > 50, "and what is wrong"
