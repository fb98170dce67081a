"""Previews over the API, held against what the nodes themselves compute from what is published for them."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from loa.controller.core.sample import COMMUNE
from loa.controller.services.airwaves import Airwaves
from loa.controller.services.composer import Composer
from loa.controller.store.configs import config_body_of
from loa.controller.store.database import Database
from loa.controller.store.programmes import body_of
from loa.controller.store.tables import AreaRow
from loa.node_agent.core.accept import sift
from loa.node_agent.core.plan import make_plan
from loa.node_agent.core.shelf import Shelf, from_message, merge
from loa.protocol.codec import unpack_config, unpack_programme
from loa.protocol.ids import AreaId, NodeId, SilenceId, broadcast_of
from loa.protocol.keys import KeyRing
from loa.protocol.programme import Silence
from loa.protocol.trust import check_word
from loa.schedules.model import Window
from tests.controller.desk import JSON, TZ, Office, match, open_office
from tests.controller.factories import PROVINCE
from tests.controller.policies import hours

NODE = NodeId("loa-minh-tan")
OTHER = NodeId("loa-thong-nhat")
Piece = tuple[datetime, datetime, int, str]


@pytest.fixture
def office(db: Database, tmp_path: Path) -> Iterator[Office]:
    with open_office(db, tmp_path) as office:
        yield office


@pytest.fixture
def quick(sqlite_db: Database, tmp_path: Path) -> Iterator[Office]:
    with open_office(sqlite_db, tmp_path) as office:
        yield office


def once(text: str) -> JSON:
    return {"tz": TZ, "start_local": text}


def daily(text: str) -> JSON:
    return once(text) | {"rrule": "FREQ=DAILY;COUNT=20"}


def ask(office: Office, **changes: object) -> JSON:
    """The preview of a draft."""
    draft = office.desk.draft(**changes)
    return office.mai.post("/previews", {name: draft[name] for name in draft if name != "field"})


def view_of(preview: JSON, node: str) -> JSON:
    found: JSON = next(view for view in preview["views"] if node in view["nodes"])
    return found


def at(
    office: Office, minutes: int, title: str, start: str, *, class_: str = "normal", more: JSON | None = None
) -> JSON:
    """An approved broadcast of so many minutes; its sound is its own."""
    recording = office.desk.recording(minutes * 60_000, title)
    plan = {"audience": [COMMUNE], "when": once(start)} | (more or {})
    return office.approved(title=title, recording=recording, plan=plan, **{"class": class_})


def emergency(office: Office, title: str, start: str) -> None:
    at(office, 3, title, start, class_="emergency")


def silence(office: Office, area: str, begin: str, end: str) -> None:
    said = Silence(
        id=SilenceId("5" * 32),
        counter=0,
        from_at=datetime.fromisoformat(begin),
        until_at=datetime.fromisoformat(end),
        issued_at=office.desk.clock.now(),
        authority=20,
        by="hoa",
    )
    office.desk.journal.append(AreaId(area), said)


def crowd(office: Office) -> None:
    """Much that stands already: of three levels, all classes, withdrawn in part and silenced in part."""
    at(office, 20, "Dài", "2026-11-23T09:50")
    at(office, 7, "Ưu tiên", "2026-11-23T09:55", class_="priority")
    at(office, 5, "Hằng ngày", "2026-11-23T10:20", more={"when": daily("2026-11-23T10:20")})
    at(office, 9, "Thôn", "2026-11-23T10:21", more={"audience": ["thon-minh-tan"]})
    at(office, 11, "Cả tỉnh", "2026-11-23T10:10", class_="priority")
    emergency(office, "Lũ", "2026-11-23T10:12")
    gone = at(office, 6, "Rút", "2026-11-23T10:01")
    office.mai.post(f"/broadcasts/{gone['id']}/withdrawals", {})
    from_above = office.from_above(
        title="Từ tỉnh", plan={"audience": [PROVINCE], "when": once("2026-11-23T10:02")}
    )
    office.hoa.post(f"/areas/{COMMUNE}/inbox/{from_above['id']}/choose")
    silence(office, "thon-thong-nhat", "2026-11-23T10:25+07:00", "2026-11-23T10:40+07:00")
    office.desk.clock.forward(minutes=10)


def played_by(office: Office, node: NodeId, window: Window) -> list[Piece]:
    """What the node makes of the programmes and the configuration that are published for it."""
    desk = office.desk
    composer = Composer(db=desk.db, clock=desk.clock, key=desk.key, journal=desk.journal, air=Airwaves())
    keys, now = KeyRing([desk.key.public]), desk.clock.now()
    composer.configs({node})
    with desk.db.look() as session:
        body = config_body_of(session, node)
    assert body is not None
    config = unpack_config(body, node, keys)
    shelf = Shelf()
    for area in config.areas:
        composer.programme(area)
        with desk.db.look() as session:
            packed = body_of(session, area)
        if packed is not None:
            programme = unpack_programme(packed, area, keys)
            taken, left = sift(
                programme.entries, areas=config.areas, check=partial(check_word, keys=keys), now=now
            )
            assert left == []
            shelf = merge(shelf, from_message(programme, taken, now, shelf))
    sounds = {seen.said.broadcast.source.recording: seen.said.issued_at for seen in shelf.entries.values()}
    wide = Window(from_at=window.from_at - timedelta(days=1), until_at=window.until_at)
    plan = make_plan(shelf, sounds, config, wide)
    titles = {name: seen.said.broadcast.title for name, seen in shelf.entries.items()}
    return [
        (one.from_at, one.to_at, one.offset_ms, titles[broadcast_of(one.item_id)])
        for one in plan.segments
        if one.to_at > window.from_at and one.from_at < window.until_at
    ]


def shown(view: JSON) -> list[Piece]:
    return [
        (
            datetime.fromisoformat(one["from_at"]),
            datetime.fromisoformat(one["to_at"]),
            one["offset_ms"],
            one["title"],
        )
        for one in view["segments"]
    ]


@pytest.mark.parametrize("class_", ["normal", "priority", "emergency"])
@pytest.mark.parametrize("when", [once("2026-11-23T10:00"), daily("2026-11-23T10:24")])
@pytest.mark.parametrize("audience", [[COMMUNE], ["thon-minh-tan"]])
def test_the_preview_is_what_the_node_computes_once_it_is_approved(
    quick: Office, class_: str, when: JSON, audience: list[str]
) -> None:
    crowd(quick)
    mine = {"class": class_, "title": "Của tôi", "plan": {"audience": audience, "when": when}}
    preview = ask(quick, recording=quick.desk.recording(4 * 60_000, "mine"), **mine)
    quick.approved(recording=quick.desk.recording(4 * 60_000, "mine"), **mine)
    assert sum(len(view["nodes"]) for view in preview["views"]) == preview["nodes"] > 0
    for view in preview["views"]:
        window = Window(
            from_at=datetime.fromisoformat(view["from_at"]), until_at=datetime.fromisoformat(view["until_at"])
        )
        assert any(fate["mine"] for fate in view["fates"])
        for node in view["nodes"]:
            assert played_by(quick, NodeId(node), window) == shown(view)


def test_nodes_that_hear_the_same_share_one_view(office: Office) -> None:
    preview = ask(office)
    assert [view["nodes"] for view in preview["views"]] == [[NODE, OTHER]]
    at(office, 5, "Thôn", "2026-11-23T17:00", more={"audience": ["thon-minh-tan"]})
    preview = ask(office)
    assert sorted(view["nodes"] for view in preview["views"]) == [[NODE], [OTHER]]
    assert view_of(preview, NODE)["areas"] == [COMMUNE]


def test_what_displaces_and_what_is_displaced_say_by_how_much(quick: Office) -> None:
    at(quick, 20, "Dài", "2026-11-23T09:50")
    at(quick, 5, "Sau", "2026-11-23T10:12")
    preview = ask(quick, recording=quick.desk.recording(4 * 60_000, "mine"))
    notices = preview["views"][0]["notices"]
    assert [(n["code"], n["delta_ms"]) for n in notices] == [("delayed", 600_000), ("displaces", 120_000)]
    assert (notices[0]["by_title"], notices[1]["title"]) == ("Dài", "Sau")
    assert datetime.fromisoformat(notices[0]["repaired_after"]) == datetime.fromisoformat(
        "2026-11-23T10:17+07:00"
    )


def test_what_will_not_sound_comes_first_with_its_rule(quick: Office) -> None:
    with quick.desk.db.work() as work:
        policy = hours("05:00", "22:00", "Quyết định 12", minutes=30)
        work.session.get_one(AreaRow, COMMUNE).policy = policy.model_dump_json()
    at(quick, 20, "Dài", "2026-11-23T09:50")
    preview = ask(quick, recording=quick.desk.recording(15 * 60_000, "mine"))
    notice = preview["views"][0]["notices"][0]
    assert (notice["code"], notice["weight"]) == ("will_not_sound", "silent")
    assert (notice["reason"], notice["legal_source"]) == ("minutes_used_up", "Quyết định 12")
    (fate,) = [fate for fate in preview["views"][0]["fates"] if fate["mine"]]
    assert (fate["reason"], fate["sounded_ms"]) == ("minutes_used_up", 0)


def test_an_emergency_shows_what_it_interrupts(quick: Office) -> None:
    at(quick, 20, "Dài", "2026-11-23T09:50")
    preview = ask(quick, **{"class": "emergency"}, recording=quick.desk.recording(4 * 60_000, "mine"))
    notices = preview["views"][0]["notices"]
    assert [(n["code"], n["title"]) for n in notices] == [("interrupts", "Dài")]


def test_what_sounds_at_night_is_shown_quieter_by_rule(quick: Office) -> None:
    preview = ask(quick, plan={"when": once("2026-11-24T05:30")})
    (notice,) = preview["views"][0]["notices"]
    assert (notice["code"], notice["cap_db"]) == ("attenuated", -15)
    assert notice["legal_source"].startswith("QCVN 26:2010/BTNMT")


def test_a_plan_that_will_be_refused_shows_why_and_the_repair(quick: Office) -> None:
    preview = ask(quick, plan={"when": once("2026-11-23T23:00")})
    (notice,) = preview["notices"]
    assert (notice["code"], notice["weight"]) == ("quiet_hours", "refused")
    assert notice["repaired_before"] == "2026-11-23T14:59:00Z"
    (will_not,) = [n for n in preview["views"][0]["notices"] if n["code"] == "will_not_sound"]
    assert (will_not["reason"], will_not["legal_source"]) == ("quiet_hours", notice["legal_source"])


@pytest.mark.parametrize(
    ("plan", "code"),
    [
        ({"when": None}, "no_time"),
        ({"audience": []}, "no_audience"),
        ({"audience": ["thon-phu-cuong"]}, "no_nodes"),
        ({"audience": ["song-lo"]}, "not_yours"),
        ({"when": once("2026-11-20T10:00")}, "in_the_past"),
    ],
)
def test_a_plan_without_a_timeline_has_its_reason(quick: Office, plan: JSON, code: str) -> None:
    preview = ask(quick, plan=plan)
    assert preview["views"] == []
    assert preview["notices"][0]["code"] == code


def test_what_waits_for_the_communes_choice_says_so(quick: Office) -> None:
    draft = quick.desk.draft(area=PROVINCE)
    preview = quick.tam.post("/previews", {name: draft[name] for name in draft if name != "field"})
    assert [(n["code"], n["areas"]) for n in preview["notices"]] == [("waits_for_choice", [COMMUNE])]
    assert preview["views"][0]["segments"]


def test_the_cost_is_that_of_the_messages_themselves(quick: Office) -> None:
    sha256 = quick.desk.recording(60_000)
    cost = ask(quick)["views"][0]["cost"]
    assert (cost["recording_bytes"], cost["recording_estimated"]) == (240_000, False)
    made = quick.approved(title="Lịch tiêm phòng đợt 2")
    desk = quick.desk
    composer = Composer(db=desk.db, clock=desk.clock, key=desk.key, journal=desk.journal, air=Airwaves())
    pointer = composer.programme(COMMUNE)
    assert pointer is not None
    assert 0 < cost["message_bytes"] - pointer.size_bytes < 700
    assert 0 < cost["report_bytes"] < 2_000
    assert cost["total_bytes"] == cost["recording_bytes"] + cost["message_bytes"] + cost["report_bytes"]
    again = ask(quick, recording=sha256, title="Nhắc lại")["views"][0]["cost"]
    assert again["recording_bytes"] == 0
    assert made["document"]["source"]["recording"] == sha256


def test_a_sound_that_is_yet_to_be_made_is_reckoned_from_its_length(quick: Office) -> None:
    cost = ask(quick, recording=None, duration_ms=480_000)["views"][0]["cost"]
    assert (cost["recording_bytes"], cost["recording_estimated"]) == (1_920_000, True)
    problem = quick.mai.refused(422, "POST", "/previews", {"area": COMMUNE, "plan": {}})
    assert problem["code"] == "duration_missing"


def test_a_preview_changes_nothing(quick: Office) -> None:
    bulletin = quick.mai.submitted(quick.desk.draft())
    ask(quick)
    assert quick.hoa.get("/broadcasts")["items"] == []
    assert quick.desk.town.publisher.programmes == []
    quick.hoa.post(f"/bulletins/{bulletin['id']}/approve", headers=match(bulletin))


def test_nobody_previews_for_an_area_in_which_they_may_not_write(quick: Office) -> None:
    content = {"area": PROVINCE, "duration_ms": 1000, "plan": {"audience": [PROVINCE], "when": "now"}}
    assert quick.mai.refused(404, "POST", "/previews", content)["code"] == "no_such_area"
