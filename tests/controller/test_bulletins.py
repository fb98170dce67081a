"""Bulletins over the API: nothing that an official wrote is lost, and nobody overwrites another unawares."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from loa.controller.core.access import Role
from loa.controller.core.sample import COMMUNE
from loa.controller.errors import NotFound
from loa.controller.store.database import Database
from tests.controller.desk import Office, match, open_office
from tests.controller.test_today import counted


@pytest.fixture
def office(db: Database, tmp_path: Path) -> Iterator[Office]:
    with open_office(db, tmp_path) as office:
        yield office


def test_a_draft_may_lack_everything_but_its_area(office: Office) -> None:
    made = office.mai.post("/bulletins", {"area": COMMUNE})
    assert (made["state"], made["revision"], made["plan"]["audience"]) == ("draft", 1, [])
    assert office.mai.get(f"/bulletins/{made['id']}") == made


def test_what_is_lacking_is_named_when_it_is_submitted(office: Office) -> None:
    made = office.mai.post("/bulletins", {"area": COMMUNE})
    problem = office.mai.refused(422, "POST", f"/bulletins/{made['id']}/submit", headers=match(made))
    assert problem["code"] == "incomplete"
    assert problem["lacking"] == ["title", "recording", "audience", "when"]


def test_the_second_of_two_who_save_is_told_who_was_first_and_loses_nothing(office: Office) -> None:
    made = office.mai.post("/bulletins", office.desk.draft())
    path = f"/bulletins/{made['id']}"
    office.desk.clock.forward(minutes=3)
    first = office.desk.draft(title="Bản của Hoa")
    saved = office.hoa.call("PUT", path, json=first, headers=match(made))
    assert saved.headers["etag"] == '"2"'
    problem = office.mai.refused(
        412, "PUT", path, office.desk.draft(title="Bản của Mai"), headers=match(made)
    )
    assert (problem["code"], problem["saved_by"], problem["revision"]) == ("stale", "Hoa", 2)
    assert problem["saved_at"].startswith("2026-11-23T01:03:00")
    assert office.mai.get(path)["title"] == "Bản của Hoa"


def test_a_change_without_a_revision_is_refused(office: Office) -> None:
    made = office.mai.post("/bulletins", office.desk.draft())
    problem = office.mai.refused(428, "PUT", f"/bulletins/{made['id']}", office.desk.draft())
    assert problem["code"] == "if_match_required"


def test_a_text_of_100_000_characters_is_kept_as_it_is(office: Office) -> None:
    text = "Kính thưa bà con. " * 5_556
    made = office.mai.post("/bulletins", office.desk.draft(text=text[:100_000]))
    assert office.mai.get(f"/bulletins/{made['id']}")["text"] == text[:100_000]


def test_a_text_of_no_characters_is_kept_and_speaks_of_nothing(office: Office) -> None:
    made = office.mai.post("/bulletins", office.desk.draft(text="", recording=None))
    problem = office.mai.refused(422, "POST", f"/bulletins/{made['id']}/submit", headers=match(made))
    assert problem["lacking"] == ["recording"]


@pytest.mark.parametrize(
    "changes",
    [
        {"title": "x" * 201},
        {"title": "a\0b"},
        {"text": "x" * 200_001},
        {"plan": {"when": {"start_local": "2026-13-01T00:00"}}},
        {"plan": {"when": {"start_local": "2026-11-23T10:00", "rrule": "FREQ=SECONDLY"}}},
        {"plan": {"audience": ["Không phải mã"]}},
        {"plan": {"surprise": 1}},
        {"class": "loud"},
        {"area": "LANG CONG"},
    ],
)
def test_what_cannot_be_kept_is_refused_with_its_place(office: Office, changes: dict[str, object]) -> None:
    problem = office.mai.refused(422, "POST", "/bulletins", office.desk.draft(**changes))
    assert problem["code"] == "invalid_request"
    assert problem["faults"][0]["where"][0] == "body"


def test_a_recording_that_is_not_there_is_refused(office: Office) -> None:
    problem = office.mai.refused(422, "POST", "/bulletins", office.desk.draft(recording="f" * 64))
    assert problem["code"] == "no_such_recording"


def test_a_returned_bulletin_keeps_its_words_and_goes_round_again(office: Office) -> None:
    bulletin = office.mai.submitted(office.desk.draft())
    path = f"/bulletins/{bulletin['id']}"
    returned = office.hoa.post(f"{path}/return", {"comment": "Ghi rõ địa điểm."}, headers=match(bulletin))
    assert (returned["state"], returned["comment"]) == ("returned", "Ghi rõ địa điểm.")
    saved = office.mai.call(
        "PUT", path, json=office.desk.draft(title="Ở nhà văn hóa"), headers=match(returned)
    )
    assert saved.json()["state"] == "draft"
    again = office.mai.post(f"{path}/submit", headers=match(saved.json()))
    assert (again["state"], again["comment"], again["submitted_by"]) == ("submitted", None, "mai")


def test_to_return_needs_a_word_why(office: Office) -> None:
    bulletin = office.mai.submitted(office.desk.draft())
    path = f"/bulletins/{bulletin['id']}/return"
    problem = office.hoa.refused(422, "POST", path, {"comment": "  "}, headers=match(bulletin))
    assert problem["code"] == "comment_missing"


def test_an_approved_bulletin_is_changed_no_more(office: Office) -> None:
    bulletin = office.mai.submitted(office.desk.draft())
    path = f"/bulletins/{bulletin['id']}"
    office.hoa.post(f"{path}/approve", headers=match(bulletin))
    approved = office.mai.get(path)
    assert approved["state"] == "approved"
    problem = office.mai.refused(409, "PUT", path, office.desk.draft(), headers=match(approved))
    assert (problem["code"], problem["broadcast"]) == ("wrong_state", approved["broadcast"])
    office.mai.refused(409, "DELETE", path, headers=match(approved))


def test_a_draft_is_thrown_away(office: Office) -> None:
    made = office.mai.post("/bulletins", office.desk.draft())
    path = f"/bulletins/{made['id']}"
    assert office.mai.call("DELETE", path, headers=match(made)).status_code == 204
    assert office.mai.refused(404, "GET", path)["code"] == "no_such_bulletin"


def test_a_stranger_does_not_learn_that_a_bulletin_exists(office: Office) -> None:
    office.desk.person("la", ("thon-phu-cuong", Role.APPROVER))
    stranger = office.browser("la")
    made = office.mai.post("/bulletins", office.desk.draft())
    seen = stranger.refused(404, "GET", f"/bulletins/{made['id']}")
    unseen = stranger.refused(404, "GET", f"/bulletins/{'0' * 31}f")
    assert seen["code"] == unseen["code"] == "no_such_bulletin"
    assert stranger.get("/bulletins")["items"] == []


def test_who_may_read_but_not_write_is_told_so(office: Office) -> None:
    office.desk.person("sat", (COMMUNE, Role.SUPERVISOR))
    made = office.mai.post("/bulletins", office.desk.draft())
    path = f"/bulletins/{made['id']}"
    problem = office.browser("sat").refused(403, "PUT", path, office.desk.draft(), headers=match(made))
    assert problem["code"] == "not_permitted"


def test_a_list_goes_on_where_it_stopped_with_the_last_changed_first(office: Office) -> None:
    made = []
    for number in range(5):
        office.desk.clock.forward(seconds=number % 2)
        made.append(office.mai.post("/bulletins", office.desk.draft(title=f"Tin {number}"))["id"])
    found: list[str] = []
    cursor = None
    while True:
        page = office.mai.get("/bulletins", params={"limit": 2} | ({"cursor": cursor} if cursor else {}))
        found += [one["id"] for one in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert sorted(found) == sorted(made)
    assert found[0] in made[3:]


@pytest.mark.parametrize("cursor", ["", "x", "1", "1.", ".a", "9" * 30 + ".a", "1.%00", "-1.a"])
def test_a_cursor_that_is_none_is_refused(office: Office, cursor: str) -> None:
    problem = office.mai.refused(422, "GET", "/bulletins", params={"cursor": cursor})
    assert problem["code"] == "bad_cursor"


def test_lists_are_filtered_by_area_state_and_author(office: Office) -> None:
    mine = office.mai.post("/bulletins", office.desk.draft())["id"]
    other = office.hoa.submitted(office.desk.draft())["id"]
    above = office.tam.post("/bulletins", office.desk.draft(area="vinh-phuc"))["id"]

    def ids(**params: str) -> set[str]:
        return {one["id"] for one in office.tinh.get("/bulletins", params=params)["items"]}

    assert ids() == {mine, other, above}
    assert ids(state="submitted") == {other}
    assert ids(created_by="mai") == {mine}
    assert ids(area=COMMUNE) == {mine, other}


def test_versions_are_kept_and_an_older_one_is_taken_back(office: Office) -> None:
    desk = office.desk
    made = office.mai.post("/bulletins", desk.draft(title="Họp thôn"))

    def put(title: str, revision: int) -> None:
        answer = office.mai.call(
            "PUT",
            f"/bulletins/{made['id']}",
            json=desk.draft(title=title),
            headers={"if-match": f'"{revision}"'},
        )
        assert answer.is_success, answer.text

    put("Họp thôn tối nay", 1)
    office.mai.post(f"/bulletins/{made['id']}/submit", headers={"if-match": '"2"'})
    office.hoa.post(
        f"/bulletins/{made['id']}/return", {"comment": "Ghi rõ giờ."}, headers={"if-match": '"3"'}
    )
    put("Họp thôn 19 giờ", 4)
    with desk.db.look() as session:
        kept = desk.bulletins.versions(session, desk.mai, made["id"])
    told = [(one.revision, one.act.value, one.draft.title, one.comment) for one in kept]
    assert told == [
        (2, "saved", "Họp thôn tối nay", None),
        (3, "submitted", "Họp thôn tối nay", None),
        (4, "returned", "Họp thôn tối nay", "Ghi rõ giờ."),
        (5, "saved", "Họp thôn 19 giờ", None),
    ]
    with desk.db.work() as work:
        again = desk.bulletins.restore(work, desk.mai, made["id"], version=2, revision=5)
    assert (again.draft.title, again.revision, again.state) == ("Họp thôn tối nay", 6, "draft")
    with pytest.raises(NotFound), desk.db.work() as work:
        desk.bulletins.restore(work, desk.mai, made["id"], version=77, revision=6)
    office.mai.call("DELETE", f"/bulletins/{made['id']}", headers={"if-match": '"6"'})
    with pytest.raises(NotFound), desk.db.look() as session:
        desk.bulletins.versions(session, desk.mai, made["id"])


def test_a_list_asks_the_database_as_often_for_many_as_for_one(office: Office) -> None:
    def asked(limit: int) -> tuple[int, set[str | None]]:
        with counted(office.desk.db) as statements:
            found = office.mai.get("/bulletins", params={"limit": limit})["items"]
        return len(statements), {one["broadcast"] for one in found}

    issued = {office.approved(title=f"Tin {number}")["id"] for number in range(4)}
    (one, _), (many, told) = asked(1), asked(4)
    assert told == issued
    assert many == one
