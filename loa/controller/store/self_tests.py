"""The last self-test of each node."""

from collections.abc import Mapping

from sqlmodel import Session

from loa.controller.store.tables import NodeRow
from loa.protocol.ids import NodeId
from loa.protocol.reports import SelfTestReport


def store_self_tests(session: Session, told: Mapping[NodeId, SelfTestReport]) -> None:
    """Keep these, unless a later one is kept already: reports come again."""
    for node, report in told.items():
        row = session.get(NodeRow, node)
        if row is None:
            continue
        before = SelfTestReport.from_bytes(row.self_test) if row.self_test else None
        if before is None or before.at < report.at:
            row.self_test = report.to_bytes().decode()
