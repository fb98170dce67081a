"""The emergency page and the drill page: held, let go, by keyboard, by two buttons, without JavaScript."""

from datetime import datetime, timedelta

import pytest
from playwright.sync_api import Page, expect

from loa.controller.core.access import Grant, Person, Role
from loa.controller.core.presence import Presence
from loa.controller.core.sample import COMMUNE, SAMPLE, VILLAGES
from loa.controller.core.standing_texts import TEXTS
from loa.controller.services.areas import AreaChange
from loa.controller.services.broadcasts import BroadcastFilter
from loa.controller.store.heard import Known, store_known
from loa.protocol.broadcast import Broadcast
from loa.protocol.ids import BootId, BroadcastId, NodeId, occurrence_id
from loa.protocol.kinds import StandingMessage
from loa.protocol.policy import Policy
from loa.protocol.reasons import ClockState
from loa.protocol.reports import Detail, State
from loa.protocol.units import to_whole_ms
from loa.schedules.policy import default_policy
from tests.browser.conftest import DESK, PHONE, Desk
from tests.browser.site import Site
from tests.browser.steps import held_back
from tests.controller.policies import hours

pytestmark = pytest.mark.browser
HOA = Person("hoa", "Nguyễn Văn Hòa", frozenset({Grant(COMMUNE, Role.APPROVER)}))
WIDEST = next(one.id for one in SAMPLE if one.parent_id is None)
ADMIN = Person("admin", "Quản trị", frozenset({Grant(WIDEST, Role.ADMIN)}))
SAID = "Cầu treo bị trôi. Bà con không qua suối."


@pytest.fixture(scope="module", autouse=True)
def standing(site: Site) -> None:
    """No hour is quiet, as drills are refused then; and there is the flood message, as after a start."""
    (version,) = hours("00:00", "24:00").versions
    soon = to_whole_ms(site.controller.clock.now() + timedelta(seconds=1))
    policy = Policy(
        versions=(*default_policy().versions, version.model_copy(update={"effective_from": soon}))
    )
    with site.controller.db.work() as work:
        site.controller.areas.change(work, ADMIN, COMMUNE, AreaChange(policy=policy))
    kept = site.controller.recordings.make_alarm("controller", TEXTS[StandingMessage.FLOOD])
    with site.controller.db.work() as work:
        site.controller.standing.replace(work, ADMIN, StandingMessage.FLOOD, kept.sha256)


def broadcasts(desk: Desk) -> list[Broadcast]:
    """The last approved first."""
    controller = desk.site.controller
    with controller.db.look() as session:
        found = controller.broadcasts.find(session, HOA, BroadcastFilter(), cursor=None, limit=50)
    return [one.broadcast for one in found.scheduled]


def say(desk: Desk, node: NodeId, broadcast: Broadcast, first_start_at: datetime) -> None:
    """Let a node tell that it sounds this, as its state message would."""
    now = desk.site.controller.clock.now()
    state = State(
        node=node,
        boot_id=BootId("0" * 32),
        at=now,
        detail=Detail.COMPACT,
        sounding=occurrence_id(broadcast.id, first_start_at),
        clock=ClockState.TRUSTED,
    )
    with desk.site.controller.db.work() as work:
        store_known(work.session, [Known(node, state, now, Presence.CONNECTED)], now)


def choose(page: Page, message: str) -> None:
    page.check(f"input[name=say][value={message}]")


def hold(page: Page) -> None:
    page.locator("[data-hold]").hover()
    page.mouse.down()


def test_an_alarm_is_held_and_then_followed_node_by_node_and_withdrawn(desk: Desk) -> None:
    before = len(broadcasts(desk))
    page = desk.sign_in("hoa", "/emergency", viewport=DESK)
    choose(page, "flood")
    heard = page.locator("#heard")
    expect(heard).to_contain_text("Còi hụ 4 giây, rồi giọng đọc")
    expect(heard).to_contain_text("Nước lũ đang lên nhanh")
    expect(heard).to_contain_text("Cụm 1, Cụm 2, Cụm 3 và 1 cụm khác: mất liên lạc")
    expect(page.locator("#alarm-sum")).to_have_text("Lũ lên nhanh · Xã Lãng Công, 4 cụm loa")
    hold(page)
    page.wait_for_url("**/emergency/*")
    page.mouse.up()
    made = broadcasts(desk)[0]
    assert len(broadcasts(desk)) == before + 1
    assert (made.class_, made.drill, made.audience) == ("emergency", None, (COMMUNE,))
    expect(page.locator("h1")).to_have_text("Đang phát khẩn cấp: Lũ lên nhanh")
    with desk.site.controller.db.look() as session:
        start = desk.site.controller.broadcasts.get(session, HOA, made.id).first_start_at
    say(desk, NodeId("cum-1"), made, start)
    expect(page.locator(".alarm-state")).to_have_text("1 trên 4 cụm loa đang phát")
    page.get_by_text("Rút tin này").click()
    page.get_by_role("button", name="Rút ngay").click()
    expect(page.locator(".notice-warn")).to_contain_text("Đã rút lúc")


