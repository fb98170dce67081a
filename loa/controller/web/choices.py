"""Shortcuts of the step "where": the whole area, groups of loudspeakers, what is chosen again and again."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from loa.controller.core.bulletins import BulletinState
from loa.controller.core.tree import AreaKind
from loa.controller.services.bulletins import BulletinFilter
from loa.controller.store.database import Session
from loa.controller.web.catalogue import KINDS
from loa.controller.web.console import Console, Visit
from loa.controller.web.words import lazy
from loa.protocol.ids import AreaId

LOOKED_AT = 60
"""The last bulletins among which usual choices are looked for."""
USUAL_FROM = 2
"""Times."""
MOST_USUAL = 2
MOST_GROUPS = 6
WHOLE = lazy("Cả {kind}")
WHOLE_OF = lazy("Cả {name}")
GROUP = lazy("Nhóm: {name}")


@dataclass(frozen=True, slots=True)
class Shortcut:
    """One tap chooses these areas and no others."""

    word: str
    areas: tuple[AreaId, ...]
    chosen: bool

    @property
    def value(self) -> str:
        """As the form sends it."""
        return " ".join(self.areas)


def shortcuts(
    console: Console, session: Session, visit: Visit, audience: Iterable[AreaId]
) -> Sequence[Shortcut]:
    """For the person at the page, with the one pressed that stands for what is chosen now."""
    chosen = frozenset(audience)
    wanted = [*_wholes(visit), *_groups(visit), *_usual(console, session, visit)]
    first = {frozenset(areas): (word, areas) for word, areas in reversed(wanted)}
    return [
        Shortcut(word, areas, frozenset(areas) == chosen)
        for word, areas in wanted
        if first[frozenset(areas)] == (word, areas)
    ]


def _wholes(visit: Visit) -> Iterable[tuple[str, tuple[AreaId, ...]]]:
    roots = visit.places.roots
    for root in roots:
        kind = visit.places.tree.place(root).kind
        word = (
            WHOLE.format(kind=KINDS[kind])
            if len(roots) == 1
            else WHOLE_OF.format(name=visit.places.title(root))
        )
        yield word, (root,)


def _groups(visit: Visit) -> Iterable[tuple[str, tuple[AreaId, ...]]]:
    mine = visit.places.tree.below(frozenset(visit.places.roots))
    zones = [area for area in mine if visit.places.tree.place(area).kind is AreaKind.ZONE]
    for zone in sorted(zones, key=visit.places.name)[:MOST_GROUPS]:
        yield GROUP.format(name=visit.places.name(zone)), (zone,)


def _usual(console: Console, session: Session, visit: Visit) -> Iterable[tuple[str, tuple[AreaId, ...]]]:
    page = console.controller.bulletins.find(
        session, visit.person, BulletinFilter(state=BulletinState.APPROVED), cursor=None, limit=LOOKED_AT
    )
    audiences = Counter(
        tuple(sorted(bulletin.draft.plan.audience))
        for bulletin in page.bulletins
        if bulletin.draft.plan.audience and all(area in visit.places for area in bulletin.draft.plan.audience)
    )
    for audience, times in audiences.most_common(MOST_USUAL):
        if times >= USUAL_FROM:
            yield visit.places.area_list(audience), audience
