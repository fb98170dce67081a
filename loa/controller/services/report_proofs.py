"""Holds the whole log against the envelopes that prove it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from loa.controller.core.report_proofs import PROVED, Flaw, Found, Kept, NodeProofs
from loa.controller.store import envelopes as store
from loa.controller.store.database import Session
from loa.controller.store.tables import LogRow
from loa.controller.store.trust_tables import EnvelopeRow
from loa.protocol.ids import JournalId, NodeId


@dataclass(slots=True)
class Tally:
    """What was looked at."""

    nodes: int = 0
    envelopes: int = 0
    unchained: int = 0
    """Envelopes from agents that do not chain."""
    lines: int = 0
    """Lines that say what the envelopes say."""
    older: int = 0
    """Lines from before the time from which on everything is to be proved."""


class ReportProofs:
    """In constant memory but for the reports of one node."""

    def __init__(self, session: Session, *, since: datetime | None, lines_from: datetime | None) -> None:
        """Flaws from before `since` are passed over; lines planned before `lines_from` may be deleted.

        Without `since` everything is to be proved from the first envelope on that is kept.
        """
        self._session = session
        self._since = since or store.kept_since(session)
        self._lines_from = lines_from
        self.tally = Tally()

    @property
    def since(self) -> datetime | None:
        """From when on everything is to be proved; None: there is nothing to prove it."""
        return self._since

    def check(self) -> Iterator[tuple[NodeId, Found]]:
        """All that is wrong, node by node."""
        for node in store.told_nodes(self._session):
            self.tally.nodes += 1
            for found in self._check(node):
                yield node, found

    def _check(self, node: NodeId) -> Iterator[Found]:
        kids, is_complete = store.kids_of(self._session, node), self._lines_from is None
        proofs = NodeProofs(node, kids=kids, is_complete=is_complete)
        for row in store.envelopes_of(self._session, node):
            self.tally.envelopes += 1
            found = list(proofs.take(_kept(row)))
            yield from found if self._counts(row.received_at) else ()
        self.tally.unchained += proofs.unchained
        yield from proofs.end(store.heads_of(self._session, node))
        yield from self._check_lines(node, proofs)

    def _check_lines(self, node: NodeId, proofs: NodeProofs) -> Iterator[Found]:
        for line in store.reported_lines(self._session, node):
            found = proofs.check_line(_row(line))
            if not self._counts(line.reported_at):
                self.tally.older += 1
            elif found is None:
                self.tally.lines += 1
            else:
                yield found
        for occurrence, (planned_at, received_at) in proofs.lineless().items():
            if not self._counts(received_at):
                continue
            if store.is_line(self._session, node, occurrence):
                yield Found(Flaw.LINE_ALTERED, occurrence, "it says that nobody reported")
            elif self._lines_from is None or planned_at >= self._lines_from:
                yield Found(Flaw.LINE_MISSING, occurrence)

    def _counts(self, at: datetime | None) -> bool:
        return self._since is not None and at is not None and at >= self._since


def _kept(row: EnvelopeRow) -> Kept:
    journal = JournalId(row.journal_id)
    return Kept(journal, row.first_number, row.last_number, row.key_x, row.sealed, row.received_at)


def _row(line: LogRow) -> dict[str, object]:
    return {"occurrence": line.occurrence} | {name: getattr(line, name) for name in PROVED}
