"""`loa-node doctor` on a real node, with broker and controller up and then down."""

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from loa.node_agent.adapters.enrolment import CERTIFICATE_FILE, ENROLMENT_FILE, KEY_FILE
from loa.protocol.ids import NodeId
from loa.protocol.keys import SigningKey
from tests.certificates import Issuer
from tests.flow.village import Loudspeaker, Village

pytestmark = [pytest.mark.flow, pytest.mark.timeout(200)]


@pytest.fixture(scope="module")
def village(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Village]:
    with Village.founded(tmp_path_factory.mktemp("doctor"), broker_apart=True) as made:
        made.add_node("loa-1", "thon-1")
        yield made


def asked(node: Loudspeaker) -> dict[str, list[tuple[str, str]]]:
    """What the command found, by what was checked; its status says the same."""
    command = [sys.executable, "-c", "from loa.node_agent.main import run; run()", "doctor", "--json"]
    sink = f"wav:{node.ear.wav}"
    done = subprocess.run(
        [*command, "--data", str(node.data), "--sink", sink], capture_output=True, timeout=60, check=False
    )
    assert done.stderr == b""
    told: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == (0 if told["well"] else 1)
    found: dict[str, list[tuple[str, str]]] = {}
    for one in told["findings"]:
        found.setdefault(one["check"], []).append((one["verdict"], one["said"]))
    return found


def verdicts(found: dict[str, list[tuple[str, str]]], check: str) -> list[str]:
    return [verdict for verdict, _ in found[check]]


def test_the_doctor_finds_what_is_well_and_what_is_not(village: Village) -> None:
    node = village.nodes[0]
    found = asked(node)
    assert verdicts(found, "Network") == ["well"] * 4
    assert verdicts(found, "Enrolment") == verdicts(found, "Sound") == ["well"]
    assert found["Clock"][-1] == ("well", "It shows the controller's time.")
    assert found["Network"][-1] == ("well", "The broker lets loa-1 in.")
    assert "problem" not in verdicts(found, "Disk")
    village.office.awaits_online("loa-1")

    village.kill_broker()
    network = asked(node)["Network"]
    assert [verdict for verdict, _ in network] == ["well", "well", "problem"]
    assert "The broker at 127.0.0.1 port" in network[-1][1]

    village.kill()
    found = asked(node)
    assert verdicts(found, "Network") == ["problem", "problem"]
    assert found["Clock"][-1] == ("skipped", "The controller could not be asked for its time.")


def test_a_certificate_that_the_broker_does_not_take_is_told_from_a_dead_broker(village: Village) -> None:
    if not village.office.is_ready():
        village.start()
    node = village.nodes[0]
    path, certificate = node.data / ENROLMENT_FILE, node.data / CERTIFICATE_FILE
    genuine = path.read_text(), certificate.read_text()
    enrolment = json.loads(genuine[0])
    enrolment["base_url"] = "https://no-such-name.invalid:8080"
    path.write_text(json.dumps(enrolment))
    key = SigningKey.from_pem((node.data / KEY_FILE).read_text())
    certificate.write_text(Issuer.new(village.folder).node(NodeId(node.name), key))
    network = asked(node)["Network"]
    path.write_text(genuine[0])
    certificate.write_text(genuine[1])
    assert [verdict for verdict, _ in network] == ["problem", "well", "problem"]
    assert "no-such-name.invalid, cannot be looked up" in network[0][1]
    assert network[2][1].startswith("The broker refuses loa-1")
