"""Which occurrences ought to sound on which nodes: the lines that the log must have."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from loa.controller.core.ingest import Row
from loa.protocol.broadcast import Broadcast, Entry
from loa.protocol.ids import NodeId
from loa.schedules.errors import RecurrenceError
from loa.schedules.expand import expand
from loa.schedules.model import Item, Window
from loa.schedules.placing import place

BACK = timedelta(days=1)
"""A broadcast's occurrence may begin up to a day after its start."""


@dataclass(frozen=True, slots=True)
class Line:
    """One occurrence that a node of an area is to sound."""

    item: Item
    broadcast: Broadcast


def expected_lines(entries: Iterable[Entry], from_at: datetime, until_at: datetime) -> Iterator[Line]:
    """The occurrences that can begin in the window; a rule that cannot be followed has none."""
    window = Window(from_at=from_at - BACK, until_at=until_at)
    for entry in entries:
        for item in _items(entry, window):
            if item.not_after_at >= max(entry.issued_at, from_at):
                yield Line(item, entry.broadcast)


def line_row(line: Line, node: NodeId, place: Row) -> Row:
    """The line as it is kept until the node reports."""
    broadcast = line.broadcast
    row: dict[str, Any] = {
        "occurrence": line.item.id,
        "broadcast_id": line.item.id.partition("@")[0],
        "node_id": node,
        "title": broadcast.title,
        "field": broadcast.field,
        "class": broadcast.class_.value,
        "drill": broadcast.drill,
        "planned_at": line.item.start_at,
        "duration_ms": line.item.duration_ms,
        "outcome": EXPECTED,
    }
    return row | place


def _items(entry: Entry, window: Window) -> Sequence[Item]:
    try:
        return expand([place(entry)], window)
    except RecurrenceError:
        return ()


EXPECTED = "expected"
MISSED = "missed"
