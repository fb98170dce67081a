"""Administration: what there is to do, and how it stands."""

from collections.abc import Iterator
from dataclasses import dataclass

from fastapi import APIRouter, Request, Response

from loa.controller.core.access import Act, granted
from loa.controller.errors import NotFound
from loa.controller.services.house import keeps_house
from loa.controller.web import (
    admin_areas,
    admin_audit,
    admin_house,
    admin_people,
    admin_policy,
    admin_reshape,
    admin_where,
    trust_page,
)
from loa.controller.web.bodies import Bodies
from loa.controller.web.console import Console, Visit, page_route
from loa.controller.web.words import _, lazy

ADMIN = "/admin"


@dataclass(frozen=True, slots=True)
class Room:
    """A part of administration, on its first page."""

    href: str
    icon: str
    title: str
    text: str


TEXTS = {
    "areas": lazy("Thêm, đổi tên, chuyển, ghép và tách; lịch sử còn nguyên"),
    "people": lazy("Mời người, giao vai trò theo địa bàn, đóng tài khoản"),
    "policies": lazy("Giờ được phát, số phút mỗi ngày, âm lượng, kèm căn cứ"),
    "trust": lazy("Người giữ khóa ký sổ người duyệt và quy chế cụm loa"),
    "audit": lazy("Ai đã làm gì, lúc nào"),
    "backups": lazy("Tạo bản sao, tải về; cách khôi phục"),
    "settings": lazy("Máy chủ tin, cụm loa, thư; do máy chủ đặt"),
}


def router(console: Console, bodies: Bodies) -> APIRouter:
    """`/admin` and all below it."""
    routes = APIRouter(route_class=page_route(console), include_in_schema=False)

    @routes.get(ADMIN)
    def index(request: Request) -> Response:
        visit = console.visit(request)
        rooms = list(_rooms(console, visit))
        if not rooms:
            raise NotFound("no_such_page", "nothing to administer")
        with console.controller.db.look() as session:
            troubles = console.controller.mail.troubles(session, visit.person)
        trail = console.controller.trail.trouble(visit.person)
        context = {"rooms": rooms, "troubles": troubles, "trail": trail}
        return console.show("admin.html", visit, context, here="admin")

    places = (admin_areas, admin_where, admin_reshape)
    for module in (*places, admin_people, admin_policy, admin_audit, admin_house, trust_page):
        routes.include_router(module.router(console, bodies))
    return routes


def _rooms(console: Console, visit: Visit) -> Iterator[Room]:
    person = visit.person
    if granted(person, Act.MANAGE_AREAS):
        yield Room("/admin/areas", "place", _("Địa bàn"), TEXTS["areas"])
    if granted(person, Act.MANAGE_PEOPLE):
        yield Room("/admin/people", "person", _("Người và vai trò"), TEXTS["people"])
    if granted(person, Act.MANAGE_AREAS):
        yield Room("/admin/policies", "moon", _("Quy chế"), TEXTS["policies"])
    if granted(person, Act.READ_AUDIT):
        yield Room("/admin/audit", "list", _("Sổ việc đã làm"), TEXTS["audit"])
    with console.controller.db.look() as session:
        house = keeps_house(session, person)
        keeps = Act.MANAGE_PEOPLE in visit.viewer.acts or console.controller.papers.find(session, person)
    if keeps:
        yield Room("/admin/trust", "shield", _("Loa tin ai"), TEXTS["trust"])
    if house:
        yield Room("/admin/backups", "file", _("Bản sao dự phòng"), TEXTS["backups"])
        yield Room("/admin/settings", "gear", _("Cài đặt máy chủ"), TEXTS["settings"])
