"""How one alarm or drill goes node by node, with what ends it at hand; and the banner's content."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from starlette.datastructures import FormData

from loa.controller.core.access import Act, may
from loa.controller.core.emergencies import NodeState
from loa.controller.core.presence import LastWord, Presence
from loa.controller.services.emergencies import Followed
from loa.controller.web import alarm_words
from loa.controller.web.alarm_words import MODES, Mode
from loa.controller.web.bodies import Bodies
from loa.controller.web.catalogue import OUTCOMES, STOPPED, WHY, Look
from loa.controller.web.console import Console, Visit, page_route
from loa.controller.web.emergency_now import emergencies_now, say_sounding
from loa.controller.web.localtime import clock, weekday
from loa.controller.web.places import capital
from loa.controller.web.render import see_other
from loa.controller.web.words import _, lazy, ngettext
from loa.protocol.ids import AreaId, BroadcastId, NodeId

EVENTS_URL = "/api/v1/events"
NOTHING_REPORTED = lazy("Chưa cụm loa nào báo đang phát")
_CELLS = {NodeState.SOUNDING: "sounding", NodeState.SIREN: "sounding", NodeState.LOST: "lost"}


@dataclass(frozen=True, slots=True)
class NodeLine:
    """One node of the live list."""

    name: str
    place: str
    look: Look
    reason: str
    cell: str


@dataclass(frozen=True, slots=True)
class Live:
    """How it goes, in words."""

    title: str
    state: str
    issued: str
    lines: Sequence[NodeLine]
    total: int
    connected: int
    sounding: int
    is_on: bool
    withdrawn: str


def router(console: Console, bodies: Bodies) -> APIRouter:
    """The banner's content, and the two live pages."""
    routes = APIRouter(route_class=page_route(console), include_in_schema=False)

    @routes.get("/emergency/now")
    def now(request: Request) -> Response:
        visit = console.visit(request)
        context = {"emergencies": emergencies_now(console, visit)}
        return console.show("_emergency_now_list.html", visit, context)

    for mode in MODES:
        _add(routes, LivePage(console, mode), bodies)
    return routes


def _add(routes: APIRouter, page: "LivePage", bodies: Bodies) -> None:
    Form = Annotated[FormData, Depends(bodies.form)]  # noqa: N806 -- a type

    @routes.get(f"{page.mode.address}/{{broadcast}}", name=f"{page.mode.key} live")
    def live(request: Request, broadcast: str) -> Response:
        return page.show(request, BroadcastId(broadcast))

    @routes.post(f"{page.mode.address}/{{broadcast}}/withdraw", name=f"{page.mode.key} withdrawal")
    def withdraw(request: Request, broadcast: str, form: Form) -> Response:
        return page.withdraw(request, BroadcastId(broadcast), form)


class LivePage:
    """One alarm, or one drill, as it goes."""

    def __init__(self, console: Console, mode: Mode) -> None:
        self.mode = mode
        self._console = console
        self._controller = console.controller

    def show(self, request: Request, broadcast: BroadcastId) -> Response:
        """The page; raises `NotFound` for what the person may not know of, and for the other page's kind."""
        visit = self._console.visit(request)
        followed = self._follow(visit, broadcast)
        path = self._path(visit, followed)
        context = {
            "mode": self.mode,
            "live": self._live(visit, followed),
            "broadcast": broadcast,
            "here_url": f"{self.mode.address}/{broadcast}",
            "events_url": EVENTS_URL,
            "log_url": f"/log?broadcast={broadcast}",
            "may_withdraw": may(visit.person, Act.WITHDRAW, path),
            "may_follow_up": may(visit.person, Act.BROADCAST_EMERGENCY, path),
        }
        return self._console.show("alarm_live.html", visit, context, here="emergency")

    def withdraw(self, request: Request, broadcast: BroadcastId, form: FormData) -> Response:
        """Take it off the air everywhere."""
        visit = self._console.visit(request, form)
        self._follow(visit, broadcast)
        with self._controller.db.work() as work:
            self._controller.withdrawals.withdraw(
                work, visit.person, broadcast, reason=_("Rút ở trang phát khẩn cấp")
            )
        return see_other(f"{self.mode.address}/{broadcast}")

    def _follow(self, visit: Visit, broadcast: BroadcastId) -> Followed:
        with self._controller.db.look() as session:
            return self._controller.emergencies.follow(
                session, visit.person, broadcast, drill=self.mode.drill
            )

    @staticmethod
    def _path(visit: Visit, followed: Followed) -> list[AreaId]:
        issuer, tree = followed.scheduled.broadcast.issuer, visit.places.tree
        return [place.id for place in tree.path(issuer)] if issuer in tree else []

    def _live(self, visit: Visit, followed: Followed) -> Live:
        document = followed.scheduled.broadcast
        pattern = self.mode.live if followed.is_on else self.mode.live_over
        counts = Counter(followed.nodes.values())
        gone = {Presence.LOST, Presence.UNKNOWN}
        heard = [visit.places.heard.get(node, LastWord()) for node in followed.nodes]
        return Live(
            title=str(pattern) % {"title": document.title},
            state=_state(counts),
            issued=_issued(visit, followed),
            lines=_lines(visit, followed),
            total=len(followed.nodes),
            connected=sum(one.presence not in gone for one in heard),
            sounding=len(followed.sounding),
            is_on=followed.is_on,
            withdrawn=_withdrawn(followed),
        )


def _issued(visit: Visit, followed: Followed) -> str:
    scheduled, document = followed.scheduled, followed.scheduled.broadcast
    tz, at = document.when.tz, scheduled.first_start_at
    issuer = capital(visit.places.title(document.issuer))
    return _("%(issuer)s phát lúc %(at)s, %(day)s", issuer=issuer, at=clock(at, tz), day=weekday(at, tz))


def _withdrawn(followed: Followed) -> str:
    at = followed.scheduled.withdrawn_at
    if at is None:
        return ""
    said = clock(at, followed.scheduled.broadcast.when.tz)
    return _("Đã rút lúc %(at)s. Loa nào nhận được lệnh thì đã ngừng.", at=said)


def _state(counts: Counter[NodeState]) -> str:
    """The situation first."""
    sounding = counts[NodeState.SOUNDING] + counts[NodeState.SIREN]
    total = sum(counts.values())
    if sounding:
        return say_sounding(sounding, total)
    if done := counts[NodeState.SOUNDED]:
        return ngettext(
            "%(on)s trên %(num)s cụm loa đã phát xong",
            "%(on)s trên %(num)s cụm loa đã phát xong",
            total,
            on=done,
        )
    return str(NOTHING_REPORTED)


def _lines(visit: Visit, followed: Followed) -> list[NodeLine]:
    order = list(NodeState)
    ranked = sorted(followed.nodes.items(), key=lambda pair: (order.index(pair[1]), pair[0]))
    return [_line(visit, followed, node, state) for node, state in ranked]


def _line(visit: Visit, followed: Followed, node: NodeId, state: NodeState) -> NodeLine:
    reason = followed.reasons.get(node, "")
    look = alarm_words.STATES[state]
    if state is NodeState.NOT_SOUNDED:
        look = OUTCOMES.get(reason, look)
    elif state is NodeState.COMING and followed.scheduled.withdrawn_at is not None:
        look = STOPPED
    place = visit.places.tree.place(AreaId(node)).parent_id
    return NodeLine(
        name=visit.places.name(AreaId(node)),
        place=visit.places.title(place) if place else "",
        look=look,
        reason=str(WHY.get(reason, "")).partition("{")[0].rstrip(" ,"),
        cell=_CELLS.get(state, "quiet"),
    )
