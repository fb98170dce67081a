"""A higher level's broadcasts before the commune, and taking broadcasts off the air."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from loa.controller.core.access import Person, Role
from loa.controller.core.inbox import InboxState, destinations, places_within
from loa.controller.core.sample import COMMUNE
from loa.controller.core.tree import AreaKind, Place, Tree
from loa.controller.services.areas import NewArea
from loa.controller.store.broadcasts import reach_of
from loa.controller.store.database import Database
from loa.controller.store.programmes import contents_of
from loa.protocol.ids import AreaId, NodeId
from loa.protocol.kinds import BroadcastClass
from tests.controller.desk import JSON, TZ, Office, match, open_office
from tests.controller.factories import DISTRICT, PROVINCE

INBOX = f"/areas/{COMMUNE}/inbox"


@pytest.fixture
def office(db: Database, tmp_path: Path) -> Iterator[Office]:
    with open_office(db, tmp_path) as office:
        yield office


@pytest.fixture
def quick(sqlite_db: Database, tmp_path: Path) -> Iterator[Office]:
    with open_office(sqlite_db, tmp_path) as office:
        yield office


def reach(office: Office, broadcast: str) -> frozenset[AreaId]:
    with office.desk.db.look() as session:
        return reach_of(session, broadcast)


def states(office: Office) -> dict[str, str]:
    return {item["broadcast"]["id"]: item["state"] for item in office.hoa.get(INBOX)["items"]}


def test_a_normal_one_sounds_only_once_the_commune_has_chosen_it(office: Office) -> None:
    made = office.from_above()
    assert states(office) == {made["id"]: "waiting"}
    assert reach(office, made["id"]) == frozenset()
    office.desk.clock.forward(minutes=5)
    chosen = office.mai.post(f"{INBOX}/{made['id']}/choose")
    assert (chosen["state"], chosen["decided_by"], chosen["chosen_as"]) == ("chosen", "mai", None)
    with office.desk.db.look() as session:
        (entry,) = contents_of(session, COMMUNE, (), office.desk.clock.now()).entries
    assert entry.id == made["id"]
    assert entry.issued_at == office.desk.clock.now()
    assert entry.approved_at < entry.issued_at
    assert office.desk.town.publisher.programmes[-1] == {COMMUNE}


def test_choosing_twice_changes_nothing(office: Office) -> None:
    made = office.from_above()
    first = office.mai.post(f"{INBOX}/{made['id']}/choose")
    office.desk.clock.forward(minutes=1)
    assert office.hoa.post(f"{INBOX}/{made['id']}/choose") == first
    assert len(office.desk.town.publisher.programmes) == 1


def test_leaving_twice_changes_nothing_and_what_was_left_can_still_be_chosen(office: Office) -> None:
    made = office.from_above()
    first = office.mai.post(f"{INBOX}/{made['id']}/leave")
    office.desk.clock.forward(minutes=1)
    assert office.hoa.post(f"{INBOX}/{made['id']}/leave") == first
    assert reach(office, made["id"]) == frozenset()
    assert office.mai.post(f"{INBOX}/{made['id']}/choose")["state"] == "chosen"
    office.mai.refused(409, "POST", f"{INBOX}/{made['id']}/leave")


def test_another_time_makes_a_broadcast_of_the_commune_and_needs_its_approver(office: Office) -> None:
    made = office.from_above()
    path, wish = f"{INBOX}/{made['id']}/choose", {"when": office.desk.local("2026-11-23T17:00")}
    assert office.mai.refused(403, "POST", path, wish)["code"] == "not_permitted"
    item = office.hoa.post(path, wish)
    assert office.hoa.post(path, wish) == item
    own = office.hoa.get(f"/broadcasts/{item['chosen_as']}")
    assert own["document"]["source"] == made["document"]["source"]
    assert (own["document"]["issuer"], own["document"]["authority"]) == (COMMUNE, 20)
    assert own["approved_by"] == "hoa"
    assert own["first_start_at"] == "2026-11-23T10:00:00Z"
    assert reach(office, own["id"]) == {COMMUNE}
    assert reach(office, made["id"]) == frozenset()
    problem = office.hoa.refused(409, "POST", path, {"when": office.desk.local("2026-11-23T18:00")})
    assert problem["code"] == "wrong_state"


def test_another_time_keeps_to_the_hours_of_the_commune(quick: Office) -> None:
    made = quick.from_above()
    wish = {"when": quick.desk.local("2026-11-23T23:00")}
    assert quick.hoa.refused(422, "POST", f"{INBOX}/{made['id']}/choose", wish)["code"] == "quiet_hours"
    assert states(quick) == {made["id"]: "waiting"}


def test_what_is_over_or_withdrawn_is_not_chosen(quick: Office) -> None:
    over, gone = quick.from_above(), quick.from_above(title="Khác")
    quick.tinh.post(f"/broadcasts/{gone['id']}/withdrawals", {})
    assert quick.hoa.refused(409, "POST", f"{INBOX}/{gone['id']}/choose")["code"] == "withdrawn"
    quick.desk.clock.forward(hours=12)
    assert quick.hoa.refused(409, "POST", f"{INBOX}/{over['id']}/choose")["code"] == "over"
    wish = {"when": quick.desk.local("2026-11-23T21:00")}
    assert quick.hoa.post(f"{INBOX}/{over['id']}/choose", wish)["state"] == "chosen"


def test_a_priority_one_sounds_and_waits_for_the_communes_order(office: Office) -> None:
    from_above = office.from_above(**{"class": "priority"})["id"]
    own = office.approved(**{"class": "priority"})["id"]
    usual = office.approved(title="Thường")["id"]
    assert states(office) == {from_above: "placed"}
    assert reach(office, from_above) == {COMMUNE}
    office.mai.refused(409, "POST", f"{INBOX}/{from_above}/choose")
    order = f"/areas/{COMMUNE}/order"
    office.mai.call("PUT", order, json={"broadcasts": [own, from_above]})
    with office.desk.db.look() as session:
        assert contents_of(session, COMMUNE, (), office.desk.clock.now()).order == {own: -2, from_above: -1}
    assert office.hoa.get(INBOX)["items"][0]["rank"] == -1
    for names, code in (([usual], "not_priority_here"), ([own, own], "named_twice")):
        assert office.mai.refused(422, "PUT", order, {"broadcasts": names})["code"] == code


def test_an_emergency_from_above_sounds_without_asking(office: Office) -> None:
    bulletin = office.tinh.post("/bulletins", office.desk.draft(**{"class": "emergency", "area": PROVINCE}))
    answer = office.tinh.post(f"/bulletins/{bulletin['id']}/emergency", headers=match(bulletin))
    assert states(office) == {answer["broadcast"]["id"]: "playing"}
    assert reach(office, answer["broadcast"]["id"]) == {COMMUNE}
    assert [areas for areas, _ in office.desk.town.publisher.emergencies] == [{COMMUNE}]


def test_another_communes_inbox_is_nobodys_business(quick: Office) -> None:
    add_commune(quick, "xa-khac")
    quick.desk.person("xa", ("xa-khac", Role.APPROVER))
    made = quick.from_above()
    stranger = quick.browser("xa")
    stranger.refused(404, "GET", INBOX)
    stranger.refused(404, "POST", f"{INBOX}/{made['id']}/choose")
    assert stranger.refused(404, "GET", f"/broadcasts/{made['id']}")["code"] == "no_such_broadcast"


def add_commune(office: Office, name: str) -> None:
    with office.desk.db.work() as work:
        new = NewArea(id=AreaId(name), name="Xã khác", kind=AreaKind.COMMUNE, parent_id=DISTRICT)
        office.desk.town.areas.insert(work, "test", new)


def test_a_withdrawal_takes_it_off_everywhere_once(office: Office) -> None:
    made = office.approved()
    path = f"/broadcasts/{made['id']}/withdrawals"
    office.desk.clock.forward(minutes=1)
    first = office.mai.post(path, {"reason": "Hoãn vì mưa."})
    assert office.hoa.post(path, {}) == first
    assert (first["by"], first["area"], first["target"]) == ("mai", None, made["id"])
    assert office.hoa.get(path)["items"] == [first]
    assert office.hoa.get(f"/broadcasts/{made['id']}")["withdrawn_at"] == first["issued_at"]
    assert office.desk.town.publisher.urgents == [{COMMUNE}]
    with office.desk.db.look() as session:
        (said,) = contents_of(session, COMMUNE, (), office.desk.clock.now()).withdrawals
    assert (said.id, said.target, said.by) == (first["id"], made["id"], "mai")


def test_one_occurrence_is_withdrawn_and_the_others_stay(office: Office) -> None:
    daily = {"tz": TZ, "start_local": "2026-11-23T10:00", "rrule": "FREQ=DAILY;COUNT=3"}
    made = office.approved(plan={"when": daily})
    path = f"/broadcasts/{made['id']}/withdrawals"
    second = f"{made['id']}@1795489200000"
    assert office.mai.post(path, {"occurrence": second})["target"] == second
    assert office.hoa.get(f"/broadcasts/{made['id']}")["withdrawn_at"] is None
    office.mai.refused(422, "POST", path, {"occurrence": f"{made['id']}@999999999999999"})
    for wrong in (f"{made['id']}@1795489200001", f"{'0' * 64}@1795489200000"):
        assert office.mai.refused(422, "POST", path, {"occurrence": wrong})["code"] == "no_such_occurrence"


def test_a_commune_withdraws_what_it_chose_from_its_own_programme_only(office: Office) -> None:
    made = office.from_above()
    path = f"/broadcasts/{made['id']}/withdrawals"
    assert office.hoa.refused(409, "POST", path, {"area": COMMUNE})["code"] == "not_placed"
    office.hoa.post(f"{INBOX}/{made['id']}/choose")
    assert office.hoa.call("POST", path, json={}).status_code in {403, 404}
    assert office.hoa.post(path, {"area": COMMUNE})["area"] == COMMUNE
    assert office.hoa.get(f"/broadcasts/{made['id']}")["withdrawn_at"] is None


def tree() -> Tree:
    areas: list[tuple[str, AreaKind, str | None]] = [
        ("t", AreaKind.PROVINCE, None),
        ("x", AreaKind.COMMUNE, "t"),
        ("y", AreaKind.COMMUNE, "t"),
        ("x1", AreaKind.VILLAGE, "x"),
        ("y1", AreaKind.VILLAGE, "y"),
        ("nx", AreaKind.NODE, "x1"),
        ("ny", AreaKind.NODE, "y1"),
        ("nt", AreaKind.NODE, "t"),
        ("z", AreaKind.ZONE, None),
    ]
    places = {
        AreaId(name): Place(AreaId(name), name, kind, AreaId(above) if above else None, 20, None, None)
        for name, kind, above in areas
    }
    nodes = {NodeId("nx"), NodeId("ny"), NodeId("nt")}
    return Tree(places, nodes, {NodeId("nx"): [AreaId("z")], NodeId("ny"): [AreaId("z")]})


CASES: list[tuple[str, str, list[str], set[str], dict[str, InboxState]]] = [
    ("x", "normal", ["x"], {"x"}, {}),
    ("x1", "normal", ["x1", "nx"], {"x1", "nx"}, {}),
    ("t", "normal", ["t"], {"nt"}, {"x": InboxState.WAITING, "y": InboxState.WAITING}),
    ("t", "normal", ["x1"], set(), {"x": InboxState.WAITING}),
    ("t", "normal", ["z"], set(), {"x": InboxState.WAITING, "y": InboxState.WAITING}),
    ("t", "priority", ["t"], {"t"}, {"x": InboxState.PLACED, "y": InboxState.PLACED}),
    ("t", "emergency", ["x", "y1"], {"x", "y1"}, {"x": InboxState.PLAYING, "y": InboxState.PLAYING}),
]


@pytest.mark.parametrize(("issuer", "class_", "audience", "placed", "inbox"), CASES)
def test_where_a_broadcast_goes(
    issuer: str, class_: str, audience: list[str], placed: set[str], inbox: JSON
) -> None:
    found = destinations(tree(), AreaId(issuer), BroadcastClass(class_), map(AreaId, audience))
    assert found.placed == placed
    assert found.inbox == inbox


@pytest.mark.parametrize(
    ("audience", "places"), [(["t"], {"x"}), (["x1", "y1"], {"x1"}), (["z"], {"nx"}), (["x"], {"x"})]
)
def test_what_is_chosen_stands_only_within_the_commune_and_its_audience(
    audience: list[str], places: set[str]
) -> None:
    assert places_within(tree(), AreaId("x"), map(AreaId, audience)) == places


def test_the_issuer_is_told_what_the_communes_did(quick: Office) -> None:
    made = quick.from_above()
    answers = f"/broadcasts/{made['id']}/answers"
    assert quick.tinh.get(answers)["items"] == [{"area": COMMUNE, "state": "waiting", "decided_at": None}]
    quick.mai.post(f"{INBOX}/{made['id']}/leave")
    (told,) = quick.tinh.get(answers)["items"]
    assert (told["state"], bool(told["decided_at"])) == ("left", True)
    quick.mai.refused(404, "GET", answers)


def test_what_waits_is_counted_until_it_is_chosen_over_or_withdrawn(quick: Office) -> None:
    desk = quick.desk

    def waiting(who: Person) -> int:
        with desk.db.look() as session:
            return desk.inbox.waiting(session, who)

    chosen, withdrawn = quick.from_above(), quick.from_above(title="Khác")
    quick.from_above(title="Thứ ba")
    assert (waiting(desk.mai), waiting(desk.tam)) == (3, 3)
    quick.mai.post(f"{INBOX}/{chosen['id']}/choose")
    assert waiting(desk.mai) == 2
    quick.tinh.post(f"/broadcasts/{withdrawn['id']}/withdrawals", {})
    assert waiting(desk.mai) == 1
    desk.clock.forward(days=2)
    assert waiting(desk.mai) == 0
