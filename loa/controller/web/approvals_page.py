"""What waits for a decision: mine to take first, then what others have of mine."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response

from loa.controller.core.access import Act
from loa.controller.core.bulletins import Bulletin, BulletinState
from loa.controller.core.slugs import plain
from loa.controller.services.bulletins import BulletinFilter
from loa.controller.web.bodies import Bodies
from loa.controller.web.console import Console, Visit, page_route
from loa.controller.web.forms import say_when
from loa.controller.web.localtime import weekday_time
from loa.controller.web.words import lazy, ngettext
from loa.protocol.kinds import BroadcastClass

MOST = 200
"""What waits at once in one district; more is a list for the search."""
TITLE = lazy("Chờ duyệt")
MINE_FIRST = lazy("Cần bạn nghe và quyết định")
OTHERS = lazy("Chờ người khác duyệt")
RETURNED = lazy("Bị trả lại, chờ sửa")
NOTHING = lazy("Không có bản tin nào chờ duyệt.")
OWN = lazy("Bạn soạn bản này nên người khác phải duyệt")
ASKED = lazy("{when} · {who} gửi {at}")
GIVEN_BACK = lazy("“{comment}” · {at}")
UNNAMED = lazy("Bản tin chưa đặt tên")


@dataclass(frozen=True, slots=True)
class Entry:
    """One bulletin of the list."""

    href: str
    icon: str
    title: str
    note: str


@dataclass(frozen=True, slots=True)
class Group:
    """Some of the list, under a heading."""

    title: str
    entries: Sequence[Entry]


def router(console: Console, _: Bodies) -> APIRouter:
    """The list."""
    routes = APIRouter(route_class=page_route(console), include_in_schema=False)

    @routes.get("/approvals")
    def listed(request: Request) -> Response:
        wanted = request.query_params.get("q", "").strip()[:100]
        visit = console.visit(request)
        return console.show("approvals.html", visit, _context(console, visit, wanted), here="approvals")

    return routes


def _context(console: Console, visit: Visit, wanted: str) -> dict[str, Any]:
    waiting = sorted(_found(console, visit, BulletinState.SUBMITTED, wanted), key=_order)
    for_me = [one for one in waiting if console.decides(visit, one)]
    returned = [
        one
        for one in _found(console, visit, BulletinState.RETURNED, wanted)
        if one.is_by(visit.person.user_id)
    ]
    others = [one for one in waiting if one not in for_me]
    names = console.person_names({one.sender for one in waiting})
    groups = (
        Group(MINE_FIRST, [_asked(names, one) for one in for_me]),
        Group(OTHERS, [_asked(names, one, own=_own_note(console, visit, one)) for one in others]),
        Group(RETURNED, [_returned(one) for one in returned]),
    )
    return {
        "title": TITLE,
        "lead": _lead(len(for_me)),
        "groups": [group for group in groups if group.entries],
        "wanted": wanted,
        "here_url": "/approvals" + (f"?{urlencode({'q': wanted})}" if wanted else ""),
    }


def _lead(count: int) -> str:
    if not count:
        return NOTHING
    return ngettext(
        "%(num)s bản tin cần bạn nghe và quyết định. Bản phát sớm nhất ở trên.",
        "%(num)s bản tin cần bạn nghe và quyết định. Bản phát sớm nhất ở trên.",
        count,
    )


def _found(console: Console, visit: Visit, state: BulletinState, wanted: str) -> Iterator[Bulletin]:
    with console.controller.db.look() as session:
        page = console.controller.bulletins.find(
            session, visit.person, BulletinFilter(state=state), cursor=None, limit=MOST
        )
    return (one for one in page.bulletins if plain(wanted) in plain(one.draft.title))


def _order(bulletin: Bulletin) -> tuple[int, str]:
    """Emergencies and what starts at once first, then by the first start asked for."""
    when = bulletin.draft.plan.when
    is_now = when == "now" or bulletin.draft.class_ is BroadcastClass.EMERGENCY
    return (0, "") if is_now or when is None or isinstance(when, str) else (1, when.start_local)


def _own_note(console: Console, visit: Visit, bulletin: Bulletin) -> str:
    """Why it waits though this person could approve it; empty where it is somebody else's."""
    if not bulletin.is_by(visit.person.user_id):
        return ""
    could = Act.APPROVE in visit.viewer.acts and console.leaves_to_others(visit, bulletin)
    return OWN if could else say_when(bulletin.draft.plan.when)


def _asked(names: Mapping[str, str], bulletin: Bulletin, *, own: str = "") -> Entry:
    at = weekday_time(bulletin.submitted_at or bulletin.updated_at)
    when = say_when(bulletin.draft.plan.when)
    note = own or ASKED.format(when=when, who=names[bulletin.sender], at=at)
    return _entry(bulletin, "person" if own else "hourglass", note)


def _returned(bulletin: Bulletin) -> Entry:
    words = GIVEN_BACK.format(comment=bulletin.comment or "", at=weekday_time(bulletin.updated_at))
    return _entry(bulletin, "turn", words)


def _entry(bulletin: Bulletin, icon: str, note: str) -> Entry:
    return Entry(f"/bulletins/{bulletin.id}", icon, bulletin.draft.title or UNNAMED, note)
