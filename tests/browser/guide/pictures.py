"""The pages of the guide: who looks at each, on what, and how one comes to it."""

import base64
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from playwright.sync_api import Page, expect

from loa.controller.core.access import Grant, Person, Role
from loa.controller.core.factors import STEP_S, code_at
from loa.controller.core.sample import COMMUNE, VILLAGES
from loa.controller.services.alarms import Wish
from loa.controller.store.heard import known_nodes, store_known
from loa.protocol.ids import NodeId, OccurrenceId, occurrence_id
from loa.protocol.kinds import StandingMessage
from tests.browser.conftest import DESK, PHONE
from tests.browser.guide.scene import DISTRICT, INVITED, LOST, NODES, NOW, PROVINCE, Scene
from tests.passwords import PASSWORD

OUTSIDE = ""
"""Nobody is signed in."""
TALLEST = {PHONE["width"]: 1_500, DESK["width"]: 1_300}
"""Pixels: what is below is not needed to know the page again."""

Steps = Callable[[Page, Scene], None]


@dataclass(frozen=True, slots=True)
class Picture:
    """One page of the console, as one reader sees it."""

    name: str
    """Of its files."""
    page: str
    """Its address, as the route writes it."""
    who: str
    screen: dict[str, int]
    query: str = ""
    of: Mapping[str, str] = field(default_factory=dict)
    """What its address names, where that is not the scene's usual; a key of the scene's ids, or an id."""
    steps: Steps | None = None
    """How one comes to it, or what is done on it, where its address alone is not enough."""

    def address(self, ids: Mapping[str, str]) -> str:
        """With what is there in the place of each name; nothing is, where the steps lead to the page."""
        known = dict(ids) | {name: ids.get(what, what) for name, what in self.of.items()}
        if not set(re.findall(r"{(\w+)", self.page)) <= set(known):
            return ""
        return re.sub(r"{(\w+)[^}]*}", lambda name: known[name[1]], self.page) + self.query


def _listened(page: Page, _scene: Scene) -> None:
    expect(page.locator(".read-back")).to_be_visible()


def _previewed(page: Page, _scene: Scene) -> None:
    expect(page.locator(".block-mine").first).to_be_visible()


def _added(page: Page, _scene: Scene) -> None:
    page.goto("/nodes/new")
    page.fill("#name", "Ngõ Chùa")
    page.select_option("#parent", VILLAGES[0])
    page.get_by_role("button", name="Lấy mã kết nối").click()
    page.wait_for_url("**/enrol")
    expect(page.locator("svg.qr")).to_be_visible()


def _flooded(page: Page, _scene: Scene) -> None:
    page.check("input[name=say][value=flood]", force=True)
    expect(page.locator("#heard")).to_contain_text("Nước lũ đang lên nhanh")


def _drilled(page: Page, scene: Scene) -> None:
    _alarmed(page, scene, drill=True)


def _warned(page: Page, scene: Scene) -> None:
    _alarmed(page, scene, drill=False)


def _alarmed(page: Page, scene: Scene, *, drill: bool) -> None:
    """Sounding at every loudspeaker that is there."""
    controller = scene.site.controller
    wish = Wish(message=StandingMessage.FLOOD, text="", audience=(COMMUNE,), drill=drill)
    ready = controller.alarms.ready(HOA, wish)
    with controller.db.work() as work:
        made = controller.alarms.sound(work, HOA, ready).scheduled
    _say(scene, occurrence_id(made.id, made.first_start_at))
    page.goto(f"/{'drill' if drill else 'emergency'}/{made.id}")
    expect(page.locator(".alarm-state")).to_contain_text("6 trên 8 cụm loa")


def _stopped(page: Page, scene: Scene) -> None:
    silence = scene.site.controller.silences.silence(HOA, COMMUNE, timedelta(minutes=15)).silence
    _say(scene, None)
    page.goto(f"/stop/{COMMUNE}/{silence.id}")


