"""The list of loudspeakers: which, in which order, and what a line says of each."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from urllib.parse import urlencode

from loa.controller.core.node_states import Condition, NodeState, Why
from loa.controller.core.slugs import by_name, matches
from loa.controller.core.whereabouts import Contact, Whereabouts
from loa.controller.store.heard import Known
from loa.controller.web.catalogue import Look
from loa.controller.web.localtime import clock, day_words, today
from loa.controller.web.node_states import CONCERNS, REASONS, look_of
from loa.controller.web.places import Places
from loa.controller.web.words import _, lazy, ngettext
from loa.protocol.ids import AreaId, NodeId, start_of

PAGE_NODES = 25
STATES: Mapping[str, str] = {
    "watch": lazy("Cần xem"),
    NodeState.SOUNDING: lazy("Đang phát"),
    NodeState.IDLE: lazy("Không phát lúc này"),
    NodeState.SILENT: lazy("Loa im"),
    NodeState.LOST: lazy("Mất liên lạc"),
}
"""The filter."""
SORTS: Mapping[str, str] = {
    "need": lazy("Cần xem xếp trước"),
    "name": lazy("Theo tên"),
    "place": lazy("Theo nơi đặt"),
    "heard": lazy("Lâu chưa báo về xếp trước"),
}
NEEDS_SOMEBODY = frozenset({NodeState.SILENT, NodeState.LOST})
_BY_NEED = (NodeState.LOST, NodeState.SILENT, NodeState.IDLE, NodeState.SOUNDING)


@dataclass(frozen=True, slots=True)
class Chosen:
    """The list as the address names it."""

    q: str = ""
    area: str = ""
    state: str = ""
    sort: str = "need"
    page: int = 1

    @property
    def restricts(self) -> bool:
        """Whether something is left out."""
        return bool(self.q or self.area or self.state)

    def url(self, page: int | None = None) -> str:
        """An address that shows the same again, and can be sent to others."""
        given = asdict(self) | {"page": page or self.page}
        default = asdict(Chosen())
        told = {name: value for name, value in given.items() if value != default[name]}
        return "/nodes" + ("?" + urlencode(told) if told else "")


@dataclass(frozen=True, slots=True)
class Line:
    """One loudspeaker in the list."""

    id: NodeId
    name: str
    href: str
    look: Look
    text: str
    contact: Contact | None
    """Whom to call, if somebody must."""


@dataclass(frozen=True, slots=True)
class Listed:
    """One page of the list."""

    nodes: Sequence[NodeId]
    total: int
    page: int
    pages: int


def listed(
    chosen: Chosen, places: Places, conditions: Mapping[NodeId, Condition], known: Mapping[NodeId, Known]
) -> Listed:
    """The loudspeakers that are asked for, in the order asked for."""
    found = [node for node, one in conditions.items() if _is_wanted(chosen, places, node, one.state)]
    found.sort(key=lambda node: _order(chosen.sort, places, node, conditions[node], known))
    pages = max(1, -(-len(found) // PAGE_NODES))
    page = min(max(1, chosen.page), pages)
    return Listed(found[(page - 1) * PAGE_NODES : page * PAGE_NODES], len(found), page, pages)


@dataclass(frozen=True, slots=True, kw_only=True)
class Teller:
    """Says what is to be said of each."""

    places: Places
    known: Mapping[NodeId, Known]
    where: Mapping[AreaId, Whereabouts]
    titles: Mapping[str, str]
    """Of what sounds, by its occurrence."""
    now: datetime
    href: Callable[[NodeId], str]

    def line(self, node: NodeId, condition: Condition) -> Line:
        """The line of one loudspeaker."""
        needs = condition.state in NEEDS_SOMEBODY
        return Line(
            id=node,
            name=self.places.name(AreaId(node)),
            href=self.href(node),
            look=look_of(condition),
            text=" · ".join(map(str, self._parts(node, condition))),
            contact=contact_of(self.places, self.where, node) if needs else None,
        )

    def _parts(self, node: NodeId, condition: Condition) -> Iterable[str]:
        yield place_of(self.places, node)
        known = self.known.get(node)
        state = known.state if known else None
        if condition.why is not None:
            yield self._reason(node, condition)
        elif state is not None and state.sounding is not None:
            title = self.titles.get(state.sounding, _("Đang phát"))
            yield _("%(title)s từ %(since)s", title=title, since=self._since(node, start_of(state.sounding)))
        elif known is not None and known.heard_at is not None:
            yield _("Không phát lúc này, báo về lúc %(since)s", since=self._since(node, known.heard_at))
        if state is not None and condition.why is not Why.NEVER_HEARD:
            yield _held(missing=state.missing, holds=bool(state.held))
        yield from (CONCERNS[one] for one in (known.concerns if known else ()))

    def _reason(self, node: NodeId, condition: Condition) -> str:
        if condition.why is None or condition.since is None:
            return REASONS[condition.why or Why.NEVER_HEARD]
        since = self._since(node, condition.since)
        return _("%(reason)s từ %(since)s", reason=REASONS[condition.why], since=since)

    def _since(self, node: NodeId, at: datetime) -> str:
        return since_words(at, self.now, self.places.tree.tz_of(AreaId(node)))


def since_words(at: datetime, now: datetime, tz: str) -> str:
    """`14:05 hôm nay`, `14:05 Thứ Hai, 9/6`."""
    if today(at, tz) == today(now, tz):
        return _("%(time)s hôm nay", time=clock(at, tz))
    return f"{clock(at, tz)} {day_words(today(at, tz))}"


def place_of(places: Places, node: NodeId) -> str:
    """The area in which it stands."""
    parent = places.tree.place(AreaId(node)).parent_id
    return places.name(parent) if parent is not None else ""


def contact_of(places: Places, where: Mapping[AreaId, Whereabouts], node: NodeId) -> Contact | None:
    """Whom to call: its own contact, else that of the nearest area above it that the person sees."""
    path = reversed(places.tree.path(AreaId(node)))
    known = (where.get(place.id) for place in path if place.id in places)
    return next((one.contact for one in known if one is not None and one.contact is not None), None)


def _held(*, missing: int, holds: bool) -> str:
    if missing:
        return ngettext("còn thiếu %(num)s bản thu", "còn thiếu %(num)s bản thu", missing)
    return _("đã nhận đủ lịch và bản thu") if holds else _("chưa nhận lịch nào")


def _is_wanted(chosen: Chosen, places: Places, node: NodeId, state: NodeState) -> bool:
    area = AreaId(node)
    if chosen.area and not places.tree.is_within(area, AreaId(chosen.area)):
        return node in places.tree.nodes_of(AreaId(chosen.area))
    if chosen.state == "watch" and state not in NEEDS_SOMEBODY:
        return False
    if chosen.state in set(NodeState) and state != chosen.state:
        return False
    return not chosen.q or matches(chosen.q, *(place.name for place in places.tree.path(area)), area)


def _order(
    sort: str, places: Places, node: NodeId, condition: Condition, known: Mapping[NodeId, Known]
) -> tuple[object, ...]:
    name = places.name(AreaId(node))
    match sort:
        case "name":
            return (by_name(name), node)
        case "place":
            return (by_name(place_of(places, node)), by_name(name), node)
        case "heard":
            heard = known[node].heard_at if node in known else None
            return (heard.timestamp() if heard else 0.0, by_name(name), node)
        case _:
            return (_BY_NEED.index(condition.state), by_name(name), node)
