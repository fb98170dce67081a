"""Where the nodes' own computation puts the occurrences of a day, remembered until something changes."""

import threading
from collections import OrderedDict, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from loa.controller.core.planning import policy_from, policy_text
from loa.controller.core.programme import Contents
from loa.controller.core.standing import Laid, lay, unite
from loa.controller.core.starts import Hours
from loa.controller.core.today import Planned
from loa.controller.core.tree import Tree
from loa.controller.ports import SilenceJournal
from loa.controller.store import today as store
from loa.controller.store.database import Session
from loa.protocol.ids import AreaId, NodeId
from loa.protocol.programme import Silence
from loa.protocol.reasons import Reason
from loa.schedules.model import Window

KEPT = 64
"""Lay-outs that are remembered: one for each distinct set of areas that people look after."""
_DAY = timedelta(days=1)
_SOUNDED = {Reason.COMPLETE, Reason.PARTLY, Reason.INTERRUPTED}
Plans = Mapping[str, Planned]


@dataclass(frozen=True, slots=True)
class _Key:
    tree: int
    window: tuple[datetime, datetime]
    found: store.Fingerprint
    silences: tuple[tuple[AreaId, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class _Kept:
    tree: Tree
    """Held, so that no other tree can get its identity."""
    plans: Plans


class DayPlans:
    """Lays out as previews do, once for all who look at the same areas while nothing changes."""

    def __init__(self, *, journal: SilenceJournal) -> None:
        self._journal = journal
        self._lock = threading.Lock()
        self._kept: OrderedDict[_Key, _Kept] = OrderedDict()

    def of(self, session: Session, tree: Tree, nodes: Iterable[NodeId], window: Window) -> Plans:
        """By occurrence; where nodes differ, from the earliest start to the latest end."""
        members = {node: tree.areas_of(node) for node in nodes}
        areas = {area for own in members.values() for area in own}
        silences = {area: said for area in sorted(areas) if (said := self._silences(area, window))}
        found = store.fingerprint(session, areas, window.from_at - _DAY)
        names = tuple((area, tuple(one.id for one in said)) for area, said in silences.items())
        key = _Key(hash((id(tree), frozenset(members))), (window.from_at, window.until_at), found, names)
        kept = self._recall(key, tree)
        if kept is not None:
            return kept
        programmes = store.programmes(session, found, silences, window.from_at - _DAY)
        plans = _lay_all(tree, members, programmes, window)
        self._keep(key, _Kept(tree, plans))
        return plans

    def _silences(self, area: AreaId, window: Window) -> tuple[Silence, ...]:
        return tuple(self._journal.of(area, window.from_at))

    def _recall(self, key: _Key, tree: Tree) -> Plans | None:
        with self._lock:
            kept = self._kept.get(key)
            if kept is None or kept.tree is not tree:
                return None
            self._kept.move_to_end(key)
            return kept.plans

    def _keep(self, key: _Key, kept: _Kept) -> None:
        with self._lock:
            self._kept[key] = kept
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)


def _lay_all(
    tree: Tree, members: Mapping[NodeId, list[AreaId]], programmes: Mapping[AreaId, Contents], window: Window
) -> Plans:
    """Nodes of the same programmes and hours hear the same: each such group is laid out once."""
    groups = {
        (tuple(area for area in areas if area in programmes), policy_text(tree, node))
        for node, areas in members.items()
    }
    wide = Window(from_at=window.from_at - _DAY, until_at=window.until_at)
    found: defaultdict[str, list[Planned]] = defaultdict(list)
    for areas, (text, tz) in sorted(groups, key=str):
        laid = lay(unite(programmes, areas), Hours(policy_from(text), tz), wide)
        for name, planned in _planned(laid).items():
            found[name].append(planned)
    return {name: _joined(several) for name, several in found.items()}


def _planned(laid: Laid) -> Mapping[str, Planned]:
    return {
        item.id: Planned(
            min((piece.from_at for piece in laid.pieces.get(item.id, ())), default=item.start_at),
            max((piece.to_at for piece in laid.pieces.get(item.id, ())), default=item.start_at),
            laid.timeline.outcomes[item.id].reason,
            laid.timeline.outcomes[item.id].legal_source,
        )
        for item in laid.items.values()
    }


def _joined(several: list[Planned]) -> Planned:
    sounding = [one for one in several if one.reason in _SOUNDED] or several
    first = sounding[0]
    return Planned(
        min(one.from_at for one in sounding),
        max(one.to_at for one in sounding),
        first.reason,
        first.legal_source,
    )
