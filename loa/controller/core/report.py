"""What a month of the log comes to: what surely sounded, what nobody can know, what did not sound.

Doubt is never averaged away: a line of which nobody knows stands neither with those heard nor with those that
failed. What a person or a rule kept silent stands apart, too, since nothing was to sound.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from loa.controller.core.expected import EXPECTED, MISSED
from loa.protocol.reasons import Reason


class Standing(StrEnum):
    """What a line counts as."""

    HEARD = "heard"
    """Played to its end, and a microphone heard it."""
    UNHEARD = "unheard"
    """Played, and nothing listened: nobody can know whether it was heard."""
    UNREPORTED = "unreported"
    """The node has not reported, so that nobody can know."""
    SHORT = "short"
    """A part of it was played."""
    SILENT = "silent"
    """Played, and an ear of the node did not find it."""
    NOT_PLAYED = "not_played"
    """It ought to have been played, and was not."""
    KEPT_SILENT = "kept_silent"
    """A person stopped or withdrew it, or a rule forbade it."""
    TO_COME = "to_come"


DOUBT = (Standing.UNHEARD, Standing.UNREPORTED)
FAILED = (Standing.SHORT, Standing.SILENT, Standing.NOT_PLAYED)
COUNTED = (Standing.HEARD, *DOUBT, *FAILED)
"""What ought to have sounded: the whole of which shares are told."""
KEPT = frozenset(
    {
        Reason.QUIET_HOURS,
        Reason.INTO_QUIET_HOURS,
        Reason.MINUTES_USED_UP,
        Reason.SILENCED,
        Reason.WITHDRAWN,
        Reason.DISPLACED,
    }
)
LATE_FROM_MS = (None, -50, 51, 1_001, 2_001, 5_001, 10_001)
"""Where the classes of punctuality begin: early, on time, up to 1, 2, 5, 10 seconds late, later."""
PUNCTUAL = 5
"""So many classes lie within five seconds."""


def standing(
    outcome: str, *, played: bool, rendered: bool | None, heard: bool | None, due: bool = True
) -> Standing:
    """What a line counts as; `due` is whether its time has come."""
    if outcome == EXPECTED:
        return Standing.UNREPORTED if due else Standing.TO_COME
    if outcome == MISSED:
        return Standing.UNREPORTED
    if not played:
        return Standing.KEPT_SILENT if outcome in KEPT else Standing.NOT_PLAYED
    if rendered is False or heard is False:
        return Standing.SILENT
    if outcome != Reason.COMPLETE:
        return Standing.KEPT_SILENT if outcome in KEPT else Standing.SHORT
    return Standing.HEARD if heard else Standing.UNHEARD


@dataclass(frozen=True, slots=True, kw_only=True)
class Sum:
    """Lines that are alike."""

    day: int
    """Of the month, from 1."""
    field: str
    class_: str
    outcome: str
    played: bool
    rendered: bool | None
    heard: bool | None
    late: int
    """The class of punctuality; -1 where nothing sounded."""
    lines: int
    played_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeSum:
    """Lines of one node on one day that are alike."""

    node: str
    day: int
    outcome: str
    played: bool
    rendered: bool | None
    heard: bool | None
    lines: int


@dataclass(frozen=True, slots=True)
class NodeDays:
    """How a node did on each day of the month."""

    node: str
    days: Mapping[int, Counter[Standing]]

    @property
    def failed(self) -> int:
        """Lines that did not sound as they ought."""
        return sum(day[one] for day in self.days.values() for one in FAILED)

    @property
    def counted(self) -> int:
        """Lines that ought to have sounded."""
        return sum(day[one] for day in self.days.values() for one in COUNTED)


@dataclass(slots=True)
class Month:
    """The sums of a month."""

    standings: Counter[Standing] = field(default_factory=Counter)
    days: dict[int, Counter[Standing]] = field(default_factory=dict)
    field_ms: Counter[str] = field(default_factory=Counter)
    class_ms: Counter[str] = field(default_factory=Counter)
    late: Counter[int] = field(default_factory=Counter)
    nodes: list[NodeDays] = field(default_factory=list)
    """Those with failures, the worst first."""

    @property
    def counted(self) -> int:
        """Lines that ought to have sounded."""
        return self.total(COUNTED)

    @property
    def punctual(self) -> int:
        """Lines that began within five seconds of their time."""
        return sum(number for late, number in self.late.items() if late < PUNCTUAL)

    def total(self, which: Iterable[Standing]) -> int:
        """Lines of these standings."""
        return sum(self.standings[one] for one in which)

    def worst_days(self, most: int = 2) -> list[int]:
        """The days with the most failures, in order; empty if there were none."""
        failed = {day: sum(counts[one] for one in FAILED) for day, counts in self.days.items()}
        worst = sorted((day for day in failed if failed[day]), key=lambda day: (-failed[day], day))
        return sorted(worst[:most])


def month_of(sums: Iterable[Sum], node_sums: Iterable[NodeSum], *, last_due: int) -> Month:
    """Add them up; lines of days after `last_due` that nobody has reported are still to come."""
    month = Month()
    for one in sums:
        kind = _standing(one, last_due)
        month.standings[kind] += one.lines
        month.days.setdefault(one.day, Counter())[kind] += one.lines
        month.field_ms[one.field] += one.played_ms
        month.class_ms[one.class_] += one.played_ms
        if one.late >= 0:
            month.late[one.late] += one.lines
    month.nodes = _nodes(node_sums, last_due)
    return month


def share_pct(part: int, whole: int) -> int:
    """In percent, so rounded that 100 means all and 0 means none."""
    if not whole or part in {0, whole}:
        return 100 if whole and part else 0
    return min(max(round(100 * part / whole), 1), 99)


def _standing(one: Sum | NodeSum, last_due: int) -> Standing:
    return standing(
        one.outcome, played=one.played, rendered=one.rendered, heard=one.heard, due=one.day <= last_due
    )


def _nodes(sums: Iterable[NodeSum], last_due: int) -> list[NodeDays]:
    found: dict[str, dict[int, Counter[Standing]]] = {}
    for one in sums:
        found.setdefault(one.node, {}).setdefault(one.day, Counter())[_standing(one, last_due)] += one.lines
    nodes = [NodeDays(node, days) for node, days in found.items()]
    return sorted((node for node in nodes if node.failed), key=lambda node: (-node.failed, node.node))
