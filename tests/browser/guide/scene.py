"""The commune of the guide's pictures: an afternoon that never ends, so that each page is always the same.

It is Thursday, 11 June 2026, 16:42. A bulletin sounds, one waits for approval, one was returned; of eight
loudspeakers one has a dead horn and one is lost. The people, villages and events are made up.
"""

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import ClassVar

from sqlmodel import delete

from loa.controller.core.access import Grant, Person, Role
from loa.controller.core.health import Point
from loa.controller.core.presence import Presence
from loa.controller.core.sample import COMMUNE, SAMPLE, VILLAGES
from loa.controller.core.sample_map import POSITIONS, sample_whereabouts
from loa.controller.core.standing_texts import TEXTS
from loa.controller.core.whereabouts import Contact, Whereabouts
from loa.controller.demo.office import Answer, Desk
from loa.controller.services.areas import NewArea
from loa.controller.services.people import NewUser
from loa.controller.store.health import store_points
from loa.controller.store.heard import Known, store_known
from loa.controller.store.tables import LogRow
from loa.node_agent.adapters.tls import web_context
from loa.protocol.health import Health
from loa.protocol.ids import AreaId, BootId, BroadcastId, NodeId, occurrence_id
from loa.protocol.keys import SigningKey
from loa.protocol.kinds import StandingMessage
from loa.protocol.reasons import ClockSource, ClockState
from loa.protocol.reports import Detail, Held, Output, State
from loa.protocol.units import SizeBytes
from tests.browser.site import Site
from tests.certificates import AUTHORITY
from tests.controller.log_factory import ears, log_line
from tests.fakes.controller import FakeClock
from tests.passwords import PASSWORD, hashed
from tests.protocol.bundles import make_bundle

NOW = datetime(2026, 6, 11, 9, 42, tzinfo=UTC)
BEFORE = datetime(2026, 5, 31, 2, 0, tzinfo=UTC)
"""When the daily bulletin was written."""
LONG_S = 480
DAYS = 11
"""So many mornings it has sounded."""
MORNING = timedelta(hours=-1, minutes=-30)
"""05:30 in Việt Nam, from midnight UTC."""
CALLED = "https://loa.langcong.example"
PROVINCE, DISTRICT = SAMPLE[0].id, SAMPLE[1].id
SILENT, LOST = NodeId("cum-08"), NodeId("cum-06")
NODES: Mapping[str, tuple[str, AreaId, tuple[float, float]]] = {
    "cum-01": ("Nhà văn hóa Thống Nhất", VILLAGES[0], (0.0, 0.0)),
    "cum-02": ("Gốc đa Thống Nhất", VILLAGES[0], (-0.008, -0.004)),
    "cum-03": ("Đầu làng Thống Nhất", VILLAGES[0], (0.006, 0.006)),
    "cum-04": ("Chợ Minh Tân", VILLAGES[1], (0.0, 0.0)),
    "cum-05": ("Trạm y tế Minh Tân", VILLAGES[1], (0.006, 0.006)),
    "cum-06": ("Suối Chùa 2", VILLAGES[1], (-0.006, 0.007)),
    "cum-07": ("Nhà văn hóa Phú Cường", VILLAGES[2], (0.0, 0.0)),
    "cum-08": ("Đồng Chăm", VILLAGES[2], (-0.005, 0.010)),
}
INVITED = "thu"
"""Who has not chosen a password yet."""
PEOPLE = (
    ("mai", "Nguyễn Thị Mai", "0900 000 011", ((COMMUNE, Role.OFFICIAL),)),
    ("hoa", "Nguyễn Văn Hòa", "0900 000 012", ((COMMUNE, Role.APPROVER),)),
    ("binh", "Trần Văn Bình", "0900 000 013", ((COMMUNE, Role.TECHNICIAN),)),
    ("lan", "Phạm Thị Lan", "0900 000 014", ((DISTRICT, Role.SUPERVISOR),)),
    ("son", "Lê Hồng Sơn", None, ((DISTRICT, Role.OFFICIAL),)),
    ("ha", "Vũ Thị Hà", None, ((DISTRICT, Role.APPROVER),)),
    ("thu", "Lê Thị Thu", None, ((COMMUNE, Role.OFFICIAL),)),
    ("quan", "Đỗ Văn Quân", "0900 000 015", ((PROVINCE, Role.ADMIN),)),
)
VACCINE = (
    "Kính thưa bà con. Trạm Y tế xã tổ chức tiêm phòng từ 7h30 ngày 15/6 tại Nhà văn hóa thôn. "
    "Đề nghị mang theo CCCD."
)
MEETING = "Mời bà con thôn Phú Cường họp lúc 19h30 ngày 13/6 tại Nhà văn hóa thôn. Xin cảm ơn."
CUT = "Từ 8h đến 11h30 ngày 13/6 điện lực cắt điện để sửa đường dây. Mong bà con thông cảm."
TAX = "Hạn nộp thuế đất phi nông nghiệp là ngày 30/6. Mời bà con đến UBND xã trong giờ hành chính."
STORM = "Huyện nhắc bà con chằng chống nhà cửa trước mùa mưa bão. Chi tiết theo CV số 12/UBND."


