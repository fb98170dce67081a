"""The envelopes in which reports came, and how far each journal's chain was followed."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import tuple_
from sqlmodel import Session, col, func, select

from loa.controller.core.chaining import Head, Link, Sealed, link_of
from loa.controller.store.nodes import key_of
from loa.controller.store.reports import Journal
from loa.controller.store.tables import AuditRow, LogRow
from loa.controller.store.trust_tables import ChainRow, EnvelopeRow
from loa.controller.store.upsert import Row, insert_new, upsert
from loa.protocol.envelope import payload_of
from loa.protocol.ids import JournalId, NodeId
from loa.protocol.keys import PublicKey
from loa.protocol.reports import Reports

ENROLLED = "node.enrolled"
LINES_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class Followed:
    """How far a journal's chain was followed, and when it was said at last that it is broken."""

    head: Head
    broken_at: datetime | None = None


def insert_envelopes(session: Session, some: Sequence[Sealed], now: datetime) -> None:
    """Those that came before stay as they are."""
    insert_new(session, EnvelopeRow, [_row(one, now) for one in some])


def chains(session: Session, journals: Mapping[Journal, int]) -> dict[Journal, Followed]:
    """Of those of these journals that were ever followed."""
    named = tuple_(col(ChainRow.node_id), col(ChainRow.journal_id)).in_(journals)
    return {
        (NodeId(row.node_id), JournalId(row.journal_id)): Followed(Head(row.number, row.chain), row.broken_at)
        for row in session.exec(select(ChainRow).where(named))
    }


def store_chains(session: Session, followed: Mapping[Journal, Followed]) -> None:
    """Note how far each was followed."""
    rows: list[Row] = [
        {
            "node_id": node,
            "journal_id": journal,
            "number": one.head.number,
            "chain": one.head.chain,
            "broken_at": one.broken_at,
        }
        for (node, journal), one in followed.items()
    ]
    update = ("number", "chain", "broken_at")
    upsert(session, ChainRow, rows, key=("node_id", "journal_id"), update=update)


def links_beyond(session: Session, journal: Journal, number: int) -> list[Link]:
    """What is kept of a journal above that number."""
    found = select(EnvelopeRow.sealed).where(
        EnvelopeRow.node_id == journal[0],
        EnvelopeRow.journal_id == journal[1],
        EnvelopeRow.last_number > number,
    )
    payloads = (payload_of(text) for text in session.exec(found))
    return [link_of(Reports.from_bytes(payload), payload) for payload in payloads]


def kept_since(session: Session) -> datetime | None:
    """When the first envelope came that is kept; None if none is."""
    return session.exec(select(func.min(EnvelopeRow.received_at))).one()


def told_nodes(session: Session) -> list[NodeId]:
    """Of which there are lines of the log or envelopes, by id."""
    columns = (LogRow.node_id, EnvelopeRow.node_id, ChainRow.node_id)
    nodes = {node for column in columns for node in session.exec(select(column).distinct())}
    return [NodeId(node) for node in sorted(nodes)]


def kids_of(session: Session, node: NodeId) -> frozenset[str]:
    """The keys with which a node was enrolled, by the audit trail; if that tells none, the one it has."""
    acts = select(AuditRow.detail).where(AuditRow.act == ENROLLED, AuditRow.subject == node)
    kids = frozenset(str(json.loads(detail).get("kid")) for detail in session.exec(acts))
    key_x = key_of(session, node)
    return kids or frozenset({PublicKey.from_x(key_x).kid} if key_x else ())


def heads_of(session: Session, node: NodeId) -> dict[str, int]:
    """How far each of its journals was followed."""
    found = select(ChainRow).where(ChainRow.node_id == node)
    return {row.journal_id: row.number for row in session.exec(found)}


def envelopes_of(session: Session, node: NodeId | None = None) -> Iterator[EnvelopeRow]:
    """All, or those of a node, by node, journal and number, some at a time."""
    keys = (EnvelopeRow.node_id, EnvelopeRow.journal_id, EnvelopeRow.first_number, EnvelopeRow.last_number)
    found = select(EnvelopeRow).order_by(*(col(key) for key in keys))
    if node is not None:
        found = found.where(EnvelopeRow.node_id == node)
    for row in session.exec(found.execution_options(yield_per=LINES_AT_ONCE)):
        yield row
        session.expunge(row)


def reported_lines(session: Session, node: NodeId) -> Iterator[LogRow]:
    """The lines of a node that say that it reported, some at a time."""
    found = select(LogRow).where(LogRow.node_id == node, col(LogRow.reported_at).is_not(None))
    for row in session.exec(found.execution_options(yield_per=LINES_AT_ONCE)):
        yield row
        session.expunge(row)


def is_line(session: Session, node: NodeId, occurrence: str) -> bool:
    """Whether there is a line of an occurrence on a node, whatever it says."""
    found = select(LogRow.id).where(LogRow.node_id == node, LogRow.occurrence == occurrence)
    return session.exec(found).first() is not None


def _row(one: Sealed, now: datetime) -> Row:
    return {
        "node_id": one.batch.node,
        "journal_id": one.batch.journal_id,
        "first_number": one.link.first,
        "last_number": one.link.last,
        "key_x": one.key_x,
        "sealed": one.envelope,
        "received_at": now,
    }
