"""From what ought to have sounded and what did, to exactly one report an occurrence."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from loa.node_agent.core.plan import Plan
from loa.node_agent.core.plays import Play
from loa.protocol.ids import OccurrenceId, broadcast_of, start_of
from loa.protocol.reasons import ProblemCode, Reason, RefusalReason
from loa.protocol.reports import Evidence, Piece, PlayReport, ProblemReport, RefusalReport
from loa.protocol.units import DurationMs
from loa.schedules.model import Item, Outcome

SETTLE = timedelta(seconds=1)
"""How long after the end of an occurrence the player may still tell of it."""
UNNUMBERED = 1
"""Stands in a draft until the journal numbers it."""
_TOLERANCE_MS = 1_500
"""A shortfall of less is no reason to call an occurrence partly: what opening a decoder late costs."""
_MS = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reality:
    """What is known of how it went: the plays on record, and since when this agent runs."""

    plays: Mapping[OccurrenceId, Play]
    running_since: datetime
    was_unsure: Callable[[datetime], bool] = lambda _: False
    """Whether the clock was not to be relied on at an instant, or was set over it."""


def report_on(
    plan: Plan, occurrence: OccurrenceId, reality: Reality, evidence: Evidence | None = None
) -> PlayReport:
    """The report on an occurrence of the plan whose outcome is final."""
    item, outcome = plan.items[occurrence], plan.outcomes[occurrence]
    play = reality.plays.get(occurrence, Play(occurrence=occurrence))
    wanted_at = _wanted_at(plan, occurrence)
    reason = _judge(outcome, play, wanted_at, reality)
    return PlayReport(
        number=UNNUMBERED,
        occurrence=occurrence,
        planned_at=item.start_at,
        known_at=_late_knowledge(item),
        outcome=reason,
        reason_at=outcome.at,
        by=(outcome.by or outcome.legal_source or "")[:140] or None if reason is outcome.reason else None,
        late_ms=(play.own[0].from_at - wanted_at) // _MS if play.own and wanted_at else 0,
        played_ms=DurationMs(play.played_ms),
        siren_ms=DurationMs(play.siren_ms),
        pieces=_pieces(play),
        evidence=evidence,
    )


def report_on_vanished(play: Play, at: datetime) -> PlayReport:
    """The report on an occurrence that sounded and that is meant for this node no more."""
    return PlayReport(
        number=UNNUMBERED,
        occurrence=play.occurrence,
        planned_at=start_of(play.occurrence),
        outcome=Reason.WITHDRAWN,
        reason_at=at,
        played_ms=DurationMs(play.played_ms),
        siren_ms=DurationMs(play.siren_ms),
        pieces=_pieces(play),
    )


def is_owed(plan: Plan, occurrence: OccurrenceId, accounted_at: datetime) -> bool:
    """Whether anybody is to be told of an occurrence that is not reported yet.

    Not of what was over before all was accounted for, nor of repeats that were over when their broadcast
    was issued: nobody could expect them here.
    """
    item, outcome = plan.items[occurrence], plan.outcomes[occurrence]
    if outcome.at < accounted_at:
        return False
    return broadcast_of(occurrence) not in plan.recurring or item.not_after_at >= item.issued_at


def refusal(*, at: datetime, topic: str, reason: RefusalReason, detail: str, sha256: str) -> RefusalReport:
    """The draft of a refusal."""
    return RefusalReport(
        number=UNNUMBERED, at=at, topic=topic[:256], reason=reason, detail=detail[:500], sha256=sha256
    )


def problem(
    *, at: datetime, code: ProblemCode, detail: str, occurrence: OccurrenceId | None = None
) -> ProblemReport:
    """The draft of a problem."""
    return ProblemReport(number=UNNUMBERED, at=at, code=code, detail=detail[:500], occurrence=occurrence)


def _pieces(play: Play) -> tuple[Piece, ...]:
    """Where its own sound was heard; the siren's stretches are none of its pieces."""
    return tuple(Piece(from_at=one.from_at, to_at=one.to_at, offset_ms=one.offset_ms) for one in play.own)


def _judge(outcome: Outcome, play: Play, wanted_at: datetime | None, reality: Reality) -> Reason:
    """The timeline's word, unless less sounded than it demanded."""
    if play.played_ms >= outcome.sounded_ms - _TOLERANCE_MS and (play.own or not outcome.sounded_ms):
        return outcome.reason
    if play.own:
        return Reason.PARTLY if outcome.reason is Reason.COMPLETE else outcome.reason
    if play.trouble is not None:
        return play.trouble
    if wanted_at is not None and reality.was_unsure(wanted_at):
        return Reason.CLOCK_UNTRUSTED
    was_off = wanted_at is not None and wanted_at < reality.running_since
    return Reason.POWER_LOST if was_off else Reason.PLAYER_FAILED


def _wanted_at(plan: Plan, occurrence: OccurrenceId) -> datetime | None:
    return next((one.from_at for one in plan.segments if one.item_id == occurrence), None)


def _late_knowledge(item: Item) -> datetime | None:
    late = item.known_at is not None and item.known_at > item.start_at
    return item.known_at if late else None
