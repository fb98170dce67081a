"""What the ears of nodes found lately."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime

from sqlalchemy import and_, func, or_, select
from sqlmodel import Session, col

from loa.controller.core.node_states import Judged, judged_line, judged_self_test
from loa.controller.store.tables import MISSED_BY_EARS, LogRow, NodeRow
from loa.protocol.ids import NodeId
from loa.protocol.reports import SelfTestReport


def judged_lately(session: Session, nodes: Collection[NodeId], since: datetime) -> dict[NodeId, list[Judged]]:
    """Of these nodes what no ear found since then, the last that one did find, and the last self-test.

    A node that no ear missed has no entry but that of its self-test.
    """
    found: defaultdict[NodeId, list[Judged]] = defaultdict(list)
    for node, one in (*_missed(session, nodes, since), *_self_tests(session, nodes, since)):
        found[node].append(one)
    doubted = [node for node, all_ in found.items() if any(one.fault for one in all_)]
    for node, one in _last_found(session, doubted, since):
        found[node].append(one)
    return dict(found)


def _missed(session: Session, nodes: Collection[NodeId], since: datetime) -> Iterable[tuple[NodeId, Judged]]:
    columns = (
        col(LogRow.node_id),
        col(LogRow.planned_at),
        col(LogRow.rendered),
        col(LogRow.heard),
        col(LogRow.evidence),
    )
    wanted = select(*columns).where(MISSED_BY_EARS, col(LogRow.planned_at) >= since)
    theirs = set(nodes)
    for node, at, rendered, heard, evidence in session.connection().execute(wanted):
        one = judged_line(at, rendered=rendered, heard=heard, evidence=evidence)
        if one is not None and node in theirs:
            yield NodeId(node), one


def _self_tests(
    session: Session, nodes: Collection[NodeId], since: datetime
) -> Iterable[tuple[NodeId, Judged]]:
    wanted = select(col(NodeRow.id), col(NodeRow.self_test)).where(col(NodeRow.self_test).is_not(None))
    theirs = set(nodes)
    for node, text in session.connection().execute(wanted):
        one = judged_self_test(SelfTestReport.from_bytes(text)) if text and node in theirs else None
        if one is not None and one.at >= since:
            yield NodeId(node), one


def _last_found(
    session: Session, nodes: Collection[NodeId], since: datetime
) -> Iterable[tuple[NodeId, Judged]]:
    whole = and_(
        or_(col(LogRow.rendered).is_(True), col(LogRow.heard).is_(True)),
        col(LogRow.rendered).is_not(False),
        col(LogRow.heard).is_not(False),
    )
    wanted = (
        select(col(LogRow.node_id), func.max(col(LogRow.planned_at)))
        .where(col(LogRow.node_id).in_(nodes), col(LogRow.planned_at) >= since, whole)
        .group_by(col(LogRow.node_id))
    )
    for node, at in session.connection().execute(wanted) if nodes else ():
        yield NodeId(node), Judged(at, None)
