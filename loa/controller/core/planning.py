"""Whether a plan can be broadcast as it is: where it reaches, when it starts, and what speaks against it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from loa.controller.core.broadcasts import fix_when, limits
from loa.controller.core.bulletins import Plan
from loa.controller.core.notices import Notice, NoticeCode, Weight, in_order
from loa.controller.core.starts import Hours, Starts, find_starts, judge_starts
from loa.controller.core.tree import Tree
from loa.protocol.ids import AreaId, NodeId
from loa.protocol.kinds import BroadcastClass
from loa.protocol.policy import Policy
from loa.protocol.when import When
from loa.schedules.errors import RecurrenceError
from loa.schedules.policy import default_policy

NO_STARTS = Starts((), None, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is asked for."""

    area: AreaId
    """The issuing area."""
    class_: BroadcastClass
    plan: Plan
    duration_ms: int
    now: datetime
    lead: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """A plan held against the tree, the policies and the clock."""

    when: When | None
    """The time to be approved; None if there is none."""
    starts: Starts
    nodes: frozenset[NodeId]
    notices: tuple[Notice, ...]

    @property
    def refusal(self) -> Notice | None:
        """Why it cannot be approved; None if it can."""
        return next((notice for notice in self.notices if notice.weight is Weight.REFUSED), None)


def examine(tree: Tree, asked: Request) -> Examined:
    """Everything that speaks against the plan, the gravest first; it never raises for what a person typed."""
    audience = asked.plan.audience
    strangers = tuple(area for area in audience if area not in tree or not tree.is_within(area, asked.area))
    nodes = tree.nodes_within(tuple(area for area in audience if area in tree))
    # an emergency passes all hours, and must not wait for thousands of nodes to be asked for theirs
    hours = [] if asked.class_ is BroadcastClass.EMERGENCY else hours_of(tree, nodes)
    when, found, about_time = _examine_time(asked, hours, tree.tz_of(asked.area))
    about_place = _examine_audience(tree, audience, strangers, nodes)
    return Examined(when=when, starts=found, nodes=nodes, notices=in_order([*about_place, *about_time]))


def hours_of(tree: Tree, nodes: Iterable[NodeId]) -> list[Hours]:
    """The distinct policies and time zones that bind the nodes."""
    texts = dict.fromkeys(policy_text(tree, node) for node in nodes)
    return [Hours(policy_from(text), tz) for text, tz in texts]


def policy_text(tree: Tree, node: NodeId) -> tuple[str | None, str]:
    """What binds a node, cheap to compare: the JSON of its policy (None: the default) and its time zone."""
    path = tree.path(AreaId(node))
    text = next((place.policy for place in reversed(path) if place.policy), None)
    return text, tree.tz_of(AreaId(node))


def policy_from(text: str | None) -> Policy:
    """The policy of `policy_text`."""
    return default_policy() if text is None else Policy.model_validate_json(text)


def _examine_audience(
    tree: Tree, audience: tuple[AreaId, ...], strangers: tuple[AreaId, ...], nodes: frozenset[NodeId]
) -> list[Notice]:
    if not audience:
        return [Notice(code=NoticeCode.NO_AUDIENCE)]
    if strangers:
        return [Notice(code=NoticeCode.NOT_YOURS, areas=strangers)]
    if not nodes:
        return [Notice(code=NoticeCode.NO_NODES, areas=audience)]
    empty = tuple(area for area in audience if not tree.nodes_of(area))
    return [Notice(code=NoticeCode.SOME_WITHOUT_NODES, areas=empty)] if empty else []


def _examine_time(asked: Request, hours: list[Hours], tz: str) -> tuple[When | None, Starts, list[Notice]]:
    plan = asked.plan
    if plan.when is None and asked.class_ is not BroadcastClass.EMERGENCY:
        return None, NO_STARTS, [Notice(code=NoticeCode.NO_TIME)]
    when = fix_when(plan.when, asked.now, asked.lead, tz)
    try:
        found = find_starts(when, asked.now, limit=plan.max_plays, expires_at=plan.expires_at)
    except RecurrenceError as error:
        return when, NO_STARTS, [Notice(code=NoticeCode.BAD_RECURRENCE, reason=error.problem)]
    notices = judge_starts(found, when, hours, asked.class_, duration_ms=asked.duration_ms, now=asked.now)
    lacking_ms = asked.duration_ms - limits(plan, asked.class_, asked.duration_ms)[1]
    if lacking_ms > 0:
        notices.append(Notice(code=NoticeCode.LAST_END_TOO_EARLY, delta_ms=lacking_ms))
    if found.goes_on:
        notices.append(Notice(code=NoticeCode.ENDS_ON, at=found.bounded_at))
    return when, found, notices