def _say(scene: Scene, sounding: OccurrenceId | None) -> None:
    """Every loudspeaker that is there tells that it sounds this now, or nothing."""
    db = scene.site.controller.db
    with db.work() as work:
        known = known_nodes(work.session, [NodeId(node) for node in NODES])
        said = [
            replace(one, state=one.state.model_copy(update={"sounding": sounding}))
            for one in known
            if one.state is not None and one.node != LOST
        ]
        store_known(work.session, said, NOW)


def _begun(page: Page, scene: Scene) -> None:
    page.goto("/setup")
    fields = {"code": scene.ids["code"], "name": "Nguyễn Văn Hòa", "user": "hoa"}
    for name, text in (fields | {"password": PASSWORD, "again": PASSWORD}).items():
        page.fill(f"#{name}", text)
    page.click("main .button-main")
    page.wait_for_url("**/setup/area")


def _invited(page: Page, scene: Scene) -> None:
    controller = scene.site.controller
    with controller.db.work() as work:
        invitation = controller.invitations.open(work, QUAN, INVITED)
    page.goto(f"/invite/{invitation.secret}")


def _asked_for_a_code(page: Page, scene: Scene) -> None:
    """Lan has a second factor from now on."""
    controller, now = scene.site.controller, scene.clock.now()
    with controller.db.work() as work:
        fresh = controller.second.begin(work, LAN)
        secret = base64.b32decode(fresh.spelt.replace(" ", ""))
        controller.second.confirm(work, LAN, code_at(secret, int(now.timestamp()) // STEP_S))
    page.goto("/signin")
    page.fill("#user", LAN.user_id)
    page.fill("#password", PASSWORD)
    page.click("main button:has-text('Đăng nhập')")
    page.wait_for_url("**/signin/code**")


LAN = Person("lan", "Phạm Thị Lan", frozenset({Grant(DISTRICT, Role.SUPERVISOR)}))
QUAN = Person("quan", "Đỗ Văn Quân", frozenset({Grant(PROVINCE, Role.ADMIN)}))
HOA = Person("hoa", "Nguyễn Văn Hòa", frozenset({Grant(COMMUNE, Role.APPROVER)}))
ADMIN = "quan"
WAITS = {"bulletin_id": "submitted"}
MOVED = "?was=2026-06-12T17:20:00&back=/schedule"
MERGED = f"?gone={VILLAGES[1]}"
FIRST_RUN: Sequence[Picture] = (
    Picture("setup", "/setup", OUTSIDE, DESK),
    Picture("setup-area", "/setup/area", OUTSIDE, DESK, steps=_begun),
)
"""Of a controller that nobody has set up, one after the other in one window."""
PICTURES: Sequence[Picture] = (
    Picture("signin", "/signin", OUTSIDE, PHONE),
    Picture("invite", "/invite/{secret}", OUTSIDE, PHONE, steps=_invited),
    Picture("recover", "/recover", OUTSIDE, PHONE),
    Picture("home", "/", "mai", PHONE),
    Picture("more", "/more", "mai", PHONE),
    Picture("what", "/bulletins/{bulletin_id}/what", "mai", PHONE, steps=_listened),
    Picture("new", "/bulletins/new", "mai", PHONE),
    Picture("where", "/bulletins/{bulletin_id}/where", "mai", PHONE),
    Picture("when", "/bulletins/{bulletin_id}/when", "mai", PHONE, steps=_previewed),
    Picture("bulletins", "/bulletins", "mai", PHONE),
    Picture("approvals", "/approvals", "hoa", PHONE),
    Picture("bulletin", "/bulletins/{bulletin_id}", "hoa", PHONE, of=WAITS, steps=_previewed),
    Picture("inbox", "/inbox", "hoa", PHONE),
    Picture("schedule", "/schedule", "mai", DESK),
    Picture("schedule-move", "/schedule/move/{bulletin_id}", "mai", PHONE, MOVED, WAITS),
    Picture("schedule-feed", "/schedule/feed", "mai", PHONE),
    Picture("stop", "/stop", "hoa", PHONE),
    Picture("emergency", "/emergency", "hoa", PHONE, steps=_flooded),
    Picture("drill", "/drill", "hoa", PHONE, steps=_flooded),
    Picture("me", "/me", "mai", PHONE),
    Picture("me-password", "/me/password", "mai", PHONE),
    Picture("me-second-factor", "/me/second-factor", "mai", PHONE),
    Picture("me-passkeys", "/me/passkeys", "mai", PHONE),
    Picture("nodes", "/nodes", "binh", PHONE),
    Picture("node", "/nodes/{node}", "binh", PHONE),
    Picture("node-new", "/nodes/new", "binh", PHONE),
    Picture("node-edit", "/nodes/{node}/edit", "binh", PHONE),
    Picture("node-volume", "/nodes/{node}/volume", "binh", PHONE),
    Picture("node-refuse", "/nodes/{node}/refuse", "binh", PHONE),
    Picture("node-retire", "/nodes/{node}/retire", "binh", PHONE),
    Picture("log", "/log", "lan", DESK, "?day=week&title=ban tin sang"),
    Picture("evidence", "/log/{occurrence}/{node}", "lan", DESK),
    Picture("log-export", "/log/export", "lan", DESK, "?day=week"),
    Picture("reports", "/reports", "lan", DESK),
    Picture("admin", "/admin", ADMIN, DESK),
    Picture("admin-areas", "/admin/areas", ADMIN, DESK),
    Picture("admin-area", "/admin/areas/{area}", ADMIN, DESK),
    Picture("admin-outline", "/admin/areas/{area}/outline", ADMIN, DESK),
    Picture("admin-merge", "/admin/areas/{area}/merge", ADMIN, DESK, MERGED, {"area": VILLAGES[0]}),
    Picture("admin-split", "/admin/areas/{area}/split", ADMIN, DESK),
    Picture("admin-people", "/admin/people", ADMIN, DESK),
    Picture("admin-person-new", "/admin/people/new", ADMIN, DESK),
    Picture("admin-person", "/admin/people/{user_id}", ADMIN, DESK),
    Picture("admin-policies", "/admin/policies", ADMIN, DESK),
    Picture("admin-policy", "/admin/policies/{area}", ADMIN, DESK),
    Picture("admin-policy-new", "/admin/policies/{area}/new", ADMIN, DESK),
    Picture("admin-audit", "/admin/audit", ADMIN, DESK),
    Picture("admin-trust", "/admin/trust", ADMIN, DESK),
    Picture("admin-backups", "/admin/backups", ADMIN, DESK),
    Picture("admin-settings", "/admin/settings", ADMIN, DESK),
    Picture("releases", "/nodes/releases", ADMIN, DESK),
    Picture("release-start", "/nodes/releases/{sha256}/start", ADMIN, DESK),
    Picture("welcome", "/welcome", ADMIN, DESK),
    # from here on each changes what the next ones show
    Picture("drill-live", "/drill/{broadcast}", "hoa", PHONE, steps=_drilled),
    Picture("emergency-live", "/emergency/{broadcast}", "hoa", PHONE, steps=_warned),
    Picture("stopped", "/stop/{area}/{silence}", "hoa", PHONE, steps=_stopped),
    Picture("node-enrol", "/nodes/{node}/enrol", "binh", PHONE, steps=_added),
    Picture("signin-code", "/signin/code", OUTSIDE, PHONE, steps=_asked_for_a_code),
)
"""In the order in which they are taken."""


def examples(scene: Scene) -> dict[str, str]:
    """What stands in an address, by the names of the routes."""
    return {
        "bulletin_id": scene.ids.get("draft", ""),
        "area": COMMUNE,
        "node": "cum-08",
        "user_id": "mai",
        **scene.ids,
    }
