"""From a node's reports to rows: which are new, what they say, how far the journal is."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from loa.protocol.ids import JournalId, NodeId, broadcast_of
from loa.protocol.reports import PlayReport, Report

Row = dict[str, Any]
PLACE_CHARACTERS = 400
"""Of the names of the areas above a node, as a line keeps them; PostgreSQL refuses more."""


def gapless(up_to: int, numbers: Sequence[int]) -> int:
    """The highest number reached without a gap from `up_to`; `numbers` are higher, ascending, each once."""
    for number in numbers:
        if number != up_to + 1:
            break
        up_to = number
    return up_to


def report_row(node: NodeId, journal: JournalId, report: Report, now: datetime) -> Row:
    """The report as it is kept."""
    return {
        "node_id": node,
        "journal_id": journal,
        "number": report.number,
        "kind": report.kind,
        "at": report.planned_at if isinstance(report, PlayReport) else report.at,
        "received_at": now,
        "body": report.model_dump_json(exclude_none=True),
    }


def outcome_row(node: NodeId, report: PlayReport, now: datetime) -> Row:
    """What a play report says in a line of the log."""
    pieces, evidence = report.pieces, report.evidence
    return {
        "occurrence": report.occurrence,
        "broadcast_id": broadcast_of(report.occurrence),
        "node_id": node,
        "planned_at": report.planned_at,
        "outcome": report.outcome.value,
        "reason_at": report.reason_at,
        "by": None if report.by is None else report.by.replace("\0", ""),
        "started_at": pieces[0].from_at if pieces else None,
        "ended_at": pieces[-1].to_at if pieces else None,
        "late_ms": _kept(report.late_ms) if pieces else None,
        "played_ms": _kept(report.played_ms),
        "siren_ms": _kept(report.siren_ms) or None,
        "pieces": _pieces(report) if pieces else None,
        "rendered": evidence.rendered if evidence else None,
        "heard": evidence.heard if evidence else None,
        "evidence": evidence.model_dump_json(exclude_none=True) if evidence else None,
        "reported_at": now,
    }


def place_row(path: Sequence[tuple[str, str]], area: str) -> Row:
    """Where a node is, as its line keeps it for good; `path` has id and name from the widest area down."""
    return {
        "area_id": area,
        "path": "/" + "".join(f"{id_}/" for id_, _ in path),
        "place": " / ".join(name for _, name in path)[:PLACE_CHARACTERS],
    }


def _kept(number_ms: int) -> int:
    """As near as a column of 32 bits comes: 24 days; a wrong clock may be decades late."""
    return max(-(2**31), min(number_ms, 2**31 - 1))


def _pieces(report: PlayReport) -> str:
    return "[" + ",".join(piece.model_dump_json() for piece in report.pieces) + "]"
