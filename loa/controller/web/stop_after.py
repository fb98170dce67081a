"""After STOP: whom to call about loudspeakers that have not answered, when sound returns, held buttons."""

from collections.abc import Collection
from dataclasses import dataclass

from loa.controller.core.access import Act, Person, may
from loa.controller.core.alerts import Alert, AlertKind
from loa.controller.core.node_states import Why
from loa.controller.services.today import Today
from loa.controller.web.home_tasks import call_of
from loa.controller.web.places import Places
from loa.controller.web.situation import coming, when
from loa.controller.web.words import _
from loa.protocol.ids import AreaId, NodeId

MOST_LOST = 3
MOST_CALLS = 2


@dataclass(frozen=True, slots=True)
class Call:
    """Somebody to be called, for whom it is told why."""

    word: str
    phone: str


@dataclass(frozen=True, slots=True)
class Pressed:
    """A loudspeaker that its own STOP button holds silent, beside all orders."""

    node: NodeId
    name: str
    releases: bool
    """Whether the person may let it sound again."""


@dataclass(frozen=True, slots=True)
class After:
    """What the result page says beside who is silent."""

    lost: tuple[str, ...]
    told: frozenset[NodeId]
    """The nodes of `lost`."""
    calls: tuple[Call, ...]
    returns: str
    pressed: tuple[Pressed, ...]


def after(day: Today, places: Places, who: Person, area: AreaId) -> After:
    """For the order to that area."""
    nodes = frozenset(places.tree.nodes_of(area))
    lost = [one for one in day.alerts if one.kind is AlertKind.NODE_LOST and NodeId(one.subject) in nodes]
    calls = dict.fromkeys(Call(*call_of(one.call)) for one in lost if one.call)
    return After(
        lost=tuple(_lost(day, places, one) for one in lost[:MOST_LOST]),
        told=frozenset(NodeId(one.subject) for one in lost[:MOST_LOST]),
        calls=tuple(calls)[:MOST_CALLS],
        returns=_returns(day, places, nodes),
        pressed=tuple(_pressed(day, places, who, nodes)),
    )


def _lost(day: Today, places: Places, alert: Alert) -> str:
    name = places.name(AreaId(alert.subject))
    return _(
        "%(name)s mất liên lạc từ %(time)s, chưa trả lời. Gọi người ở đó nghe tại chỗ.",
        name=name,
        time=when(day, alert.since),
    )


def _returns(day: Today, places: Places, nodes: frozenset[NodeId]) -> str:
    """The first occurrence there that no order keeps silent."""
    there = (one for one in coming(day) if not nodes.isdisjoint(places.nodes_of(one.audience)))
    first = next(there, None)
    if first is None:
        return _("Hôm nay và ngày mai không còn lượt nào.")
    return _("Lượt sau vẫn phát lúc %(time)s: “%(title)s”.", time=when(day, first.from_at), title=first.title)


def _pressed(day: Today, places: Places, who: Person, nodes: Collection[NodeId]) -> list[Pressed]:
    held = [node for node, one in day.conditions.items() if one.why is Why.STOP_PRESSED and node in nodes]
    return [
        Pressed(
            node,
            places.name(AreaId(node)),
            may(who, Act.RELEASE, [place.id for place in places.tree.path(AreaId(node))]),
        )
        for node in sorted(held)
    ]
