"""Whether the log says what nodes signed: envelopes and lines of one node, held against each other."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from loa.controller.core.chaining import START, Head, Link, follow, link_of
from loa.controller.core.ingest import Row, outcome_row
from loa.protocol.chain import GENESIS
from loa.protocol.codec import decode
from loa.protocol.envelope import payload_of
from loa.protocol.errors import MalformedError, ProtocolError
from loa.protocol.ids import JournalId, NodeId
from loa.protocol.keys import KeyRing, PublicKey
from loa.protocol.reports import PlayReport, Reports
from loa.protocol.topics import Channel, Topic

PROVED = (
    "planned_at",
    "outcome",
    "reason_at",
    "by",
    "started_at",
    "ended_at",
    "late_ms",
    "played_ms",
    "siren_ms",
    "rendered",
    "heard",
)
"""The columns of a line that are held against the report."""


class Flaw(StrEnum):
    """What is not as it should be."""

    SIGNATURE = "signature"
    """An envelope is not what its node signed."""
    KEY = "key"
    """An envelope is signed with a key with which the node was never enrolled."""
    PLACE = "place"
    """An envelope is kept as another one than it is."""
    MISSING = "missing"
    """Envelopes are missing between others, or at the end."""
    ALTERED = "altered"
    """What is kept is not what the node says, in a later envelope, that it told."""
    LINE_ALTERED = "line_altered"
    """A line of the log does not say what the node reported."""
    LINE_MISSING = "line_missing"
    """A line that the node reported is not in the log."""
    LINE_UNPROVED = "line_unproved"
    """A line says that the node reported, and no envelope has the report."""


@dataclass(frozen=True, slots=True)
class Found:
    """A flaw, in a journal (with the numbers of reports) or in a line (with its occurrence)."""

    flaw: Flaw
    where: str
    what: str = ""


@dataclass(frozen=True, slots=True)
class Kept:
    """An envelope as it is kept."""

    journal: JournalId
    first: int
    last: int
    key_x: str
    envelope: str
    received_at: datetime


@dataclass(frozen=True, slots=True)
class _Best:
    rank: tuple[int, datetime]
    """What sounded, negative, and when the report came: the least stands."""
    said: list[Row]
    """What the line may say: of reports that came at the same time, any."""

    @property
    def received_at(self) -> datetime:
        return self.rank[1]


class NodeProofs:
    """Takes a node's envelopes in the order of their numbers, journal by journal, then its lines."""

    def __init__(self, node: NodeId, *, kids: frozenset[str], is_complete: bool) -> None:
        self._node = node
        self._kids = kids
        self._is_complete = is_complete
        """Whether no envelope was deleted for its age."""
        self._heads: dict[str, Head] = {}
        self._best: dict[str, _Best] = {}
        self.unchained = 0
        """Envelopes from an agent that does not chain."""

    def take(self, kept: Kept) -> Iterator[Found]:
        """What is wrong with an envelope."""
        where = _where(kept.journal, kept.first, kept.last)
        try:
            batch = self._open(kept)
            link = link_of(batch, payload_of(kept.envelope))
        except ProtocolError as error:
            yield Found(Flaw.SIGNATURE, where, str(error))
            return
        if PublicKey.from_x(kept.key_x).kid not in self._kids:
            yield Found(Flaw.KEY, where, f"key {kept.key_x}")
        if (batch.journal_id, link.first, link.last) != (kept.journal, kept.first, kept.last):
            yield Found(Flaw.PLACE, where, f"it is {_where(batch.journal_id, link.first, link.last)}")
            return
        self.unchained += link.before is None
        yield from self._follow(kept.journal, link)
        for report in batch.reports:
            if isinstance(report, PlayReport):
                self._learn(report, kept.received_at)

    def end(self, followed: Mapping[str, int]) -> Iterator[Found]:
        """What is missing after the last envelopes; `followed` is how far there were some, by journal."""
        for journal, number in followed.items():
            head = self._heads.get(journal)
            if head is None and not self._is_complete:
                continue
            last = 0 if head is None else head.number
            if last < number:
                yield Found(Flaw.MISSING, _where(journal, last + 1, number))

    def check_line(self, line: Row) -> Found | None:
        """What is wrong with a line that says that the node reported."""
        best = self._best.pop(line["occurrence"], None)
        if best is None:
            return Found(Flaw.LINE_UNPROVED, line["occurrence"])
        differing = [[name for name in PROVED if said[name] != line[name]] for said in best.said]
        least = min(differing, key=len)
        return Found(Flaw.LINE_ALTERED, line["occurrence"], ", ".join(least)) if least else None

    def lineless(self) -> dict[str, tuple[datetime, datetime]]:
        """What was reported and is in no line so far: when it was planned, and when the report came."""
        return {name: (best.said[0]["planned_at"], best.received_at) for name, best in self._best.items()}

    def _open(self, kept: Kept) -> Reports:
        keys = KeyRing([PublicKey.from_x(kept.key_x)])
        message = decode(Topic(Channel.REPORTS, self._node), kept.envelope.encode(), keys)
        if not isinstance(message, Reports):
            raise MalformedError("the envelope holds no reports")
        return message

    def _follow(self, journal: JournalId, link: Link) -> Iterator[Found]:
        head, breaks = follow(self._heads.get(journal) or self._begin(link), [link], reached=link.last)
        self._heads[journal] = head
        for one in breaks:
            yield Found(Flaw(one.fault.value), _where(journal, one.first, one.last))

    def _begin(self, link: Link) -> Head:
        """Older reports are not kept, or not chained, or taken away."""
        may_begin = link.before in {None, GENESIS} or not self._is_complete
        return Head(link.first - 1, None) if may_begin and link.first > 1 else START

    def _learn(self, report: PlayReport, received_at: datetime) -> None:
        """As the log does: what says that more sounded stands, else what came first."""
        row = outcome_row(self._node, report, received_at)
        said = {name: row[name] for name in PROVED}
        mine = (-row["played_ms"], received_at)
        best = self._best.get(report.occurrence)
        if best is None or mine < best.rank:
            self._best[report.occurrence] = _Best(mine, [said])
        elif mine == best.rank:
            best.said.append(said)


def _where(journal: str, first: int, last: int) -> str:
    return f"journal {journal}, reports {first} to {last}"
