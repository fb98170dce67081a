"""Certificates and names in a whole installation: renewed, and moved."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from loa.controller.core.certificates import LEAF_LASTS
from loa.node_agent.adapters.enrolment import (
    CERTIFICATE_FILE,
    Certified,
    keep_certificate,
    load,
)
from loa.protocol.ids import NodeId
from tests.certificates import Issuer
from tests.flow.ears import make_sound
from tests.flow.times import seconds
from tests.flow.village import Loudspeaker, Village
from tests.waiting import wait_for

pytestmark = [pytest.mark.flow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def village(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Village]:
    with Village.founded(tmp_path_factory.mktemp("trust")) as founded:
        founded.add_node("loa-1", "thon-1")
        yield founded


def certificate(node: Loudspeaker) -> str:
    return (node.data / CERTIFICATE_FILE).read_text().partition("\n")[2]


def test_a_node_that_was_off_for_months_renews_its_certificate_and_is_back(village: Village) -> None:
    """Its clock does not tell it so: the broker turns it away."""
    [node] = village.nodes
    node.kill()
    _, key = load(node.data)
    authority = Issuer.of_controller(village.data, village.folder).authority
    months_ago = datetime.now(UTC) - LEAF_LASTS - timedelta(minutes=1)
    over = authority.certify_node(NodeId(node.name), key.public, months_ago)
    far = datetime.now(UTC) + timedelta(days=60)
    keep_certificate(node.data, Certified(certificate=over.pem, renew_after=far))
    node.start()
    wait_for(lambda: certificate(node) != over.pem, what="it has another certificate", within_s=90)
    village.office.awaits_online(node.name)
    _sounds(village, node, seed=61)


def test_all_move_to_another_name_while_the_former_one_still_works(village: Village) -> None:
    [node] = village.nodes
    former = load(node.data)[0].base_url
    village.kill()
    village.rename("localhost")
    village.start()
    village.office.sign_in()
    wait_for(lambda: load(node.data)[0].base_url != former, what="the node has moved", within_s=90)
    assert load(node.data)[0].base_url == village.base_url
    assert load(node.data)[0].mqtt.host == "localhost"
    _sounds(village, node, seed=62)


def _sounds(village: Village, node: Loudspeaker, *, seed: int) -> None:
    """A genuine emergency is heard."""
    sound = make_sound(village.folder / f"{seed}.wav", 2, seed=seed)
    announced = village.office.emergency(village.office.upload(sound))
    assert village.office.awaits_outcome(announced, node.name) == "complete"
    until = announced.first_at + sound.length + seconds(8)
    assert len(node.ear.starts(sound, announced.first_at - seconds(1), until)) == 1
