"""Who knows a recording's name may hear it only where it is their business."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, event

from loa.controller.core.access import Role
from loa.controller.core.sample import COMMUNE, VILLAGES
from loa.controller.services.alarms import Wish
from loa.controller.store.bulletins import add_recording
from loa.controller.store.database import Database
from loa.controller.store.recording_uses import uses_of
from loa.controller.store.standing_messages import set_standing
from loa.controller.store.tables import RecordingRow
from loa.protocol.ids import RecordingId
from loa.protocol.kinds import StandingMessage
from tests.controller.desk import Browser, Office, open_office

NEAR, FAR = VILLAGES[0], VILLAGES[1]
SOUND = RecordingId("5" * 64)
AT_TEN = {"tz": "Asia/Ho_Chi_Minh", "start_local": "2026-11-23T10:00"}


@pytest.fixture
def office(sqlite_db: Database, tmp_path: Path) -> Iterator[Office]:
    with open_office(sqlite_db, tmp_path) as office:
        keep(office)
        yield office


def keep(office: Office, by: str = "mai") -> str:
    """A recording that this person made, and that stands nowhere; who made it first."""
    row = RecordingRow(
        sha256=SOUND,
        duration_ms=60_000,
        size_bytes=240_000,
        loudness_lufs=-18,
        true_peak_dbtp=-2,
        origin="upload",
        warnings="[]",
        created_by=by,
        created_at=office.desk.clock.now(),
    )
    with office.desk.db.work() as work:
        return add_recording(work.session, row, None).created_by


def villager(office: Office, name: str, area: str, role: Role = Role.SUPERVISOR) -> Browser:
    office.desk.person(name, (area, role))
    return office.browser(name)


def hears(browser: Browser) -> bool:
    """Whether the person gets the facts; the sound and its wave must be as closed."""
    answers = [browser.call("GET", f"/recordings/{SOUND}{part}") for part in ("", "/peaks", "/content")]
    if answers[0].is_success:
        return True
    assert [(one.status_code, one.json()["code"]) for one in answers] == [(404, "no_such_recording")] * 3
    return False


def test_what_stands_nowhere_is_its_makers_alone(office: Office) -> None:
    assert hears(office.mai)
    assert not hears(office.hoa)
    assert not hears(office.tinh)


def test_who_makes_the_same_recording_hears_it_too(office: Office) -> None:
    assert keep(office, "hoa") == "mai"
    assert hears(office.hoa)


def test_a_bulletin_is_heard_where_bulletins_may_be_read(office: Office) -> None:
    near = villager(office, "thon", NEAR, Role.OFFICIAL)
    technician = villager(office, "tho", COMMUNE, Role.TECHNICIAN)
    office.mai.post("/bulletins", office.desk.draft(recording=SOUND))
    assert [hears(one) for one in (office.hoa, office.tam, near, technician)] == [True, True, False, False]


def test_a_broadcast_is_heard_where_it_sounds(office: Office) -> None:
    near, far = villager(office, "gan", NEAR), villager(office, "xa", FAR)
    technician = villager(office, "tho", COMMUNE, Role.TECHNICIAN)
    plan = {"audience": [NEAR], "when": AT_TEN}
    office.approved(recording=SOUND, plan=plan)
    assert [hears(one) for one in (near, far, technician)] == [True, False, True]
    office.approved(recording=SOUND, plan=plan | {"audience": [COMMUNE]})
    assert hears(far), "what stands in the commune's programme sounds in the village, too"


def test_what_a_commune_has_in_its_inbox_it_may_hear(office: Office) -> None:
    keep(office, "tam")
    assert not hears(office.hoa)
    office.from_above(recording=SOUND)
    assert hears(office.hoa)


def test_standing_messages_are_everybodys(office: Office) -> None:
    near = villager(office, "gan", NEAR)
    assert not hears(near)
    with office.desk.db.work() as work:
        set_standing(work.session, StandingMessage.STORM, SOUND, by="goc", at=office.desk.clock.now())
    assert hears(near)


def test_a_bulletin_of_ones_own_opens_no_recording_of_others(office: Office) -> None:
    draft = office.desk.draft(recording=SOUND)
    refused = office.hoa.refused(422, "POST", "/bulletins", draft)
    assert refused["code"] == "no_such_recording"
    preview = {"area": COMMUNE, "plan": draft["plan"], "recording": SOUND}
    assert office.hoa.refused(422, "POST", "/previews", preview)["code"] == "no_such_recording"
    made = office.mai.post("/bulletins", draft)
    match = {"if-match": f'"{made["revision"]}"'}
    path = f"/bulletins/{made['id']}"
    changed = office.hoa.call("PUT", path, json=draft | {"title": "Lịch mới"}, headers=match)
    assert changed.status_code == 200, "what the bulletin has already is no question"


def test_an_alarm_that_somebody_read_out_before_is_listened_to_by_asking_for_it(office: Office) -> None:
    desk = office.desk
    wish = Wish(audience=(COMMUNE,), text="Lũ về. Bà con lên chỗ cao.")
    tinh, hoa = (
        desk.person("tinh2", ("vinh-phuc", Role.APPROVER)),
        desk.person("hoa2", (COMMUNE, Role.APPROVER)),
    )
    made = desk.alarms.make(tinh, wish)
    assert desk.alarms.made(tinh, wish) == made
    assert desk.alarms.made(hoa, wish) is None
    assert desk.alarms.make(hoa, wish) == made
    assert desk.alarms.made(hoa, wish) == made
    with desk.db.work() as work:
        assert desk.alarms.sound(work, hoa, desk.alarms.ready(hoa, wish)).scheduled


def test_each_use_is_found_by_an_index(office: Office) -> None:
    steps: list[str] = []

    def explain(
        link: Connection, _cursor: object, statement: str, given: tuple[str, ...], *_more: object
    ) -> None:
        cursor = link.connection.cursor()
        cursor.execute(f"EXPLAIN QUERY PLAN {statement}", given)
        steps.extend(str(row[-1]) for row in cursor.fetchall())

    with office.desk.db.look() as session:
        event.listen(session.connection(), "before_cursor_execute", explain)
        uses_of(session, SOUND)
    assert len(steps) > 4
    assert [step for step in steps if step.startswith("SCAN")] == []
