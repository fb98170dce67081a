"""What was lost, doubled or astray: recordings of the sinks and the log, held against the plain arithmetic.

A node keeps its journal unless that was damaged; a power cut is no reason to begin another.
It is held to every piece of an occurrence, and to silence but for them, if
  - it said in time that it holds the broadcast, and had its sound on its disk; an alarm has to reach whoever
    was not deaf when it was given;
  - it was not deaf within 3 s of anything that was said later about it;
  - it was not mute (off, just started, its clock or that very recording spoilt) from just before it on.
Else it may leave out any part. Where it sounds it has to be that sound, at its place by the clock unless
something came between, once, within the hours in which it may be heard on any node at all.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from loa.protocol.ids import OccurrenceId
from tests.field.hearing import Slice
from tests.field.ledger import NEVER, ON_TIME, Due, Ledger, Piece, Stretch
from tests.flow.office import OPEN, Json
from tests.flow.times import seconds

REACHES = seconds(3)
"""What is said takes at most this long to a node that is not deaf."""
ARRIVES = seconds(9)
"""And a broadcast with its sound this long."""
SLACK = seconds(0.7)
"""So much of a piece may lack: its edges, a seam, what opening a decoder late costs."""
SHORTFALL = seconds(1.5)
"""By which the product itself tells `complete` from `partly`."""
JOURNALLED = seconds(1.5)
"""After so long a beginning is in the journal, whatever happens to the node."""
REPORTED = seconds(60)
"""So long after it is over a report may wait to be confirmed."""
AGAIN = seconds(0.5)
"""More than this of a sound a second time is a sound doubled."""
GRACE = seconds(5)
"""An alarm that comes so late counts from its start: what sounded on meanwhile comes again after it."""

Name = tuple[OccurrenceId, str]


class Place(StrEnum):
    """What may be heard at an instant."""

    CLOSED = "closed"
    """Nothing."""
    OPEN = "open"
    """Something of what was announced."""
    DOUBTFUL = "doubtful"
    """The same, but it can't be expected to be told what: too short, an edge, a seam, or damaged."""


@dataclass(frozen=True, slots=True)
class Match:
    """A slice that is what it ought to be."""

    at: datetime
    position: timedelta
    length: timedelta


@dataclass(slots=True)
class Findings:
    """In words; the counts are the verdict."""

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    stray: list[str] = field(default_factory=list)
    heard: dict[Name, list[Match]] = field(default_factory=dict)
    strict: set[Name] = field(default_factory=set)

    @property
    def is_clean(self) -> bool:
        return not (self.lost or self.doubled or self.stray)


