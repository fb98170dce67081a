"""What nodes reported, stored many at a time, and how far each journal is without a gap."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import tuple_
from sqlmodel import Session, col, select

from loa.controller.core.expected import EXPECTED, MISSED
from loa.controller.store.tables import BroadcastRow, JournalRow, LogRow, NodeRow, ReportRow
from loa.controller.store.upsert import Row, insert_new, upsert
from loa.protocol.broadcast import Broadcast
from loa.protocol.ids import BroadcastId, JournalId, NodeId

Journal = tuple[NodeId, JournalId]


@dataclass(frozen=True, slots=True)
class Facts:
    """What a line of the log says of its broadcast."""

    title: str
    field: str
    class_: str
    duration_ms: int
    drill: bool | None = None


def keys_of(session: Session, nodes: Iterable[NodeId]) -> dict[NodeId, str]:
    """The public keys of these nodes, as far as they are enrolled and in service."""
    found = select(NodeRow.id, NodeRow.key_x).where(
        col(NodeRow.id).in_(list(nodes)), col(NodeRow.key_x).is_not(None), col(NodeRow.retired_at).is_(None)
    )
    return {NodeId(node): key_x or "" for node, key_x in session.exec(found)}


def insert_reports(session: Session, rows: list[Row]) -> None:
    """Those that are there already stay as they are."""
    insert_new(session, ReportRow, rows)


def journals(session: Session, wanted: set[Journal]) -> dict[Journal, int]:
    """How far each is stored without a gap; 0 for a new one."""
    found = select(JournalRow.node_id, JournalRow.journal_id, JournalRow.up_to).where(
        tuple_(col(JournalRow.node_id), col(JournalRow.journal_id)).in_(wanted)
    )
    known = {(NodeId(node), JournalId(journal)): up_to for node, journal, up_to in session.exec(found)}
    return {journal: known.get(journal, 0) for journal in wanted}


def beyond(session: Session, up_to: dict[Journal, int]) -> dict[Journal, list[int]]:
    """The numbers stored above each journal's gapless part, in order."""
    lowest = min(up_to.values())
    found = (
        select(ReportRow.node_id, ReportRow.journal_id, ReportRow.number)
        .where(tuple_(col(ReportRow.node_id), col(ReportRow.journal_id)).in_(up_to))
        .where(ReportRow.number > lowest)
        .order_by(col(ReportRow.number))
    )
    numbers: defaultdict[Journal, list[int]] = defaultdict(list)
    for node, journal, number in session.exec(found):
        key = (NodeId(node), JournalId(journal))
        if number > up_to[key]:
            numbers[key].append(number)
    return numbers


def store_journals(session: Session, up_to: dict[Journal, int], now: datetime) -> None:
    """Note how far each journal is."""
    rows: list[Row] = [
        {"node_id": node, "journal_id": journal, "up_to": number, "seen_at": now}
        for (node, journal), number in up_to.items()
    ]
    upsert(session, JournalRow, rows, key=("node_id", "journal_id"), update=("up_to", "seen_at"))


def facts_of(session: Session, broadcasts: set[BroadcastId]) -> dict[BroadcastId, Facts]:
    """Of those that the database knows."""
    found = select(BroadcastRow.id, BroadcastRow.document).where(col(BroadcastRow.id).in_(broadcasts))
    return {BroadcastId(id_): _facts(document) for id_, document in session.exec(found)}


def upsert_outcomes(session: Session, rows: list[Row]) -> None:
    """Give lines of the log their outcomes; a line that nobody expected is made.

    The first report on an occurrence stands, unless a later one knows of more that sounded: a node that lost
    its journal learns of everything anew and finds itself too late for it, and one whose disk takes no writes
    forgets what it told.
    """
    upsert(session, LogRow, rows, key=("occurrence", "node_id"), update=OUTCOME, where=_KNOWS_MORE)


_KNOWS_MORE = f"log.outcome IN ('{EXPECTED}', '{MISSED}') OR excluded.played_ms > COALESCE(log.played_ms, 0)"


OUTCOME = (
    "outcome",
    "reason_at",
    "by",
    "started_at",
    "ended_at",
    "late_ms",
    "played_ms",
    "siren_ms",
    "pieces",
    "rendered",
    "heard",
    "evidence",
    "reported_at",
)
"""The columns of a line that a report fills."""


def _facts(document: str) -> Facts:
    broadcast = Broadcast.from_bytes(document)
    return Facts(
        broadcast.title, broadcast.field, broadcast.class_, broadcast.source.duration_ms, broadcast.drill
    )
