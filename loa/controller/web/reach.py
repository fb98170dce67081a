"""Who would hear it where: places, loudspeakers, households, and the loudspeakers that are silent there."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from loa.controller.core.node_states import Condition, NodeState, Why
from loa.controller.core.tree import AreaKind, Tree
from loa.controller.core.whereabouts import Whereabouts
from loa.controller.web import phrases
from loa.controller.web.places import Places
from loa.controller.web.words import lazy, ngettext
from loa.protocol.ids import AreaId, NodeId

_WITHOUT_HOUSEHOLDS = frozenset({AreaKind.NODE, AreaKind.ZONE})
SILENT_THERE = lazy("Lưu ý: loa {names} đang im.")
LOST_THERE = lazy("Lưu ý: {names} đang mất liên lạc.")
SILENT_MAY_MISS = lazy("Lưu ý: loa {names} đang im. {households} ở đó có thể không nghe được.")
LOST_MAY_MISS = lazy("Lưu ý: {names} đang mất liên lạc. {households} ở đó có thể không nghe được.")
STILL_BY_PLAN = lazy("Loa mất liên lạc vẫn phát theo lịch đã nhận, nhưng có thể chưa nhận được bản tin này.")
SOME_UNCOUNTED = lazy("Có nơi chưa ghi số hộ.")


@dataclass(frozen=True, slots=True)
class Reach:
    """Who would hear it, in a notice."""

    kind: str
    icon: str
    title: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Households:
    """The households of areas: an area's own number, else the sum of all that lies in it."""

    tree: Tree
    known: Mapping[AreaId, Whereabouts]
    _found: dict[AreaId, int | None] = field(default_factory=dict)

    def of(self, area: AreaId) -> int | None:
        """None if they are not known of the whole area."""
        if area not in self._found:
            self._found[area] = self._of(area)
        return self._found[area]

    def _of(self, area: AreaId) -> int | None:
        own = self.known[area].households if area in self.known else None
        if own is not None or self.tree.place(area).kind in _WITHOUT_HOUSEHOLDS:
            return own
        inner = [one for one in self.tree.inner(area) if self.tree.place(one).kind not in _WITHOUT_HOUSEHOLDS]
        counts = [self.of(one) for one in inner]
        return sum(count or 0 for count in counts) if counts and None not in counts else None


def note_of(places: Places, households: Households, area: AreaId) -> str:
    """Beside an area of the tree: `2 loa · 268 hộ`."""
    nodes = phrases.node_count(len(places.tree.nodes_of(area)))
    count = households.of(area)
    return nodes if count is None else f"{nodes} · {count_households(count)}"


def reach_of(
    places: Places,
    audience: Collection[AreaId],
    conditions: Mapping[NodeId, Condition],
    households: Households,
) -> Reach:
    """Who would hear what is sent to these areas, and who might not."""
    if not audience:
        return Reach("act", "place", phrases.REACH_NONE, (phrases.REACH_NONE_HINT,))
    nodes = places.nodes_of(audience)
    title, uncounted = _title(places, audience, len(nodes), households)
    if not nodes:
        return Reach("bad", "horn-off", title, (phrases.REACH_NO_NODES,))
    warnings = list(_warnings(places, nodes, conditions, households))
    more = (SOME_UNCOUNTED,) if uncounted else ()
    if warnings:
        return Reach("warn", "horn-off", title, (*warnings, *more))
    return Reach("ok", "horn", title, (phrases.REACH_ALL_THERE, *more))


def count_households(count: int) -> str:
    """How many."""
    return ngettext("%(num)s hộ", "%(num)s hộ", count)


def _title(
    places: Places, audience: Collection[AreaId], nodes: int, households: Households
) -> tuple[str, bool]:
    """The places, loudspeakers and households; and whether some of these are not counted."""
    title = phrases.reach(places.count(audience), nodes)
    areas = [area for area in audience if places.tree.place(area).kind not in _WITHOUT_HOUSEHOLDS]
    counts = [households.of(area) for area in areas]
    total = sum(count or 0 for count in counts)
    if not total:
        return title, False
    told = ngettext("khoảng %(num)s hộ", "khoảng %(num)s hộ", total)
    return f"{title} · {told}", None in counts or len(areas) < len(audience)


def _warnings(
    places: Places,
    nodes: Collection[NodeId],
    conditions: Mapping[NodeId, Condition],
    households: Households,
) -> Iterable[str]:
    def in_state(state: NodeState, *, never: bool = False) -> list[NodeId]:
        return [
            node
            for node in nodes
            if (one := conditions.get(node)) is not None
            and one.state is state
            and (one.why is Why.NEVER_HEARD) is never
        ]

    silent, lost = in_state(NodeState.SILENT), in_state(NodeState.LOST)
    bad = frozenset(
        node for node, one in conditions.items() if one.state in {NodeState.SILENT, NodeState.LOST}
    )
    for found, plain, with_count in (
        (silent, SILENT_THERE, SILENT_MAY_MISS),
        (lost, LOST_THERE, LOST_MAY_MISS),
    ):
        if found:
            count = _who_may_miss(places, found, bad, households)
            names = places.name_list(found)
            yield (
                with_count.format(names=names, households=count_households(count))
                if count
                else plain.format(names=names)
            )
    if lost:
        yield STILL_BY_PLAN
    if never := in_state(NodeState.LOST, never=True):
        yield phrases.REACH_UNKNOWN.format(names=places.name_list(never))


def _who_may_miss(
    places: Places, found: Iterable[NodeId], bad: Collection[NodeId], households: Households
) -> int:
    """The households of the places in which no other loudspeaker sounds; 0 where nobody counted them."""
    homes = {places.tree.place(AreaId(node)).parent_id for node in found}
    return sum(
        households.of(home) or 0
        for home in homes
        if home is not None and all(node in bad for node in places.tree.nodes_of(home))
    )
