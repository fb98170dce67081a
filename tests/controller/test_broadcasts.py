"""Approval over the API: what is approved sounds once, where and when its document says, or is refused."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from loa.controller.core.access import Role
from loa.controller.core.sample import COMMUNE
from loa.controller.services.bulletins import text_digest
from loa.controller.store.database import Database
from loa.controller.store.programmes import contents_of
from loa.controller.store.tables import AreaRow, SpokenRow
from loa.protocol.broadcast import Entry
from loa.protocol.ids import AreaId
from loa.protocol.keys import KeyRing
from loa.protocol.trust import check_word
from tests.controller.desk import JSON, Office, match, open_office
from tests.controller.policies import hours

QUIET = "Mặc định của Loa: yên tĩnh từ 22:00 đến 05:00"
"""The clock stands at 08:00 in the commune, Monday 23/11/2026."""


@pytest.fixture
def office(db: Database, tmp_path: Path) -> Iterator[Office]:
    with open_office(db, tmp_path) as office:
        yield office


@pytest.fixture
def quick(sqlite_db: Database, tmp_path: Path) -> Iterator[Office]:
    """Where the database makes no difference."""
    with open_office(sqlite_db, tmp_path) as office:
        yield office


def refused(office: Office, **changes: object) -> JSON:
    """The problem with which an approval was refused."""
    bulletin = office.mai.submitted(office.desk.draft(**changes))
    return office.hoa.refused(422, "POST", f"/bulletins/{bulletin['id']}/approve", headers=match(bulletin))


def when(text: str, **rest: str) -> JSON:
    return {"when": {"tz": "Asia/Ho_Chi_Minh", "start_local": text, **rest}}


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_an_approved_broadcast_stands_in_the_programme_of_its_area(office: Office) -> None:
    made = office.approved()
    assert made["first_start_at"] == "2026-11-23T03:00:00Z"
    assert made["document"]["issuer"] == COMMUNE
    assert made["document"]["authority"] == 20
    assert office.desk.town.publisher.programmes[-1] == {AreaId(COMMUNE)}
    assert office.hoa.get(f"/broadcasts/{made['id']}") == made
    page = office.hoa.get("/broadcasts", params={"reaching": COMMUNE, "from_at": "2026-11-23T03:00:00Z"})
    assert [one["id"] for one in page["items"]] == [made["id"]]


def test_what_was_approved_is_read_from_the_database_once(office: Office) -> None:
    office.approved()
    first, second = (entries(office, COMMUNE) for _ in range(2))
    assert first[0] is second[0]


def entries(office: Office, area: AreaId) -> tuple[Entry, ...]:
    with office.desk.db.look() as session:
        return contents_of(session, area, (), office.desk.clock.now()).entries


def test_the_document_is_what_the_digest_and_the_approval_say(office: Office) -> None:
    made = office.approved(text="Đọc", plan=when("2026-11-23T10:00", rrule="FREQ=DAILY;COUNT=3"))
    (entry,) = entries(office, COMMUNE)
    assert entry.id == entry.broadcast.id == made["id"]
    check_word(entry, KeyRing([office.desk.key.public]))


def test_nobody_approves_what_they_wrote_themselves(office: Office) -> None:
    bulletin = office.hoa.submitted(office.desk.draft())
    path = f"/bulletins/{bulletin['id']}/approve"
    assert office.hoa.refused(403, "POST", path, headers=match(bulletin))["code"] == "own_bulletin"


def test_an_official_does_not_approve(office: Office) -> None:
    bulletin = office.hoa.submitted(office.desk.draft())
    problem = office.mai.refused(403, "POST", f"/bulletins/{bulletin['id']}/approve", headers=match(bulletin))
    assert problem["code"] == "not_permitted"


def test_only_the_revision_that_was_read_is_approved(office: Office) -> None:
    bulletin = office.mai.submitted(office.desk.draft())
    path = f"/bulletins/{bulletin['id']}"
    saved = office.mai.call("PUT", path, json=office.desk.draft(title="Khác"), headers=match(bulletin)).json()
    office.mai.post(f"{path}/submit", headers=match(saved))
    problem = office.hoa.refused(412, "POST", f"{path}/approve", headers=match(bulletin))
    assert problem["saved_by"] == "Mai"


def test_an_approval_sent_twice_makes_one_broadcast(office: Office) -> None:
    bulletin = office.mai.submitted(office.desk.draft())
    path = f"/bulletins/{bulletin['id']}/approve"
    headers = match(bulletin) | {"idempotency-key": "k1"}
    first = office.hoa.call("POST", path, headers=headers)
    second = office.hoa.call("POST", path, headers=headers)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert second.headers["idempotency-replayed"] == "true"
    assert len(office.hoa.get("/broadcasts")["items"]) == 1
    assert len(office.desk.town.publisher.programmes) == 1


def test_an_approval_sent_twice_without_a_key_is_told_that_it_is_decided(office: Office) -> None:
    bulletin = office.mai.submitted(office.desk.draft())
    path = f"/bulletins/{bulletin['id']}/approve"
    made = office.hoa.post(path, headers=match(bulletin))
    problem = office.hoa.refused(409, "POST", path, headers=match(bulletin))
    assert (problem["code"], problem["broadcast"]) == ("wrong_state", made["broadcast"]["id"])
    assert len(office.hoa.get("/broadcasts")["items"]) == 1


def test_a_refused_approval_leaves_the_bulletin_waiting_and_may_be_sent_again(quick: Office) -> None:
    bulletin = quick.mai.submitted(quick.desk.draft(plan=when("2026-11-23T07:00")))
    path = f"/bulletins/{bulletin['id']}"
    headers = match(bulletin) | {"idempotency-key": "k2"}
    for _ in range(2):
        assert quick.hoa.refused(422, "POST", f"{path}/approve", headers=headers)["code"] == "in_the_past"
    assert quick.hoa.get(path) == bulletin


def test_a_time_in_the_past_is_refused_with_the_next_that_would_do(quick: Office) -> None:
    problem = refused(quick, plan=when("2026-11-23T07:58"))
    assert (problem["code"], problem["at"]) == ("in_the_past", "2026-11-23T00:58:00Z")
    assert problem["repaired_after"] == "2026-11-23T01:01:00Z"


def test_a_minute_is_forgiven(quick: Office) -> None:
    quick.desk.clock.forward(seconds=59)
    assert quick.approved(plan=when("2026-11-23T08:00"))["first_start_at"] == "2026-11-23T01:00:00Z"


@pytest.mark.parametrize(
    ("start", "before", "after"),
    [
        ("2026-11-24T03:15", "2026-11-23T21:59", "2026-11-24T05:00"),
        ("2026-11-23T22:00", "2026-11-23T21:59", "2026-11-24T05:00"),
        ("2026-11-24T04:59", "2026-11-23T21:59", "2026-11-24T05:00"),
    ],
)
def test_a_start_in_quiet_hours_is_refused_with_its_source(
    quick: Office, start: str, before: str, after: str
) -> None:
    problem = refused(quick, plan=when(start))
    assert problem["code"] == "quiet_hours"
    assert problem["legal_source"].startswith(QUIET)
    assert instant(problem["repaired_before"]) == instant(f"{before}+07:00")
    assert instant(problem["repaired_after"]) == instant(f"{after}+07:00")


def test_what_would_run_across_midnight_into_quiet_hours_is_refused_with_the_last_start(
    quick: Office,
) -> None:
    eight = quick.desk.recording(8 * 60_000, "eight")
    problem = refused(quick, plan=when("2026-11-23T21:56"), recording=eight)
    assert problem["code"] == "into_quiet_hours"
    assert problem["legal_source"].startswith(QUIET)
    assert instant(problem["repaired_before"]) == instant("2026-11-23T21:52+07:00")
    fits = quick.approved(plan=when("2026-11-23T21:52"), recording=eight)
    assert fits["first_start_at"] == "2026-11-23T14:52:00Z"


def test_what_runs_across_midnight_in_allowed_hours_is_taken(quick: Office) -> None:
    set_hours(quick, "06:00", "02:00")
    long = quick.desk.recording(40 * 60_000, "forty")
    made = quick.approved(plan=when("2026-11-23T23:50"), recording=long)
    assert made["first_start_at"] == "2026-11-23T16:50:00Z"


def set_hours(office: Office, begin: str, end: str) -> None:
    with office.desk.db.work() as work:
        work.session.get_one(AreaRow, COMMUNE).policy = hours(begin, end).model_dump_json()


def test_a_recurrence_without_end_is_taken_for_a_year_and_says_so(quick: Office) -> None:
    bulletin = quick.mai.submitted(quick.desk.draft(plan=when("2026-11-23T10:00", rrule="FREQ=DAILY")))
    answer = quick.hoa.post(f"/bulletins/{bulletin['id']}/approve", headers=match(bulletin))
    notice = answer["notices"][0]
    assert (notice["code"], notice["weight"]) == ("ends_on", "note")
    assert notice["at"] == "2027-11-24T03:00:00Z"
    assert answer["broadcast"]["document"]["expires_at"] == "2027-11-24T03:00:00.000Z"
    assert instant(answer["broadcast"]["over_at"]) < instant("2027-11-24T10:00+07:00")


@pytest.mark.parametrize(
    ("plan", "code"),
    [
        (when("2026-11-23T10:00", rrule="FREQ=DAILY;UNTIL=20261101"), "never"),
        (when("2026-11-23T10:00", rrule="FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"), "never"),
        (when("2026-11-23T10:00", rrule="FREQ=HOURLY;INTERVAL=2;BYHOUR=5"), "bad_recurrence"),
        (when("2020-11-23T10:00", rrule="FREQ=DAILY"), "bad_recurrence"),
        (when("2036-11-23T10:00"), "too_far"),
        (when("2036-11-23T10:00", rrule="FREQ=DAILY"), "too_far"),
        (when("2026-11-23T10:00", rrule="FREQ=DAILY;BYHOUR=10;BYMINUTE=0,5"), "overlaps_itself"),
        (when("2026-11-23T10:00", rrule="FREQ=DAILY;BYHOUR=10,23"), "quiet_hours"),
        (when("2026-11-23T10:00") | {"last_end_ms": 60_000}, "last_end_too_early"),
        (when("2026-11-23T10:00") | {"expires_at": "2026-11-23T02:00:00Z"}, "in_the_past"),
        (when("2026-11-23T10:00") | {"audience": ["thon-phu-cuong"]}, "no_nodes"),
        (when("2026-11-23T10:00") | {"audience": ["song-lo"]}, "not_yours"),
        (when("2026-11-23T10:00") | {"audience": ["khong-co"]}, "not_yours"),
    ],
)
def test_a_plan_that_cannot_be_is_refused(quick: Office, plan: JSON, code: str) -> None:
    problem = refused(quick, plan=plan, recording=quick.desk.recording(6 * 60_000, "six"))
    assert problem["code"] == code
    assert quick.hoa.get("/broadcasts")["items"] == []


def test_areas_without_nodes_among_others_are_named(quick: Office) -> None:
    plan = {"audience": ["thon-phu-cuong", "thon-minh-tan"]}
    bulletin = quick.mai.submitted(quick.desk.draft(plan=plan))
    answer = quick.hoa.post(f"/bulletins/{bulletin['id']}/approve", headers=match(bulletin))
    assert [(n["code"], n["areas"]) for n in answer["notices"]] == [
        ("some_without_nodes", ["thon-phu-cuong"])
    ]


def test_the_policy_of_every_place_counts(quick: Office) -> None:
    with quick.desk.db.work() as work:
        row = work.session.get_one(AreaRow, "thon-minh-tan")
        row.policy = hours("06:00", "09:00", "Quy chế thôn").model_dump_json()
    problem = refused(quick)
    assert (problem["code"], problem["legal_source"]) == ("quiet_hours", "Quy chế thôn")
    assert instant(problem["repaired_before"]) == instant("2026-11-23T08:59+07:00")


def test_now_begins_for_all_after_the_lead(quick: Office) -> None:
    quick.desk.clock.forward(seconds=0.25)
    made = quick.approved(plan={"when": "now"})
    assert instant(made["first_start_at"]) == instant("2026-11-23T08:00:00.750+07:00")


def test_an_emergency_sounds_at_once_by_one_person_at_any_hour(office: Office) -> None:
    office.desk.clock.at = instant("2026-11-24T02:00+07:00")
    content = office.desk.draft(**{"class": "emergency", "plan": {"when": None}})
    bulletin = office.hoa.post("/bulletins", content)
    answer = office.hoa.post(f"/bulletins/{bulletin['id']}/emergency", headers=match(bulletin))
    starts = instant(answer["broadcast"]["first_start_at"])
    assert starts - office.desk.clock.at == timedelta(milliseconds=500)
    ((areas, entry),) = office.desk.town.publisher.emergencies
    assert (areas, entry.id) == (frozenset({AreaId(COMMUNE)}), answer["broadcast"]["id"])
    assert office.desk.town.publisher.programmes == [{AreaId(COMMUNE)}]


def test_an_emergency_needs_the_right_and_the_class(office: Office) -> None:
    content = office.desk.draft(**{"class": "emergency"})
    urgent = office.mai.post("/bulletins", content)
    office.mai.refused(403, "POST", f"/bulletins/{urgent['id']}/emergency", headers=match(urgent))
    usual = office.hoa.post("/bulletins", office.desk.draft())
    problem = office.hoa.refused(422, "POST", f"/bulletins/{usual['id']}/emergency", headers=match(usual))
    assert problem["code"] == "not_an_emergency"


def test_a_text_that_changed_after_it_was_read_out_is_not_submitted(quick: Office) -> None:
    sha256 = quick.desk.recording(origin="speech", name="voice")
    with quick.desk.db.work() as work:
        work.session.add(SpokenRow(recording=sha256, text_sha256=text_digest("Mời bà con.")))
    made = quick.mai.post("/bulletins", quick.desk.draft(recording=sha256, text="Mời bà con đi."))
    path = f"/bulletins/{made['id']}"
    assert quick.mai.refused(422, "POST", f"{path}/submit", headers=match(made))["code"] == "text_not_read"
    approved = quick.approved(recording=sha256, text=" Mời bà con.\n")
    assert approved["document"]["text_sha256"] == text_digest("Mời bà con.")


def test_who_hears_a_broadcast_may_read_of_it_and_nobody_else(office: Office) -> None:
    office.desk.person("thon", ("thon-minh-tan", Role.OFFICIAL))
    office.desk.person("khac", ("thon-phu-cuong", Role.OFFICIAL))
    village = office.approved(plan={"audience": ["thon-minh-tan"]})["id"]
    commune = office.approved()["id"]

    def seen(name: str) -> set[str]:
        return {one["id"] for one in office.browser(name).get("/broadcasts")["items"]}

    assert seen("thon") == seen("hoa") == {village, commune}
    assert seen("khac") == {commune}
    office.browser("khac").refused(404, "GET", f"/broadcasts/{village}")
    office.browser("thon").get(f"/broadcasts/{village}")