def test_letting_go_early_sends_nothing(desk: Desk) -> None:
    before = len(broadcasts(desk))
    page = desk.sign_in("hoa", "/emergency", viewport=PHONE)
    choose(page, "flood")
    expect(page.locator("#alarm-sum")).to_contain_text("Lũ lên nhanh")
    hold(page)
    expect(page.locator("[data-hold]")).to_contain_text("Giữ thêm 1 giây")
    page.mouse.up()
    expect(page.locator("[data-hold]")).to_contain_text("Giữ 2 giây để phát thật")
    page.locator("[data-hold]").click()
    assert page.url.endswith("/emergency")
    assert len(broadcasts(desk)) == before


def test_a_drill_by_keyboard_in_one_village_of_a_typed_text(desk: Desk) -> None:
    page = desk.sign_in("hoa", "/drill", viewport=PHONE)
    choose(page, "text")
    page.fill("#text", SAID)
    page.check("input[name=where][value=some]")
    page.check(f"input[name=area][value={VILLAGES[1]}]")
    expect(page.locator("#heard")).to_contain_text("Đây là diễn tập. Đây là diễn tập.")
    page.get_by_role("button", name="Nghe trên máy này").click()
    expect(page.locator("#heard audio")).to_be_visible()
    page.wait_for_load_state()
    page.locator("[data-hold]").focus()
    page.keyboard.down("Space")
    for spot in (20, 200, 20):  # a mouse that rests elsewhere, while what is under it moves
        page.mouse.move(spot, spot)
    page.wait_for_url("**/drill/*")
    page.keyboard.up("Space")
    made = broadcasts(desk)[0]
    assert (made.class_, made.drill, made.audience) == ("priority", True, (VILLAGES[1],))
    sound = desk.site.controller.recordings.get(made.source.recording)
    assert sound.origin == "drill"
    expect(page.locator("h1")).to_contain_text("diễn tập")
    assert page.goto(f"/emergency/{made.id}").status == 404  # type: ignore[union-attr]  # it answers


def test_a_text_is_heard_although_the_page_still_asks_who_will_hear_it(desk: Desk) -> None:
    page = desk.sign_in("hoa", "/drill", viewport=PHONE)
    choose(page, "text")
    page.fill("#text", "Đập tràn đã mở.")
    expect(page.locator("#heard")).to_contain_text("Đập tràn đã mở.")

    asked = held_back(page, "**/drill")
    with page.expect_request("**/drill"):
        page.check("input[name=where][value=some]")
    page.get_by_role("button", name="Nghe trên máy này").click()
    for route in asked:
        route.continue_()
    page.unroute("**/drill")
    expect(page.locator("#heard audio")).to_be_visible()


@pytest.mark.parametrize("path", ["/emergency", "/drill"])
def test_both_pages_work_without_javascript_by_two_buttons_once(desk: Desk, path: str) -> None:
    before = len(broadcasts(desk))
    page = desk.sign_in("hoa", path, viewport=PHONE, java_script_enabled=False)
    choose(page, "flood")
    page.get_by_role("button", name="Bấm lần một").click()
    expect(page.locator("input[name=say][value=flood]")).to_be_checked()
    key = page.locator("input[name=key]").input_value()
    csrf = page.locator("input[name=csrf]").first.input_value()
    assert len(broadcasts(desk)) == before
    page.get_by_role("button", name="Bấm lần hai").click()
    page.wait_for_url(f"**{path}/*")
    first = page.url
    again = page.request.post(
        path,
        form={"csrf": csrf, "key": key, "say": "flood", "where": COMMUNE, "gesture": "twice"},
        headers={"origin": desk.site.url},
    )
    assert again.url == first
    assert len(broadcasts(desk)) == before + 1
    assert BroadcastId(first.rpartition("/")[2]) == broadcasts(desk)[0].id


def test_who_may_not_is_told_and_not_shown_the_way(desk: Desk) -> None:
    page = desk.sign_in("hanh", "/log")
    expect(page.locator("a[href='/emergency']")).to_have_count(0)
    for path in ("/emergency", "/drill"):
        answer = page.goto(path)
        assert answer is not None
        assert answer.status == 403
        expect(page.locator("h1")).to_contain_text("Bạn chưa có quyền phát khẩn cấp")
