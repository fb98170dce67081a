"""Standing messages: made once in the background, replaced over the API, told to every node."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from sqlmodel import select

from loa.audio.find import decode, level_dbfs, silences
from loa.controller.core.access import Role
from loa.controller.core.sample import COMMUNE, SAMPLE
from loa.controller.core.standing_texts import TEXTS
from loa.controller.services.standing_messages import LONGEST_MS, MAKER, StandingMaker
from loa.controller.store.configs import config_body_of
from loa.controller.store.tables import AuditRow, RecordingRow
from loa.protocol.bearer import make_token
from loa.protocol.codec import unpack_config
from loa.protocol.ids import NodeId, RecordingId
from loa.protocol.keys import KeyRing
from loa.protocol.kinds import StandingMessage
from loa.protocol.programme import Config
from loa.protocol.units import to_whole_ms
from tests.controller.site import Client, Site, open_site
from tests.waiting import wait_for

NODE = NodeId("cum-01")
RATE_HZ = 16_000
PATH = "/standing-messages"


@dataclass
class Made:
    """A controller that has made its standing messages, a node, and an administrator of the widest area."""

    site: Site
    admin: Client
    node_key: object

    def config(self) -> Config:
        """As the node would fetch it, composed anew."""
        controller = self.site.controller
        with controller.db.look() as session:
            body = config_body_of(session, NODE)
        assert body is not None
        return unpack_config(body, NODE, KeyRing([controller.key.public]))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    site = open_site(tmp_path_factory.mktemp("site"))
    key = site.node(NODE)
    maker = StandingMaker(site.controller.standing)
    site.controller.publisher.start()
    maker.start()
    admin = site.user("goc", (SAMPLE[0].id, Role.ADMIN))
    wait_for(lambda: all(one["recording"] for one in listed(admin)), what="all are made", within_s=100)
    maker.stop()
    found = Made(site, admin, key)
    wait_for(lambda: len(found.config().standing) == len(StandingMessage), what="the node's configuration")
    yield found
    site.controller.publisher.stop()
    site.controller.db.close()


def listed(client: Client) -> list[dict[str, object]]:
    return list(client.get(PATH).json()["items"])


def test_each_message_is_a_recording_at_the_loudness_of_all_others(made: Made) -> None:
    found = listed(made.admin)
    assert [one["name"] for one in found] == [name.value for name in StandingMessage]
    for one in found:
        facts = made.admin.get(f"/recordings/{one['recording']}").json()
        assert abs(facts["loudness_lufs"] + 18) <= 1
        assert facts["warnings"] == []
        assert 10_000 <= facts["duration_ms"] <= 35_000
        assert facts["size_bytes"] <= 160_000
        assert facts["created_by"] == one["changed_by"] == MAKER
    assert sum(int(str(one["size_bytes"])) for one in found) < 1_000_000


def test_the_siren_goes_round_without_a_gap(made: Made) -> None:
    siren = made.config().standing[StandingMessage.SIREN]
    signal = decode(made.site.controller.recordings.path(siren.recording), RATE_HZ)
    assert siren.duration_ms == 20_000
    assert silences(np.concatenate((signal, signal)), RATE_HZ, below_dbfs=-40, at_least_s=0.1) == []
    assert level_dbfs(signal[: RATE_HZ // 4]) > -30
    assert level_dbfs(signal[-RATE_HZ // 4 :]) > -30


def test_a_spoken_message_begins_with_three_seconds_that_ask_for_attention(made: Made) -> None:
    """ISO 7240-16 wants 3 to 10 s before an announcement."""
    flood = made.config().standing[StandingMessage.FLOOD]
    signal = decode(made.site.controller.recordings.path(flood.recording), RATE_HZ)
    assert level_dbfs(signal[RATE_HZ // 2 : 3 * RATE_HZ]) > -40
    assert set(TEXTS) == set(StandingMessage) - {StandingMessage.SIREN}


def test_making_them_again_makes_nothing(made: Made) -> None:
    before = listed(made.admin)
    made.site.controller.standing.make_missing(lambda: False)
    assert listed(made.admin) == before


def test_a_node_may_fetch_what_stands_though_no_programme_names_it(made: Made) -> None:
    controller = made.site.controller
    token = make_token(NODE, now=controller.clock.now(), key=made.node_key)  # type: ignore[arg-type]  # the site's key
    node = Client(made.site.app, {"authorization": f"Bearer {token}", "loa-node": NODE})
    siren = made.config().standing[StandingMessage.SIREN]
    answer = node.get(f"/recordings/{siren.recording}/content")
    assert (answer.status_code, len(answer.content)) == (200, siren.size_bytes)
    other = keep(made.site, "e" * 64)
    assert node.get(f"/recordings/{other}/content").status_code == 404


def test_an_administrator_of_the_widest_area_replaces_one_and_every_node_is_told(made: Made) -> None:
    other = keep(made.site, "f" * 64)
    answer = made.admin.ask("PUT", f"{PATH}/test", {"recording": other})
    assert (answer.status_code, answer.json()["changed_by"]) == (200, "goc"), answer.text
    config = wait_for(
        lambda: made.config() if made.config().standing[StandingMessage.TEST].recording == other else None,
        what="the new configuration",
    )
    assert len(config.standing) == len(StandingMessage)
    with made.site.controller.db.look() as session:
        notes = session.exec(select(AuditRow).where(AuditRow.act == "standing.changed")).all()
    assert [note.subject for note in notes if note.user_id == "goc"] == ["test"]


@pytest.mark.parametrize(
    ("name", "body", "status", "words"),
    [
        ("siren", {"recording": "0" * 64}, 404, "there is no recording"),
        ("siren", {"recording": "long"}, 422, "recording"),
        ("siren", {"recording": "9" * 64}, 422, "at most 5 minutes"),
        ("tornado", {"recording": "f" * 64}, 422, "name"),
    ],
)
def test_what_cannot_stand_is_refused(
    made: Made, name: str, body: dict[str, str], status: int, words: str
) -> None:
    keep(made.site, "9" * 64, duration_ms=LONGEST_MS + 1)
    answer = made.admin.ask("PUT", f"{PATH}/{name}", body)
    assert answer.status_code == status, answer.text
    assert words in answer.text


def test_nobody_else_replaces_one(made: Made) -> None:
    commune = made.site.user("xa", (COMMUNE, Role.ADMIN))
    leader = made.site.user("hoa", (SAMPLE[0].id, Role.APPROVER))
    for client in (commune, leader):
        answer = client.ask("PUT", f"{PATH}/siren", {"recording": "f" * 64})
        assert (answer.status_code, answer.json()["code"]) == (403, "not_permitted"), answer.text
    assert made.site.client().get(PATH).status_code == 401


def test_what_was_cut_short_goes_on_where_it_was(tmp_path: Path) -> None:
    site = open_site(tmp_path)
    standing, stops = site.controller.standing, iter([False, True])
    standing.make_missing(lambda: next(stops))
    with site.controller.db.look() as session:
        first = standing.all(session)
    assert [one.name for one in first if one.recording] == [StandingMessage.SIREN]
    site.controller.db.close()


def keep(site: Site, sha256: str, *, duration_ms: int = 10_000) -> RecordingId:
    """The facts of a recording without its file."""
    row = RecordingRow(
        sha256=sha256,
        duration_ms=duration_ms,
        size_bytes=40_000,
        loudness_lufs=-18.0,
        true_peak_dbtp=-2.0,
        origin="upload",
        warnings="[]",
        created_by="goc",
        created_at=to_whole_ms(site.controller.clock.now()),
    )
    with site.controller.db.work() as work:
        work.session.merge(row)
    return RecordingId(sha256)