class Judge:
    """Of one campaign."""

    def __init__(
        self, ledger: Ledger, lines: Iterable[Json], reports: Iterable[Name], journals: Mapping[str, int]
    ) -> None:
        self._ledger = ledger
        self._lines: Mapping[Name, Json] = {(line["occurrence"], line["node"]): line for line in lines}
        self._reports = Counter(reports)
        self._journals = journals
        self.findings = Findings()

    def hear(self, node: str, heard: Iterable[Slice]) -> None:
        """Judge what one node sounded."""
        strict = {due.occurrence for due in self._ledger.dues if self._is_strict(node, due)}
        self.findings.strict |= {(occurrence, node) for occurrence in strict}
        found: defaultdict[OccurrenceId, list[Match]] = defaultdict(list)
        explained = [(one, self._explain(node, one, strict)) for one in heard]
        for _, (_, match) in explained:
            if match is not None:
                found[match[0].occurrence].append(match[1])
        verdicts = [(one, place, match is not None) for one, (place, match) in explained]
        self.findings.stray += _runs(node, _unexplained(verdicts))
        self.findings.heard |= {(occurrence, node): matches for occurrence, matches in found.items()}

    def compare(self, nodes: Sequence[str]) -> Findings:
        """After everything was heard: what ought to have been heard, and what the log says of it."""
        unhealed = self._ledger.unhealed
        self.findings.lost += [
            f"{one.node or 'all'} did not come back after {one.kind} {one.number}" for one in unhealed
        ]
        for node in nodes:
            damages = sum(one.kind == "spoil_journal" and one.node == node for one in self._ledger.faults)
            if self._journals[node] > 1 + damages:
                self.findings.lost.append(f"{node} began {self._journals[node]} journals, {damages} damaged")
        for due in self._ledger.dues:
            for node in nodes:
                matches = self.findings.heard.get((due.occurrence, node), [])
                self.findings.lost += self._unheard(node, due, matches)
                self.findings.lost += self._untold(node, due, matches)
                self.findings.doubled += self._twice(node, due, matches)
        return self.findings

    # Who is held to what.

    def _is_strict(self, node: str, due: Due) -> bool:
        together = [due, *due.beside]
        return all(self._knew(node, one) and not self._is_muted(node, one) for one in together)

    def _is_muted(self, node: str, due: Due) -> bool:
        when = Stretch(due.planned_at - seconds(1), due.may.to_at)
        return any(span.mute for span in self._ledger.met(node, when, due.recording))

    def _knew(self, node: str, due: Due) -> bool:
        if node not in due.holders or any(self._is_deaf(node, at, REACHES) for at in due.turns):
            return False
        if due.scene == "alarm":
            return not self._is_deaf(node, due.said_at, REACHES)
        line = self._lines.get((due.occurrence, node))
        if line is None or line["delivered_at"] is None:
            return False
        return datetime.fromisoformat(line["delivered_at"]) < due.planned_at - seconds(1)

    def _is_deaf(self, node: str, at: datetime, until: timedelta) -> bool:
        return any(span.deaf or span.mute for span in self._ledger.met(node, Stretch(at, at + until)))

    # What is heard.

    def _explain(
        self, node: str, one: Slice, strict: set[OccurrenceId]
    ) -> tuple[Place, tuple[Due, Match] | None]:
        """What a slice is of, and if it can't be told whether something may be heard there."""
        possible = [
            (due, shift)
            for shift in self._shifts(node, one)
            for due in self._ledger.dues
            if self._may_be(due, one, shift, is_strict=due.occurrence in strict)
        ]
        for due, shift in possible:
            position = self._position(node, due, one, shift, is_strict=due.occurrence in strict)
            if position is not None:
                return Place.OPEN, (due, Match(one.at, position, one.length))
        if not possible:
            return Place.CLOSED, None
        is_doubtful = one.is_edge or not one.is_judged or self._is_seam(possible, one)
        is_spoilt = any(self._is_spoilt(node, due) for due, _ in possible)
        return Place.DOUBTFUL if is_doubtful or is_spoilt else Place.OPEN, None

    def _shifts(self, node: str, one: Slice) -> list[timedelta]:
        """By which its clock may differ from the one that its timeline goes by; first of all, not at all."""
        off = [span for span in self._ledger.spans if span.is_of(node) and span.astray]
        return [NEVER, *(span.astray for span in off if span.when.meets(_when(one, span.astray)))]

    def _may_be(self, due: Due, one: Slice, shift: timedelta, *, is_strict: bool) -> bool:
        windows = due.informed if is_strict else [due.may]
        when = _when(one, shift)
        return any(
            window.from_at - ON_TIME <= when.from_at and when.to_at <= window.to_at + ON_TIME
            for window in windows
        )

    def _position(
        self, node: str, due: Due, one: Slice, shift: timedelta, *, is_strict: bool
    ) -> timedelta | None:
        if not one.is_judged:
            return None
        at = one.at - shift
        near = [at - piece.when.from_at + piece.offset for piece in due.pieces if _covers(piece, at)]
        if is_strict and near:
            return one.position_in(due.sound, near[0], ON_TIME)
        if due.keeps_time and not shift and not self._is_astray(node, due):
            return one.position_in(due.sound, at - due.planned_at, ON_TIME)
        return one.position_in(due.sound, None, ON_TIME)

    def _is_astray(self, node: str, due: Due) -> bool:
        return any(span.astray for span in self._ledger.met(node, due.may.wider(seconds(60))))

    def _is_seam(self, possible: Sequence[tuple[Due, timedelta]], one: Slice) -> bool:
        """Whether two sounds meet in it, or two parts of one."""
        edges = {
            edge
            for due, _ in possible
            for piece in due.pieces
            for edge in (piece.when.from_at, piece.when.to_at)
        }
        when = Stretch(one.at, one.at + one.length).wider(ON_TIME)
        return any(when.from_at <= edge <= when.to_at for edge in edges)

    def _is_spoilt(self, node: str, due: Due) -> bool:
        return any(span.recording for span in self._ledger.met(node, due.may, due.recording))

    # What is not heard, or heard again.

    def _unheard(self, node: str, due: Due, matches: Sequence[Match]) -> Iterator[str]:
        if (due.occurrence, node) in self.findings.strict:
            for piece in due.pieces:
                heard = sum((one.length for one in matches if _covers(piece, one.at)), start=timedelta(0))
                if piece.length - heard > SLACK:
                    yield f"{_name(due, node)}: {heard} heard of the {piece.length} from {piece.when.from_at}"
        elif self._must_have_known(node, due):
            yield f"{_name(due, node)}: it was not there in time, and nothing kept it away"

    def _must_have_known(self, node: str, due: Due) -> bool:
        in_time = due.said_at + ARRIVES < due.planned_at - seconds(4)
        return in_time and not self._knew_unless_deaf(node, due)

    def _knew_unless_deaf(self, node: str, due: Due) -> bool:
        when = due.planned_at - due.said_at
        spans = self._ledger.met(node, Stretch(due.said_at, due.said_at + when))
        return self._knew(node, due) or any(span.starved or span.deaf or span.mute for span in spans)

    def _untold(self, node: str, due: Due, matches: Sequence[Match]) -> Iterator[str]:
        name = (due.occurrence, node)
        line = self._lines.get(name)
        heard = sum((match.length for match in matches), start=timedelta(0))
        if line is None:
            yield f"{_name(due, node)}: not even expected ({heard} heard)"
            return
        if line["outcome"] in OPEN:
            if name not in self._ledger.excused and not self._never_learnt(node, due, line):
                yield f"{_name(due, node)}: no report ({heard} heard)"
            return
        told = _told(line)
        if line["outcome"] == "complete" and heard < due.length - SHORTFALL:
            yield f"{_name(due, node)}: said to be complete, {heard} heard"
        elif told > seconds(1) and heard == NEVER:
            yield f"{_name(due, node)}: said to have sounded for {told}, nothing heard"
        elif heard > SLACK and not line["pieces"] and not self._was_just_begun(node, due, matches):
            yield f"{_name(due, node)}: said to be {line['outcome']}, {heard} heard"

    def _never_learnt(self, node: str, due: Due, line: Json) -> bool:
        if line["delivered_at"]:
            return False
        return self._is_deaf(node, due.said_at, due.may.to_at - due.said_at)

    def _was_just_begun(self, node: str, due: Due, matches: Sequence[Match]) -> bool:
        """It went off before the beginning was on its disk, which may have taken nothing at that time."""
        if (due.occurrence, node) in self._ledger.excused:
            return True
        begun_at = matches[0].at
        spans = self._ledger.met(node, Stretch(begun_at, begun_at + JOURNALLED))
        unwritten = [span.when for span in spans if span.unwritten]
        later = [span for when in unwritten for span in self._ledger.met(node, when)]
        return any(span.mute and not span.astray for span in [*spans, *later])

    def _twice(self, node: str, due: Due, matches: Sequence[Match]) -> Iterator[str]:
        again = NEVER
        for number, one in enumerate(matches):
            again += max((_common(one, other) for other in matches[:number]), default=NEVER)
        is_late = bool(due.turns) and (due.occurrence, node) not in self.findings.strict
        if again > AGAIN + (GRACE if is_late else NEVER):
            yield f"{_name(due, node)}: {again} of it heard again"
        if self._reports[due.occurrence, node] > 1 + self._damages(node, due):
            yield f"{_name(due, node)}: {self._reports[due.occurrence, node]} reports"

    def _damages(self, node: str, due: Due) -> int:
        """How often a journal was lost that may have held the report: the next one cannot know of it.

        One that a disk did not take was in memory alone.
        """
        damaged = sum(
            fault.kind == "spoil_journal" and fault.node == node and fault.at > due.said_at
            for fault in self._ledger.faults
        )
        spans = self._ledger.met(node, Stretch(due.said_at, due.may.to_at + REPORTED))
        return damaged + sum(span.unwritten for span in spans)


