"""What the ears of nodes found, as it is counted and kept."""

from collections.abc import Iterable, Iterator

from loa.protocol.ids import NodeId
from loa.protocol.reports import PlayReport, Reports, SelfTestReport


def found_by_ears(batches: Iterable[Reports]) -> Iterator[tuple[str, str]]:
    """For each occurrence that sounded and each ear: whether it was there, or `unmeasured`."""
    plays = (one for batch in batches for one in batch.reports if isinstance(one, PlayReport))
    for play in plays:
        if play.played_ms and play.evidence is not None:
            yield "rendered", _WORDS[play.evidence.rendered]
            yield "heard", _WORDS[play.evidence.heard]


def last_self_tests(batches: Iterable[Reports]) -> dict[NodeId, SelfTestReport]:
    """The latest of each node that told of any."""
    last: dict[NodeId, SelfTestReport] = {}
    for batch in batches:
        for report in batch.reports:
            if isinstance(report, SelfTestReport):
                before = last.get(batch.node)
                last[batch.node] = report if before is None or before.at <= report.at else before
    return last


_WORDS = {None: "unmeasured", True: "yes", False: "no"}