WORDS_OF_PEOPLE = (
    *(VACCINE, MEETING, CUT, TAX, STORM),
    *(word for user, name, _phone, _roles in PEOPLE for word in (user, name)),
    *(name for name, _village, _spot in NODES.values()),
    *(one.name for one in SAMPLE),
    *("khu vực", "ban đêm"),  # in the sources of the policy that holds everywhere
    "mười ba",  # as the voice reads 13
)
"""What is written on the pages and is not the console's."""


@dataclass(frozen=True, slots=True)
class Office:
    """Who writes and approves, each at the API."""

    USERS: ClassVar = ("mai", "hoa", "son", "ha")

    mai: Desk
    hoa: Desk
    son: Desk
    ha: Desk


@contextmanager
def _at_work(site: Site, user: str) -> Iterator[Desk]:
    desk = Desk(site.direct, user, PASSWORD, web_context(AUTHORITY.pem))
    yield desk
    desk.leave()


@dataclass
class Scene:
    """The site, furnished, and what its pages are about."""

    site: Site
    clock: FakeClock
    ids: dict[str, str] = field(default_factory=dict)
    """By name: bulletins, broadcasts and so on, for addresses."""


def furnish(site: Site, clock: FakeClock, folder: Path) -> Scene:
    """Put all in its place; the clock stands at `NOW` afterwards."""
    scene = Scene(site, clock)
    clock.at = BEFORE
    _settle(scene)
    with ExitStack() as desks:
        office = Office(*(desks.enter_context(_at_work(site, user)) for user in Office.USERS))
        sound = str(office.mai.upload(_long_sound(folder))["sha256"])
        _write_daily(scene, office, sound)
        clock.at = NOW - timedelta(hours=8)
        _write_what_is_past(scene, office, sound)
        clock.at = NOW - timedelta(minutes=20)
        _write_what_is_open(scene, office)
    clock.at = NOW
    _let_nodes_speak(scene)
    _fill_log(scene)
    _give_alarms(scene)
    return scene


def _settle(scene: Scene) -> None:
    controller = scene.site.controller
    with controller.db.work() as work:
        for one in SAMPLE:
            new = NewArea(id=one.id, name=one.name, kind=one.kind, parent_id=one.parent_id)
            controller.areas.insert(work, "quan", new)
        for user, name, phone, roles in PEOPLE:
            grants = frozenset(Grant(area, role) for area, role in roles)
            password = None if user == INVITED else hashed()
            new_user = NewUser(id=user, name=name, password=password, phone=phone, grants=grants)
            controller.people.insert(work, "quan", new_user)
        for known in sample_whereabouts():
            controller.whereabouts.insert(work, "quan", known)
        for node, (name, village, (north, east)) in NODES.items():
            code = controller.nodes.insert(work, "quan", name=name, parent=village, node=node)
            controller.nodes.enrol(work, code.code, SigningKey.generate().public.x, source="test")
            spot = POSITIONS[village]
            position = type(spot)(lat=round(spot.lat + north, 6), lon=round(spot.lon + east, 6))
            contact = Contact("Lê Văn Tám", "0900 000 001")
            controller.whereabouts.insert(
                work, "quan", Whereabouts(area=AreaId(node), position=position, contact=contact)
            )


