"""Who speaks under a node's name: swapped and cloned cards, and another machine under the old name."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from loa.controller.core.access import Role
from loa.controller.core.identities import MOST_REMEMBERED, Identities, Identity, Verdict, hear
from loa.controller.core.sample import COMMUNE
from loa.controller.services.identities import WORDS, IdentityWatch
from loa.controller.store.certificates import certified_nodes
from loa.controller.store.database import Database
from loa.controller.store.identities import identities_of
from loa.controller.store.incidents import IncidentFilter, find_incidents
from loa.controller.store.nodes import key_of
from loa.controller.store.tables import ReportRow
from loa.protocol.ids import AreaId, BootId, HardwareId, JournalId, NodeId, Nonce
from loa.protocol.keys import SigningKey
from loa.protocol.reasons import ClockState
from loa.protocol.reports import Hello
from tests.controller.factories import Town
from tests.controller.site import Site
from tests.fakes.controller import FakeClock, FakeEvents

NOW = datetime(2026, 11, 23, 1, tzinfo=UTC)
NODE = NodeId("loa-1")
A, B, C, D = (letter * 64 for letter in "abcd")


def identity(journal: str, machine: str | None, card: str | None = None, *, minute: int = 0) -> Identity:
    at = NOW + timedelta(minutes=minute)
    return Identity(
        journal=JournalId(journal * 32),
        machine=HardwareId(machine) if machine else None,
        card=HardwareId(card) if card else None,
        first_at=at,
        last_at=at,
    )


def verdicts(*speakers: Identity) -> list[Verdict | None]:
    known, found = Identities(), []
    for speaker in speakers:
        known, verdict = hear(known, speaker)
        found.append(verdict)
    return found


@pytest.mark.parametrize(
    ("speakers", "expected"),
    [
        ([("1", A, C), ("1", A, C), ("1", A, C)], [None, None, None]),
        ([("1", A, C), ("1", B, C)], [None, Verdict.CARD_MOVED]),
        ([("1", A, C), ("1", B, C), ("1", B, C)], [None, Verdict.CARD_MOVED, None]),
        ([("1", A, C), ("1", B, D), ("1", A, C)], [None, Verdict.CARD_MOVED, Verdict.CARD_CLONED]),
        ([("1", A, C), ("2", A, D)], [None, Verdict.DISK_REPLACED]),
        ([("1", A, None), ("2", A, None)], [None, Verdict.DISK_REPLACED]),
        ([("1", A, C), ("2", A, C)], [None, Verdict.JOURNAL_ANEW]),
        ([("1", A, C), ("2", A, D), ("1", A, C)], [None, Verdict.DISK_REPLACED, Verdict.DISK_RETURNED]),
        ([("1", A, C), ("2", B, D)], [None, Verdict.NODE_REPLACED]),
        ([("1", A, C), ("2", B, D), ("1", A, C)], [None, Verdict.NODE_REPLACED, Verdict.NODE_DOUBLED]),
        ([("1", A, C), ("2", B, D), ("1", B, C)], [None, Verdict.NODE_REPLACED, Verdict.CARD_MOVED]),
        ([("1", None, None), ("1", A, C), ("1", None, None)], [None, None, None]),
        ([("1", None, None), ("2", A, C)], [None, Verdict.DISK_REPLACED]),
        ([("1", A, C), ("1", A, D)], [None, None]),
    ],
)
def test_a_sequence_of_hellos_tells_what_happened(
    speakers: list[tuple[str, str | None, str | None]], expected: list[Verdict | None]
) -> None:
    assert verdicts(*(identity(*speaker) for speaker in speakers)) == expected


def test_two_machines_in_turn_are_told_once_a_day() -> None:
    in_turn = [identity("1", (A, B)[minute % 2], minute=minute) for minute in range(6)]
    assert verdicts(*in_turn) == [None, Verdict.CARD_MOVED, Verdict.CARD_CLONED, None, None, None]
    later = [*in_turn, identity("1", A, minute=3_000), identity("1", B, minute=3_001)]
    assert verdicts(*later)[-2:] == [Verdict.CARD_CLONED, None]


def test_only_so_many_are_remembered() -> None:
    known = Identities()
    for number in range(MOST_REMEMBERED + 3):
        known, _ = hear(known, identity(f"{number:x}", A))
    assert len(known.seen) == MOST_REMEMBERED
    assert known.seen[0].journal == "a" * 32


def test_every_verdict_has_words() -> None:
    assert set(WORDS) == set(Verdict)


@dataclass
class Desk:
    db: Database
    town: Town
    events: FakeEvents = field(default_factory=FakeEvents)

    def say(self, journal: str, machine: str | None = None, node: NodeId = NODE) -> None:
        watch = IdentityWatch(db=self.db, clock=self.town.clock, events=self.events)
        watch.note([hello(journal, machine, node)])

    def incidents(self) -> list[ReportRow]:
        wanted = IncidentFilter(within=[AreaId(NODE)], kind="identity")
        with self.db.look() as session:
            return find_incidents(session, wanted, after=None, limit=99)

    def known(self) -> Identities:
        with self.db.look() as session:
            return identities_of(session, [NODE])[NODE]


def hello(journal: str, machine: str | None, node: NodeId = NODE) -> Hello:
    return Hello(
        node=node,
        boot_id=BootId("c" * 32),
        journal_id=JournalId(journal * 32),
        nonce=Nonce("e" * 32),
        sent_at=NOW,
        clock=ClockState.TRUSTED,
        agent="0.1",
        machine=HardwareId(machine) if machine else None,
    )


@pytest.fixture
def desk(db: Database) -> Desk:
    town = Town(db).build()
    town.node(NODE)
    return Desk(db, town)


def test_what_befell_a_node_is_kept_and_noted_among_the_incidents(desk: Desk) -> None:
    for journal, machine in [("1", A), ("1", A), ("1", B), ("1", A), ("1", B), ("2", B)]:
        desk.say(journal, machine)
    assert [row.number for row in desk.incidents()] == [3, 2, 1]
    assert [verdict in row.body for row, verdict in zip(desk.incidents(), told(), strict=True)] == [True] * 3
    assert [(one.journal[0], one.machine) for one in desk.known().seen] == [("2", B), ("1", B), ("1", A)]
    assert desk.known().verdict is Verdict.DISK_REPLACED
    assert len(desk.events.told) == 3


def told() -> list[str]:
    return ['"disk_replaced"', '"card_cloned"', '"card_moved"']


def test_a_stranger_is_passed_over(desk: Desk) -> None:
    desk.say("1", A, NodeId("nobody"))
    assert desk.incidents() == []


def test_an_old_agent_that_names_no_hardware_is_told_by_its_journal_alone(desk: Desk) -> None:
    for journal in "112":
        desk.say(journal)
    assert desk.known().verdict is Verdict.DISK_REPLACED


def test_node_and_incidents_are_shown_over_the_api(site: Site) -> None:
    site.node("loa-1")
    official = site.user("mai", (COMMUNE, Role.OFFICIAL))
    watch = IdentityWatch(db=site.controller.db, clock=FakeClock(NOW), events=FakeEvents())
    for machine in (A, B, A):
        watch.note([hello("1", machine)])
    shown = official.get("/nodes/loa-1").json()["identities"]
    assert [one["machine"] for one in shown["seen"]] == [A, B]
    assert shown["verdict"] == "card_cloned"
    last, first = official.get("/incidents?kind=identity").json()["items"]
    assert (last["node"], last["report"]["verdict"]) == ("loa-1", "card_cloned")
    assert first["report"]["before"] == {"journal": "1" * 32, "machine": A, "card": None}
    assert "copies of one card" in last["report"]["detail"]


def test_a_verdict_that_somebody_accepts_is_over(desk: Desk) -> None:
    for machine in (A, B):
        desk.say("1", machine)
    technician = desk.town.user("long", (COMMUNE, Role.TECHNICIAN))
    with desk.db.work() as work:
        kept = desk.town.nodes.keep_identity(work, technician, NODE)
        again = desk.town.nodes.keep_identity(work, technician, NODE)
    assert (kept.identities.verdict, kept.has_key) == (None, True)
    assert [one.machine for one in again.identities.seen] == [B, A]
    desk.say("1", A)
    assert desk.known().verdict is Verdict.CARD_CLONED, "who was seen is not forgotten"


def test_what_somebody_refuses_is_believed_no_more_and_the_right_machine_enrols_anew(desk: Desk) -> None:
    for machine in (A, B, A):
        desk.say("1", machine)
    technician = desk.town.user("long", (COMMUNE, Role.TECHNICIAN))
    refreshed = desk.town.access.refreshed
    with desk.db.work() as work:
        code = desk.town.nodes.refuse_identity(work, technician, NODE)
    with desk.db.look() as session:
        assert key_of(session, NODE) is None
        assert certified_nodes(session) == []
    assert desk.town.access.refreshed == refreshed + 1
    with desk.db.work() as work:
        desk.town.nodes.enrol(work, code.code, SigningKey.generate().public.x, source="test")
    desk.say("1", A)
    assert desk.known().verdict is None


def test_who_keeps_nodes_decides_over_the_api(site: Site) -> None:
    site.node("loa-1")
    official = site.user("mai", (COMMUNE, Role.OFFICIAL))
    technician = site.user("long", (COMMUNE, Role.TECHNICIAN))
    for act, status in (("keep", 200), ("refuse", 201)):
        path = f"/nodes/loa-1/identity/{act}"
        assert official.post(path, Idempotency_Key=f"a-{act}").status_code == 403
        assert technician.post(path, Idempotency_Key=f"b-{act}").status_code == status
    assert technician.get("/nodes/loa-1").json()["code_expires_at"] is not None
