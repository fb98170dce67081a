"""Approval by passkey: what the controller lets be signed is what a node believes, and nothing else."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from loa.controller.core.access import Role
from loa.controller.core.sample import COMMUNE
from loa.controller.services.alarms import Wish
from loa.controller.services.broadcasts import LEAD
from loa.controller.services.signatures import LASTING
from loa.controller.store.database import Database
from loa.controller.store.programmes import contents_of
from loa.node_agent.core.belief import Belief
from loa.protocol.base64url import from_base64url
from loa.protocol.broadcast import Entry
from loa.protocol.charter import Papers
from loa.protocol.errors import UnapprovedError
from loa.protocol.ids import AreaId
from loa.protocol.keys import KeyRing, SigningKey
from loa.protocol.programme import Config
from loa.schedules.policy import default_policy
from tests.controller.desk import JSON, Browser, Desk, Office, match, open_office
from tests.controller.factories import Town
from tests.controller.keepers import NODE, Keepers

NOW: JSON = {"when": "now"}


@dataclass
class Commune:
    """An office whose nodes believe the keepers; Hoa and Binh approve, each with a passkey."""

    office: Office
    keepers: Keepers

    @property
    def desk(self) -> Desk:
        return self.office.desk

    def browser(self, user: str) -> Browser:
        return self.office.browser(user)

    def submitted(self, **changes: Any) -> JSON:  # noqa: ANN401 -- JSON
        return self.office.mai.submitted(self.desk.draft(**changes))

    def to_sign(self, user: str, bulletin: JSON) -> JSON:
        path = f"/bulletins/{bulletin['id']}/to-sign"
        return self.browser(user).get(path, params={"revision": bulletin["revision"]})

    def signature(self, user: str, asked: JSON) -> JSON:
        """What the browser of that person would send."""
        assertion = self.keepers.passkeys[user].sign(from_base64url(asked["challenge"]))
        return {"document": asked["document"], "assertion": assertion.model_dump(mode="json")}

    def sign(self, user: str, bulletin: JSON, asked: JSON | None = None) -> JSON:
        given = self.signature(user, asked or self.to_sign(user, bulletin))
        path = f"/bulletins/{bulletin['id']}/sign"
        return self.browser(user).post(path, given, headers=match(bulletin))

    def refused(self, status: int, user: str, bulletin: JSON, given: JSON) -> str:
        path = f"/bulletins/{bulletin['id']}/sign"
        code: str = self.browser(user).refused(status, "POST", path, given, headers=match(bulletin))["code"]
        return code

    def entries(self) -> tuple[Entry, ...]:
        """What the programme of the commune holds."""
        with self.desk.db.look() as session:
            return contents_of(session, AreaId(COMMUNE), (), self.desk.clock.now()).entries

    def believes(self, entry: Entry, papers: Papers | None = None) -> bool:
        """Whether the node takes it in."""
        root, now = self.keepers.root.public, self.desk.clock.now()
        belief = Belief(NODE, KeyRing([self.desk.key.public]), root)
        bound = papers or self.keepers.bound()
        assert bound is not None
        areas = (AreaId(COMMUNE), AreaId(NODE))
        config = Config(
            node=NODE, version=1, issued_at=now, areas=areas, policy=default_policy(), papers=bound
        )
        try:
            belief.check(entry, belief.bind(None, config))
        except UnapprovedError:
            return False
        return True


@pytest.fixture
def commune(sqlite_db: Database, tmp_path: Path) -> Iterator[Commune]:
    root = SigningKey.generate()
    desk = Desk(Town(sqlite_db).build(), tmp_path, root=root.public)
    people = {"hoa": desk.hoa, "binh": desk.person("binh", (COMMUNE, Role.APPROVER))}
    with open_office(sqlite_db, tmp_path, desk=desk) as office:
        keepers = Keepers(desk.town, root=root, people=people)
        keepers.give("binh")
        keepers.appoint()
        keepers.renew()
        yield Commune(office, keepers)


def test_what_was_signed_sounds_and_the_controllers_word_alone_does_not(commune: Commune) -> None:
    bulletin = commune.submitted()
    path = f"/bulletins/{bulletin['id']}/approve"
    unsigned = commune.office.hoa.refused(409, "POST", path, headers=match(bulletin))
    assert unsigned["code"] == "passkey_needed"
    asked = commune.to_sign("hoa", bulletin)
    assert (asked["needed"], asked["signed_by"]) == (1, [])
    commune.sign("hoa", bulletin, asked)
    (entry,) = commune.entries()
    assert [one.kind for one in entry.approvals] == ["controller", "passkey"]
    assert entry.document == asked["document"]
    assert commune.believes(entry)


def test_the_node_refuses_it_without_altered_or_by_somebody_struck_off(commune: Commune) -> None:
    commune.sign("hoa", commune.submitted())
    (entry,) = commune.entries()
    word, signed = entry.approvals
    assert not commune.believes(entry.model_copy(update={"approvals": (word,)}))
    moved = entry.document.replace("10:00", "03:15")
    assert moved != entry.document
    assert not commune.believes(Entry(document=moved, approvals=(signed,), issued_at=entry.issued_at))
    with commune.desk.db.work() as work:
        people = commune.desk.town.people
        people.grant(work, commune.keepers.people["quan"], "hoa", frozenset())
    assert commune.believes(entry)
    commune.keepers.renew()
    assert not commune.believes(entry)


def test_an_emergency_waits_for_a_second_person(commune: Commune) -> None:
    bulletin = commune.submitted(**{"class": "emergency", "plan": NOW})
    first = commune.to_sign("hoa", bulletin)
    assert first["needed"] == 2
    assert commune.sign("hoa", bulletin, first) == {"missing": 1}
    assert commune.sign("hoa", bulletin) == {"missing": 1}  # the same person twice is one
    assert commune.entries() == ()
    commune.desk.clock.forward(seconds=90)
    second = commune.to_sign("binh", bulletin)
    assert (second["document"], second["signed_by"]) == (first["document"], ["hoa"])
    commune.sign("binh", bulletin, second)
    (entry,) = commune.entries()
    assert [one.approver for one in entry.approvals[1:]] == ["hoa", "binh"]
    assert entry.issued_at == commune.desk.clock.now() + LEAD, (
        "neighbours begin together, not as it reaches them"
    )
    assert commune.believes(entry)
    assert not commune.believes(entry.model_copy(update={"approvals": entry.approvals[:2]}))


def test_an_alarm_is_handed_in_to_be_signed_by_two(commune: Commune) -> None:
    alarms, text = commune.desk.alarms, "Nước lên rất nhanh, bà con lên chỗ cao ngay."
    wish = Wish(audience=(AreaId(COMMUNE),), text=text)
    ready = alarms.ready(commune.desk.hoa, wish)
    with commune.desk.db.work() as work:
        bulletin_id = alarms.hand_in(work, commune.desk.hoa, ready)
    assert alarms.must_be_signed(ready)
    assert commune.desk.events.told[-1].subject == bulletin_id
    bulletin = commune.office.hoa.get(f"/bulletins/{bulletin_id}")
    assert commune.sign("hoa", bulletin) == {"missing": 1}
    commune.sign("binh", bulletin)
    (entry,) = commune.entries()
    assert commune.believes(entry)
    alone = commune.office.hoa.refused(409, "POST", "/emergencies", {"audience": [COMMUNE], "text": text})
    assert alone["code"] == "passkey_needed"


def test_what_is_signed_before_its_time_is_issued_at_once(commune: Commune) -> None:
    commune.sign("hoa", commune.submitted())
    (entry,) = commune.entries()
    assert entry.issued_at == commune.desk.clock.now()


def test_the_first_signature_does_not_wait_for_ever(commune: Commune) -> None:
    bulletin = commune.submitted(**{"class": "emergency", "plan": NOW})
    commune.sign("hoa", bulletin)
    commune.desk.clock.forward(seconds=LASTING.total_seconds() + 1)
    assert commune.to_sign("binh", bulletin)["signed_by"] == []
    assert commune.sign("binh", bulletin) == {"missing": 1}
    assert commune.entries() == ()


def test_only_the_document_that_would_be_issued_is_taken(commune: Commune) -> None:
    bulletin = commune.submitted()
    asked = commune.to_sign("hoa", bulletin)
    given = commune.signature("hoa", asked)
    other = given | {"document": asked["document"].replace("10:00", "03:15")}
    assert commune.refused(409, "hoa", bulletin, other) == "document_changed"
    padded = given | {"document": asked["document"] + " "}
    assert commune.refused(409, "hoa", bulletin, padded) == "document_changed"
    assert commune.refused(422, "hoa", bulletin, given | {"document": "[]"}) == "bad_document"
    commune.desk.clock.forward(seconds=LASTING.total_seconds() + 1)
    assert commune.refused(409, "hoa", bulletin, given) == "signed_long_ago"
    assert commune.entries() == ()


def test_a_signature_counts_for_its_owner_on_the_roster_alone(commune: Commune) -> None:
    bulletin = commune.submitted()
    asked = commune.to_sign("hoa", bulletin)
    assert commune.refused(403, "hoa", bulletin, commune.signature("binh", asked)) == "not_on_roster"
    wrong = commune.keepers.passkeys["hoa"].sign(b"something else").model_dump(mode="json")
    given = {"document": asked["document"], "assertion": wrong}
    assert commune.refused(403, "hoa", bulletin, given) == "not_on_roster"
    commune.keepers.give("hoa")  # a new phone, which no keeper has seen
    assert commune.refused(403, "hoa", bulletin, commune.signature("hoa", asked)) == "not_on_roster"
    assert commune.entries() == ()


def test_nobody_signs_what_they_wrote_themselves(commune: Commune) -> None:
    bulletin = commune.office.hoa.submitted(commune.desk.draft())
    path = f"/bulletins/{bulletin['id']}/to-sign"
    assert commune.office.hoa.refused(403, "GET", path)["code"] == "own_bulletin"


def test_without_papers_nobody_has_to_sign(sqlite_db: Database, tmp_path: Path) -> None:
    desk = Desk(Town(sqlite_db).build(), tmp_path, root=SigningKey.generate().public)
    with open_office(sqlite_db, tmp_path, desk=desk) as office:
        bulletin = office.mai.submitted(desk.draft())
        path = f"/bulletins/{bulletin['id']}"
        assert office.hoa.refused(409, "GET", f"{path}/to-sign")["code"] == "no_passkey_needed"
        office.hoa.post(f"{path}/approve", headers=match(bulletin))
