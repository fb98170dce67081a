"""The schedule of an area: by the rules of its nodes, with what waits laid in, as far as one may know."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from loa.controller.core.sample import COMMUNE, VILLAGES
from loa.controller.core.schedule import Slot, SlotState
from loa.controller.services.timelines import Timelines
from loa.controller.store.database import Database
from loa.controller.store.tables import LogRow
from loa.protocol.ids import AreaId
from loa.protocol.reasons import Reason
from loa.schedules.model import Window
from tests.controller.desk import JSON, TZ, Office, match, open_office
from tests.controller.factories import PROVINCE

MONDAY = datetime(2026, 11, 22, 17, tzinfo=UTC)
"""Midnight of 23 November in Việt Nam, on which day the office's clock stands."""


@pytest.fixture
def office(sqlite_db: Database, tmp_path: Path) -> Iterator[Office]:
    with open_office(sqlite_db, tmp_path) as office:
        yield office


def local(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-11-{text}+07:00").astimezone(UTC)


def once(text: str) -> JSON:
    return {"tz": TZ, "start_local": f"2026-11-{text}"}


def plan(text: str, *audience: str, **more: object) -> JSON:
    return {"audience": list(audience or (COMMUNE,)), "when": once(text) | more}


def slots(office: Office, *, area: str = COMMUNE, who: str = "mai", waiting: bool = True) -> list[Slot]:
    desk = office.desk
    service = Timelines(clock=desk.clock, key=desk.key, journal=desk.journal)
    window = Window(from_at=MONDAY, until_at=MONDAY + timedelta(days=7))
    with desk.db.look() as session:
        found = service.read(session, getattr(desk, who), AreaId(area), window, waiting=waiting)
    return list(found.slots)


def brief(found: list[Slot]) -> list[tuple[str, str, str]]:
    return [(slot.title, f"{slot.from_at + timedelta(hours=7):%d %H:%M}", slot.state) for slot in found]


def sound(office: Office, minutes: int, title: str) -> str:
    return office.desk.recording(minutes * 60_000, title)


def test_what_waits_is_laid_behind_what_stands_and_moves_nothing_of_it(office: Office) -> None:
    office.approved(title="Đã duyệt", recording=sound(office, 20, "a"), plan=plan("24T17:30"))
    draft = office.desk.draft(title="Nháp", recording=sound(office, 5, "b"), plan=plan("24T17:25"))
    office.mai.post("/bulletins", draft)
    office.mai.submitted(
        office.desk.draft(title="Chờ", recording=sound(office, 8, "c"), plan=plan("24T17:40"))
    )
    assert brief(slots(office)) == [
        ("Nháp", "24 17:25", SlotState.DRAFT),
        ("Đã duyệt", "24 17:30", SlotState.APPROVED),
        ("Chờ", "24 17:50", SlotState.SUBMITTED),
    ]
    assert brief(slots(office, waiting=False)) == [("Đã duyệt", "24 17:30", SlotState.APPROVED)]


def test_the_schedule_holds_what_the_preview_promised(office: Office) -> None:
    recording = sound(office, 30, "long")
    office.approved(title="Dài", recording=recording, plan=plan("23T09:00"))
    wanted = office.desk.draft(title="Sau", recording=sound(office, 5, "s"), plan=plan("23T09:10"))
    asked = {name: wanted[name] for name in wanted if name != "field"}
    preview = office.mai.post("/previews", asked)
    promised = next(one for one in preview["views"][0]["segments"] if one["mine"])
    office.approve(office.mai, office.hoa, wanted)
    found = next(slot for slot in slots(office) if slot.title == "Sau")
    assert found.from_at == datetime.fromisoformat(promised["from_at"]) == local("23T09:30")
    assert found.planned_at == local("23T09:10")


def test_a_recurrence_has_a_slot_a_day_but_for_exceptions_and_withdrawals(office: Office) -> None:
    rule = plan("23T10:00", rrule="FREQ=DAILY", exdates=["2026-11-25T10:00"])
    made = office.approved(title="Hằng ngày", plan=rule)
    gone = next(slot.item for slot in slots(office) if slot.planned_at == local("26T10:00"))
    office.hoa.post(f"/broadcasts/{made['id']}/withdrawals", {"occurrence": gone})
    days = [start[:2] for _, start, _ in brief(slots(office))]
    assert days == ["23", "24", "27", "28", "29"]


def test_what_will_not_sound_stands_there_with_its_reason(office: Office) -> None:
    office.approved(title="Dài", recording=sound(office, 60, "long"), plan=plan("23T09:00"))
    office.approved(title="Hết giờ", recording=sound(office, 5, "x"), plan=plan("23T09:10"))
    lost = next(slot for slot in slots(office) if slot.title == "Hết giờ")
    assert (lost.sounds, lost.reason, lost.by_title) == (False, Reason.DISPLACED, "Dài")
    assert lost.from_at == local("23T09:10")


def test_nodes_that_hear_otherwise_are_counted_and_a_node_has_a_schedule_of_its_own(office: Office) -> None:
    office.approved(title="Riêng", recording=sound(office, 10, "r"), plan=plan("23T10:00", "thon-minh-tan"))
    office.approved(title="Chung", recording=sound(office, 10, "c"), plan=plan("23T10:05"))
    common = next(slot for slot in slots(office) if slot.title == "Chung")
    assert (common.nodes, common.otherwise) == (2, 1)
    assert common.from_at == local("23T10:05")
    own = brief(slots(office, area="loa-minh-tan"))
    assert own == [("Riêng", "23 10:00", "approved"), ("Chung", "23 10:10", "approved")]


def test_drafts_are_shown_to_those_alone_who_may_read_them(office: Office) -> None:
    office.mai.post("/bulletins", office.desk.draft(title="Của xã"))
    office.tam.post("/bulletins", office.desk.draft(area=PROVINCE, title="Của tỉnh"))
    assert [slot.title for slot in slots(office)] == ["Của xã"]
    assert {slot.title for slot in slots(office, who="tinh")} == {"Của xã", "Của tỉnh"}


def test_a_draft_without_a_sound_is_as_long_as_its_words(office: Office) -> None:
    draft = office.desk.draft(title="Gõ chữ") | {"recording": None, "text": "bà con " * 250}
    office.mai.post("/bulletins", draft)
    (found,) = slots(office)
    assert (found.estimated, found.duration_ms) == (True, 240_000)


def test_what_is_over_is_still_shown_with_what_nodes_reported(office: Office) -> None:
    made = office.approved(title="Đã qua", plan=plan("23T10:00"))
    item = next(slot.item for slot in slots(office))
    office.desk.clock.forward(days=3)
    with office.desk.db.work() as work:
        for node, outcome in (("loa-minh-tan", "complete"), ("loa-thong-nhat", "power_lost")):
            work.session.add(
                LogRow(
                    occurrence=item,
                    broadcast_id=made["id"],
                    node_id=node,
                    area_id=VILLAGES[0],
                    path=f"/{COMMUNE}/{VILLAGES[0]}/",
                    place="",
                    title="Đã qua",
                    field="health",
                    class_="normal",
                    planned_at=local("23T10:00"),
                    duration_ms=60_000,
                    outcome=outcome,
                )
            )
    (found,) = slots(office)
    assert found.proof is not None
    assert (found.proof.sounded, found.proof.silent) == (1, 1)


def test_quiet_hours_are_told_with_their_rule(office: Office) -> None:
    found = office.mai.get(
        f"/timeline?area={COMMUNE}&from=2026-11-23T00:00:00%2B07:00&to=2026-11-24T00:00:00%2B07:00"
    )
    spans = [(one["from_at"], one["to_at"]) for one in found["quiet"]]
    assert spans == [
        ("2026-11-22T17:00:00Z", "2026-11-22T22:00:00Z"),
        ("2026-11-23T15:00:00Z", "2026-11-23T17:00:00Z"),
    ]
    assert "22:00 đến 05:00" in found["quiet"][0]["legal_source"]


def test_the_timeline_of_a_strangers_area_is_not_found(office: Office) -> None:
    day = "from=2026-11-23T00:00:00Z&to=2026-11-24T00:00:00Z"
    assert office.mai.refused(404, "GET", f"/timeline?area={PROVINCE}&{day}")["code"] == "no_such_area"
    assert office.mai.refused(404, "GET", f"/timeline?area=nowhere&{day}")["code"] == "no_such_area"
    office.mai.refused(
        422, "GET", f"/timeline?area={COMMUNE}&from=2026-01-01T00:00:00Z&to=2026-12-01T00:00:00Z"
    )


def test_moving_keeps_what_was_submitted_submitted_and_names_who_moved_it(office: Office) -> None:
    made = office.mai.submitted(office.desk.draft(plan=plan("24T10:00")))
    desk = office.desk
    with desk.db.work() as work:
        changed = desk.bulletins.move(
            work,
            desk.hoa,
            made["id"],
            made["revision"],
            was=datetime.fromisoformat("2026-11-24T10:00"),
            becomes=datetime.fromisoformat("2026-11-25T17:40"),
        )
    assert (changed.state, changed.submitted_by) == ("submitted", "hoa")
    assert brief(slots(office))[0][1] == "25 17:40"
    told = office.hoa.refused(
        403, "POST", f"/bulletins/{made['id']}/approve", headers=match({"revision": changed.revision})
    )
    assert told["code"] == "own_bulletin"