def _covers(piece: Piece, at: datetime) -> bool:
    return piece.when.from_at - ON_TIME <= at < piece.when.to_at + ON_TIME


def _when(one: Slice, shift: timedelta) -> Stretch:
    return Stretch(one.at - shift, one.at + one.length - shift)


def _common(one: Match, other: Match) -> timedelta:
    """How much of the recording both hold, if they were heard at different times."""
    begin = max(one.position, other.position)
    end = min(one.position + one.length, other.position + other.length)
    return max(NEVER, end - begin)


def _told(line: Json) -> timedelta:
    pieces = (
        (datetime.fromisoformat(one["from_at"]), datetime.fromisoformat(one["to_at"]))
        for one in line["pieces"]
    )
    return sum((end - begin for begin, end in pieces), start=timedelta(0))


def _unexplained(verdicts: Sequence[tuple[Slice, Place, bool]]) -> list[Slice]:
    """Without single ones between two that are as they ought to be: there one sound went over to another."""
    known = [is_known or place is Place.DOUBTFUL for _, place, is_known in verdicts]
    return [
        one
        for number, (one, place, _) in enumerate(verdicts)
        if not known[number]
        and not (
            place is Place.OPEN and 0 < number < len(known) - 1 and known[number - 1] and known[number + 1]
        )
    ]


def _runs(node: str, unknown: Sequence[Slice]) -> Iterator[str]:
    """One finding for what hangs together."""
    begun: Slice | None = None
    last: Slice | None = None
    for one in [*unknown, None]:
        if begun and last and (one is None or one.at - last.at > 2 * last.length + ON_TIME):
            yield f"{node}: {(last.at + last.length - begun.at).total_seconds():.2f} s from {begun.at}"
            begun = None
        begun = begun or one
        last = one


def _name(due: Due, node: str) -> str:
    return f"{node} {due.scene} {due.occurrence[:8]} of {due.planned_at:%d %H:%M:%S}"