def _write_daily(scene: Scene, office: Office, sound: str) -> None:
    daily = {"tz": "Asia/Ho_Chi_Minh", "start_local": "2026-06-01T05:30:00", "rrule": "FREQ=DAILY"}
    wish = _wish("Bản tin sáng", sound, "news", area=COMMUNE, when=daily)
    scene.ids["daily"] = _approved(office.mai, office.hoa, wish)


def _write_what_is_past(scene: Scene, office: Office, sound: str) -> None:
    """What sounds now and later today, and what the district sent."""
    mai, hoa = office.mai, office.hoa
    fee = _wish("Thu phí vệ sinh môi trường", sound, "environment", area=COMMUNE, when=_once("11T16:40"))
    scene.ids["now"] = _approved(mai, hoa, fee)
    scene.clock.forward(seconds=1)
    vaccine = _said(mai, "Lịch tiêm phòng đợt 2", VACCINE, "health", area=COMMUNE, when=_once("11T17:30"))
    scene.ids["later"] = _approved(mai, hoa, vaccine)
    son, ha = office.son, office.ha
    storm = _said(son, "Chuẩn bị mùa mưa bão", STORM, "disaster", area=DISTRICT, when=_once("12T17:00"))
    scene.ids["sent"] = _approved(son, ha, storm)


def _write_what_is_open(scene: Scene, office: Office) -> None:
    mai, hoa = office.mai, office.hoa
    meeting = _said(mai, "Họp thôn Phú Cường", MEETING, "culture", area=VILLAGES[2], when=_once("12T17:20"))
    scene.ids["submitted"] = _submitted(mai, meeting)["id"]
    tax = _submitted(mai, _said(mai, "Hạn nộp thuế đất", TAX, "land", area=COMMUNE, when=_once("12T05:45")))
    hoa.post(f"/bulletins/{tax['id']}/return", {"comment": "Ghi rõ địa điểm nộp."}, etag=_etag(tax))
    scene.ids["returned"] = tax["id"]
    cut = _said(mai, "Cắt điện thôn Thống Nhất", CUT, "utilities", area=VILLAGES[0], when=_once("12T17:45"))
    scene.ids["draft"] = mai.post("/bulletins", cut)["id"]


def _long_sound(folder: Path) -> Path:
    """As somebody recorded it; so long that it still sounds at `NOW`."""
    path = folder / "thu-phi.mp3"
    tones = f"aevalsrc=0.2*sin(2*PI*300*t)*(1+sin(2*PI*t)):d={LONG_S}:s=16000"
    command = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", tones, str(path)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return path


def _once(day_and_time: str) -> Answer:
    return {"tz": "Asia/Ho_Chi_Minh", "start_local": f"2026-06-{day_and_time}:00"}


def _said(who: Desk, title: str, text: str, about: str, *, area: AreaId, when: Answer) -> Answer:
    spoken = who.post("/speech", {"text": text, "chime": True, "closing": True})["recording"]["sha256"]
    return _wish(title, str(spoken), about, area=area, when=when) | {"text": text}


def _wish(title: str, recording: str, about: str, *, area: AreaId, when: Answer) -> Answer:
    return {
        "area": area if area == DISTRICT else COMMUNE,
        "title": title,
        "field": about,
        "recording": recording,
        "plan": {"audience": [area], "when": when},
    }


def _submitted(who: Desk, wish: Answer) -> Answer:
    made = who.post("/bulletins", wish)
    return who.post(f"/bulletins/{made['id']}/submit", etag=_etag(made))


def _approved(who: Desk, by: Desk, wish: Answer) -> str:
    """The broadcast's id."""
    made = _submitted(who, wish)
    return str(by.post(f"/bulletins/{made['id']}/approve", etag=_etag(made))["broadcast"]["id"])


