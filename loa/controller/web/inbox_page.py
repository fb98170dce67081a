"""What province and district send to a commune: choose, leave, order; emergencies as they play."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request, Response
from starlette.datastructures import FormData

from loa.controller.core.access import Act, granted, may
from loa.controller.core.inbox import InboxItem, InboxState
from loa.controller.core.slugs import plain
from loa.controller.errors import ControllerError, NotFound
from loa.controller.store.database import Work
from loa.controller.web.bodies import Bodies, text_of
from loa.controller.web.catalogue import CLASSES, FIELDS, Look, say
from loa.controller.web.console import Console, Visit, page_route
from loa.controller.web.forms import Errors, WhenForm, read_when, say_when
from loa.controller.web.localtime import spell, today, weekday_time
from loa.controller.web.places import capital
from loa.controller.web.render import see_other
from loa.controller.web.words import lazy, ngettext
from loa.protocol.ids import AreaId, BroadcastId
from loa.protocol.kinds import BroadcastClass
from loa.protocol.when import When

TITLE = lazy("Tin cấp trên")
NOTHING = lazy("Không có tin nào chờ xã chọn.")
GROUPS: Sequence[tuple[str, str, tuple[InboxState, ...]]] = (
    (
        lazy("Đang phát khẩn cấp"),
        lazy("Tin khẩn cấp của cấp trên phát ngay, không cần xã chọn."),
        (InboxState.PLAYING,),
    ),
    (lazy("Chờ xã chọn"), lazy("Không phát cho đến khi xã chọn."), (InboxState.WAITING,)),
    (
        lazy("Tin ưu tiên"),
        lazy("Chắc chắn phát. Xã xếp trước sau giữa các tin ưu tiên."),
        (InboxState.PLACED,),
    ),
    (lazy("Đã quyết định"), "", (InboxState.CHOSEN, InboxState.LEFT)),
)
LOOKS: Mapping[InboxState, Look] = {
    InboxState.WAITING: Look(lazy("Chờ xã chọn"), "hourglass", "wait"),
    InboxState.CHOSEN: Look(lazy("Xã đã chọn"), "tick", "ok"),
    InboxState.LEFT: Look(lazy("Xã không phát"), "cross", "off"),
    InboxState.PLACED: Look(lazy("Ưu tiên"), "flag", "act"),
    InboxState.PLAYING: Look(lazy("Khẩn cấp"), "alarm", "alarm"),
}
WITHDRAWN = Look(lazy("Cấp trên đã rút"), "octagon", "off")
OVER = Look(lazy("Đã qua giờ phát"), "clock", "off")
SENT = lazy("{place} gửi {at}")
FACTS = lazy("{when} · dài {length} · {field}")
DECIDED = lazy("{who} quyết định {at}.")
OTHER_TIME = lazy("Xã phát vào giờ khác, thành bản tin của xã.")


@dataclass(frozen=True, slots=True)
class Entry:
    """One broadcast of a higher level."""

    id: str
    title: str
    sent: str
    facts: str
    class_: str
    look: Look
    recording: str
    decided: str
    may_choose: bool
    may_leave: bool
    may_order: bool
    other_time: bool
    """Whether this person may place it at another time, for which an approver answers."""


@dataclass(frozen=True, slots=True)
class Typed:
    """Another time that was asked for, as it was typed."""

    broadcast: str
    date: str
    time: str


@dataclass(frozen=True, slots=True)
class Group:
    """Those of one state."""

    title: str
    hint: str
    entries: Sequence[Entry]
    live: bool
    """Whether it renews itself; where people type, nothing does."""


def router(console: Console, bodies: Bodies) -> APIRouter:
    """The list and what is decided on it."""
    routes = APIRouter(route_class=page_route(console), include_in_schema=False)
    Form = Annotated[FormData, Depends(bodies.form)]  # noqa: N806 -- a type
    page = InboxPage(console)

    @routes.get("/inbox")
    def listed(request: Request) -> Response:
        visit = console.visit(request)
        wanted = request.query_params.get("q", "").strip()[:100]
        return page.show(visit, page.commune(visit, request.query_params.get("area", "")), wanted)

    @routes.post("/inbox")
    def decide(request: Request, form: Form) -> Response:
        visit = console.visit(request, form)
        return page.decide(visit, page.commune(visit, text_of(form, "area")), form)

    return routes


class InboxPage:
    """The inbox of one commune."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def communes(self, visit: Visit) -> list[AreaId]:
        """Those whose inboxes this person looks after, by name."""
        tree = visit.places.tree
        roots = [root for root in granted(visit.person, Act.CHOOSE_INBOX) if root in tree]
        found = {commune for root in roots for commune in tree.communes_of(root)}
        mine = [one for one in found if may(visit.person, Act.CHOOSE_INBOX, _path(visit, one))]
        return sorted(mine, key=visit.places.name)

    def commune(self, visit: Visit, asked: str) -> AreaId | None:
        """The commune that is asked for, else the first; raises `NotFound` for somebody else's."""
        mine = self.communes(visit)
        if asked and asked not in mine:
            raise NotFound("no_such_area", f"there is no area {asked!r}", area=asked)
        return AreaId(asked) if asked else next(iter(mine), None)

    def show(
        self,
        visit: Visit,
        commune: AreaId | None,
        wanted: str = "",
        errors: Errors | None = None,
        typed: Typed | None = None,
    ) -> Response:
        """The list with what may be decided; what was `typed` and refused stays in its fields."""
        items = [] if commune is None else self._items(visit, commune)
        shown = [one for one in items if plain(wanted) in plain(one.scheduled.broadcast.title)]
        waiting = sum(one.state is InboxState.WAITING and not self._gone(one) for one in items)
        groups = [
            Group(
                title,
                hint,
                [self._entry(visit, commune, one) for one in shown if one.state in states],
                live=InboxState.PLAYING in states,
            )
            for title, hint, states in GROUPS
            if commune is not None
        ]
        tz = visit.places.tree.tz_of(commune) if commune else None
        context = {
            "title": TITLE,
            "lead": _lead(waiting),
            "groups": [group for group in groups if group.entries],
            "communes": [(one, capital(visit.places.title(one))) for one in self.communes(visit)],
            "commune": commune or "",
            "wanted": wanted,
            "today": today(self._console.controller.clock.now(), tz).isoformat() if tz else "",
            "here_url": "/inbox?" + urlencode({"area": commune or "", "q": wanted}),
            "errors": errors or {},
            "typed": typed,
        }
        return self._console.show("inbox.html", visit, context, here="inbox", status=422 if errors else 200)

    def decide(self, visit: Visit, commune: AreaId | None, form: FormData) -> Response:
        """Do what the form asks for; a refusal is told on the page."""
        if commune is None:
            raise NotFound("no_such_area", "this person keeps no inbox")
        broadcast, errors = BroadcastId(text_of(form, "broadcast")), Errors()
        act = self._act(visit, commune, broadcast, form, errors)
        if act is not None:
            try:
                with self._console.controller.db.work() as work:
                    act(work)
            except ControllerError as error:
                errors["broadcast"] = say(error.code, error.facts)
        if errors:
            return self.show(visit, commune, errors=errors, typed=_typed(form))
        return see_other("/inbox?" + urlencode({"area": commune}))

    def _act(
        self, visit: Visit, commune: AreaId, broadcast: BroadcastId, form: FormData, errors: Errors
    ) -> Callable[[Work], object] | None:
        inbox, who = self._console.controller.inbox, visit.person
        match text_of(form, "act"):
            case "choose":
                return lambda work: inbox.choose(work, who, commune, broadcast)
            case "leave":
                return lambda work: inbox.leave(work, who, commune, broadcast)
            case "time":
                when = _when(form, visit.places.tree.tz_of(commune), errors)
                return (
                    None if when is None else lambda work: inbox.choose(work, who, commune, broadcast, when)
                )
            case "up" | "down" as way:
                order = _moved(self._priorities(visit, commune), broadcast, -1 if way == "up" else 1)
                return lambda work: inbox.order(work, who, commune, order)
            case _:
                raise NotFound("no_such_act", "there is no such act")

    def _items(self, visit: Visit, commune: AreaId) -> list[InboxItem]:
        with self._console.controller.db.look() as session:
            found = self._console.controller.inbox.find(session, visit.person, commune)
        return sorted(found, key=lambda one: one.rank)

    def _priorities(self, visit: Visit, commune: AreaId) -> list[BroadcastId]:
        items = self._items(visit, commune)
        return [one.scheduled.id for one in items if one.state is InboxState.PLACED and not self._gone(one)]

    def _gone(self, item: InboxItem) -> Look | None:
        over_at = item.scheduled.over_at
        if item.scheduled.withdrawn_at is not None:
            return WITHDRAWN
        return OVER if over_at is not None and over_at <= self._console.controller.clock.now() else None

    def _entry(self, visit: Visit, commune: AreaId, item: InboxItem) -> Entry:
        said, gone = item.scheduled.broadcast, self._gone(item)
        open_ = gone is None and item.state in {InboxState.WAITING, InboxState.LEFT}
        issuer = capital(visit.places.title(said.issuer))
        return Entry(
            id=item.scheduled.id,
            title=said.title,
            sent=SENT.format(place=issuer, at=weekday_time(item.received_at)),
            facts=FACTS.format(
                when=say_when(said.when),
                length=spell(said.source.duration_ms),
                field=FIELDS.get(said.field, said.field),
            ),
            class_="" if said.class_ is BroadcastClass.NORMAL else CLASSES[said.class_],
            look=gone or LOOKS[item.state],
            recording=said.source.recording,
            decided=" ".join(self._decided(item)),
            may_choose=open_,
            may_leave=gone is None and item.state is InboxState.WAITING,
            may_order=gone is None and item.state is InboxState.PLACED,
            other_time=item.scheduled.withdrawn_at is None
            and item.state in {InboxState.WAITING, InboxState.LEFT}
            and may(visit.person, Act.APPROVE, _path(visit, commune)),
        )

    def _decided(self, item: InboxItem) -> Iterator[str]:
        if item.decided_by and item.decided_at:
            who = self._console.person_name(item.decided_by)
            yield DECIDED.format(who=who, at=weekday_time(item.decided_at))
        if item.chosen_as:
            yield str(OTHER_TIME)


def _lead(waiting: int) -> str:
    if not waiting:
        return NOTHING
    return ngettext(
        "%(num)s tin chờ xã chọn. Không chọn thì loa không phát.",
        "%(num)s tin chờ xã chọn. Không chọn thì loa không phát.",
        waiting,
    )


def _path(visit: Visit, area: AreaId) -> list[AreaId]:
    return [place.id for place in visit.places.tree.path(area)]


def _when(form: FormData, tz: str, errors: Errors) -> When | None:
    asked = WhenForm(date=text_of(form, "date"), times=(text_of(form, "time"),))
    read = read_when(asked, tz)
    errors.update(read.errors)
    return read.when if isinstance(read.when, When) else None


def _typed(form: FormData) -> Typed | None:
    if text_of(form, "act") != "time":
        return None
    return Typed(*(text_of(form, name) for name in ("broadcast", "date", "time")))


def _moved(order: Sequence[BroadcastId], one: BroadcastId, by: int) -> list[BroadcastId]:
    """The order with one of them a place further; at an end it stays."""
    changed = list(order)
    if one in changed:
        at = changed.index(one)
        changed.insert(max(0, at + by), changed.pop(at))
    return changed
