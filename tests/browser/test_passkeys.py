"""Passkeys in a real browser, with Chromium's software authenticator on a phone's screen."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Page, expect

from loa.controller.core.access import Grant, Person, Role
from loa.controller.core.sample import COMMUNE
from loa.controller.store.papers import binder
from loa.controller.store.people import replace_grants
from loa.controller.store.programmes import contents_of
from loa.controller.store.tree import read_tree
from loa.node_agent.core.belief import Belief
from loa.protocol.broadcast import Entry
from loa.protocol.charter import appoint
from loa.protocol.errors import UnapprovedError
from loa.protocol.ids import AreaId, NodeId
from loa.protocol.keys import KeyRing, SigningKey
from loa.protocol.programme import Config
from loa.schedules.policy import default_policy
from tests.browser.authenticator import Authenticator
from tests.browser.conftest import PHONE, Desk
from tests.browser.site import Site, running_site
from tests.browser.steps import ask_for, choose, submit, type_a_text
from tests.passwords import PASSWORD

pytestmark = pytest.mark.browser
ROOT = SigningKey.generate()
NODE = NodeId("cum-1")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with running_site(tmp_path_factory.mktemp("site"), root_key=ROOT.public.x) as running:
        yield running


def test_a_passkey_is_made_named_and_put_away_on_a_phone(desk: Desk, site: Site) -> None:
    page = desk.sign_in("hoa", "/me/passkeys", viewport=PHONE)
    phone = Authenticator(page)
    expect(page.locator("h2#my-keys")).to_have_text("Bạn chưa có khóa nào")
    page.fill("#name", "Điện thoại của Hòa")
    page.get_by_role("button", name="Tạo khóa").click()
    expect(page.locator(".notice-ok")).to_contain_text("Đã có khóa")
    expect(page.locator(".key-row b")).to_have_text(["Điện thoại của Hòa"])
    with site.controller.db.look() as session:
        (kept,) = site.controller.passkeys.of(session, Person("hoa", "hoa", frozenset()))
    assert len(phone.credentials()) == 1
    page.get_by_role("button", name="Tạo khóa").click()
    expect(page.locator("[data-passkey-problem=known]")).to_be_visible()
    page.locator(".key-row summary").click()
    page.fill(f"#name-{kept.id}", "Máy cũ")
    page.get_by_role("button", name="Đổi tên", exact=True).click()
    expect(page.locator(".key-row b")).to_have_text(["Máy cũ"])
    page.locator(".key-row summary").click()
    page.get_by_role("button", name="Mất máy").click()
    expect(page.locator("h2#my-keys")).to_have_text("Bạn chưa có khóa nào")


def test_who_cannot_prove_to_be_the_owner_is_told_what_to_do(desk: Desk) -> None:
    page = desk.sign_in("hanh", "/me/passkeys", viewport=PHONE)
    Authenticator(page).touched_by_a_stranger()
    page.get_by_role("button", name="Tạo khóa").click()
    expect(page.locator("[data-passkey-problem=cancelled]")).to_contain_text("Bấm lại khi sẵn sàng")
    expect(page.get_by_role("button", name="Tạo khóa")).to_be_enabled()


def test_under_another_address_the_page_leads_to_the_right_one(desk: Desk, site: Site) -> None:
    other = site.direct
    desk.watch.url = "https://"
    page = desk.open("/signin", base_url=other, viewport=PHONE)
    page.fill("#user", "tam")
    page.fill("#password", PASSWORD)
    page.click("main button:has-text('Đăng nhập')")
    page.wait_for_url(f"{other}/")
    page.goto("/me/passkeys")
    expect(page.locator("[data-passkey-origin]")).to_have_attribute("href", f"{site.url}/me/passkeys")


@dataclass
class Commune:
    """Hoa and Tam approve; Hanh and Tam keep the papers. Each has a phone with a passkey in it."""

    site: Site
    phones: dict[str, Page]

    def appoint(self) -> None:
        """As `loa-controller root request`, `appoint` and `import` do."""
        controller = self.site.controller
        with controller.db.look() as session:
            wanted = controller.papers.request(session, AreaId(COMMUNE), ("hanh", "tam"))
        with controller.db.work() as work:
            replace_grants(work.session, "tam", [Grant(AreaId(COMMUNE), Role.APPROVER)])
            controller.papers.take(work, "terminal", appoint(wanted, ROOT))

    def sign_papers(self) -> None:
        """Hanh composes and signs both, then Tam does; each on the own phone."""
        hanh, tam = self.phones["hanh"], self.phones["tam"]
        hanh.goto("/admin/trust")
        hanh.get_by_role("button", name="Lập bản để ký").click()
        for keeper, done in ((hanh, "chờ người giữ khóa thứ hai"), (tam, "Đủ hai chữ ký")):
            keeper.goto("/admin/trust")
            for paper in ("Ký Sổ người duyệt", "Ký Quy chế cụm loa"):
                keeper.get_by_role("button", name=paper).click()
                expect(keeper.get_by_role("button", name=paper)).to_have_count(0)
                expect(keeper.locator(".notice-ok")).to_contain_text(done)

    def entry(self) -> Entry:
        """The only broadcast of the commune."""
        controller = self.site.controller
        with controller.db.look() as session:
            (entry,) = contents_of(session, AreaId(COMMUNE), (), controller.clock.now()).entries
        return entry

    def believes(self, entry: Entry) -> bool:
        """Whether the node takes it in, with the papers that it is sent now."""
        controller = self.site.controller
        with controller.db.look() as session:
            areas = read_tree(session).areas_of(NODE)
            papers = binder(session).of(NODE, areas)
        config = Config(
            node=NODE,
            version=1,
            issued_at=controller.clock.now(),
            areas=tuple(areas),
            policy=default_policy(),
            papers=papers,
        )
        belief = Belief(NODE, KeyRing([controller.key.public]), ROOT.public)
        try:
            belief.check(entry, belief.bind(None, config))
        except UnapprovedError:
            return False
        return True


def test_an_approval_by_passkey_is_what_the_node_believes(desk: Desk, site: Site) -> None:
    commune = Commune(site, {user: _with_a_passkey(desk, user) for user in ("hanh", "tam", "hoa")})
    commune.appoint()
    commune.sign_papers()
    author, approver = desk.sign_in("hanh"), commune.phones["hoa"]
    type_a_text(author, "Lịch tiêm phòng đợt 2")
    choose(author, COMMUNE)
    ask_for(author, "10:00")
    approver.goto(submit(author))
    approver.get_by_role("button", name="Ký duyệt bằng khóa cá nhân").click()
    expect(approver.locator(".notice-ok")).to_contain_text("Đã duyệt")
    entry = commune.entry()
    word, signed = entry.approvals
    assert (word.kind, signed.kind) == ("controller", "passkey")
    assert commune.believes(entry)
    assert not commune.believes(entry.model_copy(update={"approvals": (word,)}))
    altered = entry.document.replace("T10:00", "T03:15")
    assert altered != entry.document
    assert not commune.believes(Entry(document=altered, approvals=(signed,), issued_at=entry.issued_at))
    _lose_the_phone(approver)
    commune.sign_papers()
    assert not commune.believes(entry)


def _with_a_passkey(desk: Desk, user: str) -> Page:
    page = desk.sign_in(user, "/me/passkeys", viewport=PHONE)
    Authenticator(page)
    page.get_by_role("button", name="Tạo khóa").click()
    expect(page.locator(".notice-ok")).to_contain_text("Đã có khóa")
    return page


def _lose_the_phone(page: Page) -> None:
    """Tell so on the page of passkeys."""
    page.goto("/me/passkeys")
    page.locator(".key-row summary").click()
    page.get_by_role("button", name="Mất máy").click()
    expect(page.locator(".notice-ok")).to_contain_text("Đã bỏ khóa")
