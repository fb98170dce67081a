"""How a release spreads: which node is in which stage, and when the next stage may begin or all must stop."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from fractions import Fraction

from loa.protocol.ids import NodeId
from loa.protocol.reasons import UpdateOutcome
from loa.protocol.reports import RefusalReport, UpdateReport
from loa.protocol.topics import Channel

AUTOMATIC = (Fraction(0), Fraction(1, 100), Fraction(1, 10), Fraction(1))
"""One node, then so much of all nodes."""
ENOUGH = 20
"""Of fewer nodes that have finished, the first failure says little about a rate."""


class Standing(StrEnum):
    """How far a node is in a rollout."""

    WAITING = "waiting"
    """It has not been told, or has told nothing yet."""
    ON_TRIAL = "on_trial"
    """The new version runs there, and has to report."""
    KEPT = "kept"
    ROLLED_BACK = "rolled_back"
    FAILED = "failed"
    REFUSED = "refused"


class Status(StrEnum):
    """How a rollout is."""

    RUNNING = "running"
    HALTED = "halted"
    """Nodes that had not begun are left as they are."""
    DONE = "done"


BAD = frozenset({Standing.ROLLED_BACK, Standing.FAILED, Standing.REFUSED})
FINAL = BAD | {Standing.KEPT}
_OF = {
    UpdateOutcome.INSTALLED: Standing.ON_TRIAL,
    UpdateOutcome.KEPT: Standing.KEPT,
    UpdateOutcome.ROLLED_BACK: Standing.ROLLED_BACK,
    UpdateOutcome.FAILED: Standing.FAILED,
    UpdateOutcome.REFUSED: Standing.REFUSED,
}


@dataclass(frozen=True, slots=True)
class News:
    """What a node told of a bundle."""

    node: NodeId
    sha256: str
    rollout: int | None
    """None: whichever is the last with that bundle, as a refusal does not say."""
    standing: Standing
    detail: str
    runs: str


@dataclass(frozen=True, slots=True)
class Member:
    """A node in a rollout."""

    node: NodeId
    stage: int
    standing: Standing
    changed_at: datetime | None
    is_here: bool
    """Whether it is connected; the others must not hold everybody up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """What was ordered, and how far it is."""

    stage: int
    """From 0; nodes of this one and those before are told."""
    stages: int
    began_at: datetime
    """When the stage began."""
    observe: timedelta
    """So long all has to be well before the next stage."""
    stop_at_pct: int


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing changes yet."""


@dataclass(frozen=True, slots=True)
class NextStage:
    """More nodes are to be told."""


@dataclass(frozen=True, slots=True)
class Halt:
    """Too many failed."""

    why: str


@dataclass(frozen=True, slots=True)
class Done:
    """Every node has finished."""


Decision = Wait | NextStage | Halt | Done


def news_of(node: NodeId, report: UpdateReport | RefusalReport) -> News | None:
    """What a report says of a bundle; None for a refusal of something else."""
    if isinstance(report, UpdateReport):
        standing = _OF[report.outcome]
        return News(node, report.sha256, report.rollout, standing, report.detail, report.runs)
    if not report.topic.endswith(f"/{Channel.CONFIG}"):
        return None
    return News(node, report.sha256, None, Standing.REFUSED, f"{report.reason}: {report.detail}", "")


def decide(course: Course, members: Sequence[Member], now: datetime) -> Decision:
    """What is to happen now. `members` are all nodes of the rollout that are in service."""
    told = [one for one in members if one.stage <= course.stage]
    if (why := _too_many(course, told)) is not None:
        return Halt(why)
    if all(one.standing in FINAL for one in members):
        return Done()
    is_last = course.stage + 1 >= course.stages
    if is_last or not _is_settled([one for one in told if one.stage == course.stage]):
        return Wait()
    return NextStage() if now - _well_since(course, told) >= course.observe else Wait()


def _too_many(course: Course, told: Sequence[Member]) -> str | None:
    bad = [one for one in told if one.standing in BAD]
    finished = sum(one.standing in FINAL for one in told)
    if len(bad) * 100 <= course.stop_at_pct * max(finished, min(len(told), ENOUGH)):
        return None
    counts = Counter(one.standing.value for one in bad)
    said = ", ".join(f"{count} {standing}" for standing, count in sorted(counts.items()))
    return f"{len(bad)} of {finished} nodes that finished: {said}; the limit is {course.stop_at_pct} %"


def _well_since(course: Course, told: Sequence[Member]) -> datetime:
    """When half of those in the stage that keep it had it: whoever comes back later puts nothing off."""
    kept = [one for one in told if one.stage == course.stage and one.standing is Standing.KEPT]
    times = sorted(one.changed_at for one in kept if one.changed_at is not None)
    return max(course.began_at, times[(len(times) - 1) // 2]) if times else course.began_at


def _is_settled(stage: Sequence[Member]) -> bool:
    """Somebody keeps it, and nobody who is there is still to finish. A stage without nodes is."""
    waits = any(one.is_here and one.standing not in FINAL for one in stage)
    return not waits and (not stage or any(one.standing is Standing.KEPT for one in stage))


def automatic_stages(nodes: Mapping[NodeId, str], here: Collection[NodeId]) -> list[list[NodeId]]:
    """One node, 1 %, 10 % and all of them; after the first, whole areas at a time.

    `nodes` says in which area each is: a fault stays in few places, and those are seen whole. The first one
    is of those that are `here`, if any is, since a node that is away would hold up all others.
    """
    first = min(here, default=None)
    home = None if first is None else nodes[first]
    order = sorted(nodes, key=lambda node: (nodes[node] != home, nodes[node], node != first, node))
    stages: list[list[NodeId]] = []
    begun = 0
    for share in AUTOMATIC:
        until = _whole_areas(order, nodes, share)
        if until > begun:
            stages.append(order[begun:until])
            begun = until
    return stages


def stages_by_area(stages: Iterable[Iterable[NodeId]]) -> list[list[NodeId]]:
    """As they were ordered; a node that is in several is in the first."""
    seen: set[NodeId] = set()
    found: list[list[NodeId]] = []
    for stage in stages:
        new = sorted(set(stage) - seen)
        seen |= set(new)
        if new:
            found.append(new)
    return found


def _whole_areas(order: Sequence[NodeId], nodes: Mapping[NodeId, str], share: Fraction) -> int:
    """How many of the nodes in order make up the share; a single one for none."""
    if not share:
        return min(1, len(order))
    until = -(-len(order) * share.numerator // share.denominator)
    while 0 < until < len(order) and nodes[order[until]] == nodes[order[until - 1]]:
        until += 1
    return until
