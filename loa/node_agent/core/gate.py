"""What may sound on a clock that can't be trusted: nothing but emergencies that are known to be of now."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from loa.node_agent.core.accept import MOST_AHEAD, Fresh, Refused
from loa.node_agent.core.plan import Plan
from loa.node_agent.core.shelf import Shelf
from loa.protocol.ids import AreaId, OccurrenceId, broadcast_of
from loa.protocol.kinds import BroadcastClass
from loa.protocol.programme import Urgent
from loa.protocol.reasons import RefusalReason
from loa.protocol.reports import Held
from loa.schedules.model import Item


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """What the last answer in this boot said."""

    at: datetime
    current: Mapping[AreaId, Held] = field(default_factory=dict)

    def urgent(self, area: AreaId) -> int:
        """The current version of an area's urgent message; 0 if none was named."""
        return self.current.get(area, Held()).urgent


def judge_by_answer(urgent: Urgent, named: Named | None) -> Fresh | Refused:
    """An urgent message that is older than the one that the controller named in this boot is not of now.

    Whoever took over the broker could keep last year's and hand it to a node that lost its disk or its clock.
    """
    current = named.urgent(urgent.area) if named else 0
    if urgent.version >= current:
        return Fresh()
    return Refused(RefusalReason.NOT_CURRENT, f"version {urgent.version}, but {current} is current")


def emergencies(plan: Plan) -> set[OccurrenceId]:
    """The occurrences of a plan that are emergencies."""
    return {name for name, item in plan.items.items() if item.class_ is BroadcastClass.EMERGENCY}


def cleared(plan: Plan, shelf: Shelf, held: Mapping[AreaId, Held], named: Named | None) -> set[OccurrenceId]:
    """The emergencies that an answer shows to be of now.

    It names the version of the urgent message that is held, of an area to which the emergency is addressed,
    and its time lies in the emergency's window. Last year's flood alarm has neither.
    """
    if named is None:
        return set()
    areas = {area for area in named.current if 0 < named.urgent(area) == held.get(area, Held()).urgent}
    return {
        name
        for name in emergencies(plan)
        if _contains(plan.items[name], named.at) and areas & set(_audience(shelf, name))
    }


def _contains(item: Item, at: datetime) -> bool:
    return item.issued_at - MOST_AHEAD <= at <= item.last_end_at


def _audience(shelf: Shelf, occurrence: OccurrenceId) -> tuple[AreaId, ...]:
    seen = shelf.entries.get(broadcast_of(occurrence))
    return seen.said.broadcast.audience if seen else ()
