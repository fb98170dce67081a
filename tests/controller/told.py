"""A node's journal as it is told to the controller: numbered, chained, signed, in batches of any cut."""

from collections.abc import Iterable
from datetime import UTC, datetime

from loa.protocol.chain import GENESIS, extend
from loa.protocol.codec import encode
from loa.protocol.ids import JournalId, NodeId
from loa.protocol.keys import SigningKey
from loa.protocol.reasons import ProblemCode
from loa.protocol.reports import ProblemReport, Report, Reports
from loa.protocol.topics import Channel, Topic

NODE = NodeId("loa-1")
JOURNAL = JournalId("b" * 32)
NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)


def problem_of(number: int) -> ProblemReport:
    """A report of that number."""
    return ProblemReport(number=number, at=NOON, code=ProblemCode.FETCH_FAILED, detail=f"the {number}th")


def batch_of(reports: Iterable[Report], first: int, last: int, *, journal: JournalId = JOURNAL) -> Reports:
    """The batch with those numbers of a journal that holds all these reports."""
    before = extend(GENESIS, (one.to_bytes() for one in reports if one.number < first))
    some = tuple(one for one in reports if first <= one.number <= last)
    return Reports(node=NODE, journal_id=journal, chain=before, reports=some)


def envelope_of(batch: Reports, key: SigningKey) -> bytes:
    """As it travels."""
    return encode(Topic(Channel.REPORTS, batch.node), batch, key)