def _etag(bulletin: Answer) -> str:
    return f'"{bulletin["revision"]}"'


def _let_nodes_speak(scene: Scene) -> None:
    controller = scene.site.controller
    with controller.db.work() as work:
        store_known(work.session, [_known(scene, NodeId(node)) for node in NODES], NOW)
        for hours in range(48, -1, -1):
            at = (NOW - timedelta(hours=hours)).replace(minute=0)
            point = Point(at, _health(at), SizeBytes(2_400_000_000))
            store_points(work.session, {NodeId(node): point for node in NODES if node != LOST})


def _known(scene: Scene, node: NodeId) -> Known:
    heard_at = NOW - timedelta(hours=2, minutes=37) if node == LOST else NOW
    sounding = occurrence_id(BroadcastId(scene.ids["now"]), NOW - timedelta(minutes=2))
    state = State(
        held={COMMUNE: Held(programme=1)},
        node=node,
        boot_id=BootId("0" * 32),
        at=heard_at,
        detail=Detail.FULL,
        clock=ClockState.TRUSTED,
        clock_source=ClockSource.NTP,
        output=Output(is_open=True),
        agent="0.2.0",
        free_bytes=SizeBytes(2_400_000_000),
        health=_health(heard_at),
        sounding=None if node == LOST else sounding,
    )
    return Known(node, state, heard_at, Presence.LOST if node == LOST else Presence.CONNECTED)


def _health(at: datetime) -> Health:
    return Health(
        temperature_c=46.0 + (at.hour % 12) * 0.8,
        memory_free_bytes=SizeBytes(310_000_000),
        clock_offset_ms=12,
        signal_pct=70 + at.hour % 5,
        bytes_month=SizeBytes(4_000_000 * at.day + 100_000 * at.hour),
        forecast_bytes=SizeBytes(130_000_000),
        budget_bytes=SizeBytes(500_000_000),
    )


def _fill_log(scene: Scene) -> None:
    """Eleven mornings as the nodes reported them, and the lines that wait for a report."""
    controller = scene.site.controller
    lines = [line for day in range(1, DAYS + 1) for line in _morning(scene, day)]
    with controller.db.work() as work:
        work.session.exec(delete(LogRow))
        work.session.add_all(lines)
    controller.log.expect(frozenset({COMMUNE}))
    controller.log.mark_missed()
    last = [line for line in lines if line.node_id == SILENT][-1]
    scene.ids["occurrence"] = last.occurrence


def _morning(scene: Scene, day: int) -> Iterator[LogRow]:
    planned_at = datetime(2026, 6, day, tzinfo=UTC) + MORNING
    for node, (_name, village, _spot) in NODES.items():
        broken = node == SILENT and day >= DAYS - 1
        away = node == LOST and day in {4, 5}
        heard = 0 if broken else 44
        facts = {} if away else ears(heard=heard, judged=44)
        place = f"Tỉnh Vĩnh Phúc / Huyện Sông Lô / Xã Lãng Công / {_village(village)}"
        yield log_line(
            planned_at,
            node,
            "missed" if away else "complete",
            title="Bản tin sáng",
            field="news",
            area_id=village,
            above=(PROVINCE, DISTRICT, COMMUNE),
            broadcast_id=scene.ids["daily"],
            place=place,
            **facts,
        )


def _village(area: AreaId) -> str:
    return next(one.name for one in SAMPLE if one.id == area)


def _give_alarms(scene: Scene) -> None:
    """The standing messages, and a release that nodes may be brought to."""
    controller = scene.site.controller
    admin = Person("quan", "Đỗ Văn Quân", frozenset({Grant(PROVINCE, Role.ADMIN)}))
    for message in (StandingMessage.FLOOD, StandingMessage.EVACUATION):
        kept = controller.recordings.make_alarm("controller", TEXTS[message])
        with controller.db.work() as work:
            controller.standing.replace(work, admin, message, kept.sha256)
    with controller.releases.receive() as incoming:
        incoming.write(make_bundle())
        scene.ids["sha256"] = controller.releases.finish(admin, incoming).sha256
