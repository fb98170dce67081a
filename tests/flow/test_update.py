"""A release on its way: one that breaks the agent is rolled back by itself, one that works stays."""

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from loa.controller.bundles import make_key_file
from loa.node_agent.core.ledger import TRIAL_S, Phase
from loa.protocol.keys import SigningKey
from tests.flow.machine import Machine, build_bundle, make_mute
from tests.flow.office import ADMIN, COMMUNE, PASSWORD, VILLAGES, Json
from tests.flow.village import Village

pytestmark = [pytest.mark.flow, pytest.mark.timeout(400)]
NODE = "cum-1"


class Release:
    """Who makes releases: a key that no server has."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.key_file = folder / "release.key"
        self.key: SigningKey = make_key_file(self.key_file)

    def add(self, village: Village, bundle: Path) -> str:
        """Upload it as the administrator; its SHA-256."""
        with httpx.Client(
            base_url=f"{village.base_url}/api/v1", timeout=60, trust_env=False, verify=village.trust
        ) as client:
            csrf = client.post("/sessions", json={"user": ADMIN, "password": PASSWORD}).json()["csrf"]
            with bundle.open("rb") as file:
                answer = client.post("/releases", files={"file": file}, headers={"x-csrf-token": csrf})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["sha256"])


@pytest.fixture
def release(tmp_path: Path) -> Release:
    return Release(tmp_path)


@pytest.fixture
def village(tmp_path: Path, release: Release) -> Iterator[Village]:
    settings = {"LOA_RELEASE_KEYS": json.dumps([release.key.public.x])}
    with Village.founded(tmp_path / "village", settings=settings) as village:
        yield village


@pytest.fixture
def machine(tmp_path: Path, village: Village, release: Release) -> Iterator[Machine]:
    """A node that runs 0.1.0 and that the controller knows."""
    machine = Machine(tmp_path / "machine")
    machine.root.parent.mkdir()
    machine.install_first(build_bundle(tmp_path, "0.1.0", release.key_file), release.key, tmp_path)
    machine.enrol(village.base_url, village.office.add_node(NODE, VILLAGES[0]))
    try:
        machine.tends_until(
            lambda: _agent(village) == "0.1.0", what="the first version says that it is there"
        )
        yield machine
    finally:
        machine.stop()


def test_a_release_that_breaks_the_agent_is_rolled_back_by_itself_and_a_good_one_stays(
    tmp_path: Path, village: Village, machine: Machine, release: Release
) -> None:
    bad = release.add(village, build_bundle(tmp_path, "0.2.0", release.key_file, make_mute))
    first = _roll_out(village, bad)
    machine.tends_until(lambda: machine.is_on_trial("0.2.0"), what="0.2.0 runs on trial")
    assert machine.runs() == "0.2.0"
    machine.forget_updater()
    machine.clock.ahead_s += TRIAL_S + 1

    machine.tends_until(
        lambda: _line(village, first)["standing"] == "rolled_back", what="0.2.0 is rolled back"
    )
    assert machine.runs() == "0.1.0"
    assert _line(village, first)["runs"] == "0.1.0"
    assert _line(village, first)["detail"] == "it did not report within 5 minutes"
    assert [(one["outcome"], one["version"], one["runs"]) for one in _updates(village)] == [
        ("installed", "0.2.0", "0.2.0"),
        ("rolled_back", "0.2.0", "0.1.0"),
    ]
    machine.tends_until(lambda: _rollout(village, first)["status"] == "halted", what="the rollout is halted")
    assert _agent(village) == "0.1.0"

    good = release.add(village, build_bundle(tmp_path, "0.3.0", release.key_file))
    second = _roll_out(village, good)
    machine.clock.ahead_s = 0.0
    machine.tends_until(lambda: _line(village, second)["standing"] == "kept", what="0.3.0 stays")
    machine.tends_until(lambda: _agent(village) == "0.3.0", what="the controller sees 0.3.0")
    assert (machine.runs(), machine.ledger().steady, machine.ledger().phase) == ("0.3.0", "0.3.0", Phase.IDLE)
    assert sorted(path.name for path in (machine.root / "versions").iterdir()) == ["0.1.0", "0.3.0"]

    village.office.admin.post(f"/rollouts/{second}/halt")
    third = _roll_out(village, bad)
    machine.tends_until(
        lambda: _line(village, third)["standing"] == "refused", what="an older one is refused"
    )
    assert "0.2.0 is not above 0.3.0" in _line(village, third)["detail"]
    assert machine.runs() == "0.3.0"


def _roll_out(village: Village, sha256: str) -> int:
    order = {"release": sha256, "area": COMMUNE, "observe_s": 0, "spread_s": 0}
    return int(village.office.admin.post("/rollouts", order)["id"])


def _rollout(village: Village, rollout: int) -> Json:
    return village.office.admin.get(f"/rollouts/{rollout}")


def _line(village: Village, rollout: int) -> Json:
    (line,) = village.office.admin.get(f"/rollouts/{rollout}/nodes")["items"]
    return dict(line)


def _updates(village: Village) -> list[Json]:
    found = village.office.admin.get("/incidents", node=NODE, kind="update")["items"]
    return [one["report"] for one in reversed(found)]


def _agent(village: Village) -> str | None:
    state = village.office.admin.get(f"/nodes/{NODE}")["state"]
    return state["agent"] if state else None
