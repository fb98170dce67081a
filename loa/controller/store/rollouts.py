"""Releases and rollouts in the database."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy
from sqlalchemy import ColumnElement, bindparam, func, or_, update
from sqlmodel import Session, col, select

from loa.controller.core.presence import Presence
from loa.controller.core.rollouts import Member, News, Standing, Status
from loa.controller.errors import NotFound
from loa.controller.store.tables import NodeRow, ReleaseRow, RolloutNodeRow, RolloutRow
from loa.controller.store.upsert import Row, insert_new
from loa.protocol.errors import MalformedError
from loa.protocol.ids import NodeId
from loa.protocol.programme import ReleasePointer
from loa.protocol.reports import State
from loa.protocol.units import DurationMs, SizeBytes


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeUpdate:
    """How far a node is in the last rollout that it is in."""

    rollout: int
    version: str
    standing: Standing
    is_told: bool
    """Whether its turn has come."""
    detail: str
    changed_at: datetime | None


def add_release(session: Session, row: Row) -> None:
    """One that is there already stays as it is."""
    insert_new(session, ReleaseRow, [row])


def release_row(session: Session, sha256: str) -> ReleaseRow:
    """The row; raises `NotFound`."""
    row = session.get(ReleaseRow, sha256)
    if row is None:
        raise NotFound("no_such_release", f"there is no release {sha256}; add it first", sha256=sha256)
    return row


def releases(session: Session) -> list[ReleaseRow]:
    """All, the last added first."""
    return list(session.exec(select(ReleaseRow).order_by(col(ReleaseRow.added_at).desc())))


def rollout_row(session: Session, rollout: int) -> RolloutRow:
    """The row; raises `NotFound`."""
    row = session.get(RolloutRow, rollout)
    if row is None:
        raise NotFound("no_such_rollout", f"there is no rollout {rollout}", rollout=rollout)
    return row


def rollouts(session: Session, status: Status | None = None) -> list[RolloutRow]:
    """Those of that status, or all, the newest first."""
    found = select(RolloutRow).order_by(col(RolloutRow.id).desc())
    return list(session.exec(found if status is None else found.where(RolloutRow.status == status)))


def add_rollout(session: Session, row: RolloutRow, stages: Iterable[Iterable[NodeId]]) -> int:
    """Insert it with its nodes; its number."""
    session.add(row)
    session.flush()
    number = row.id or 0
    rows: list[Row] = [
        {
            "rollout_id": number,
            "node_id": node,
            "stage": stage,
            "standing": Standing.WAITING.value,
            "detail": "",
            "runs": "",
            "changed_at": None,
        }
        for stage, nodes in enumerate(stages)
        for node in nodes
    ]
    insert_new(session, RolloutNodeRow, rows)
    return number


def members(session: Session, rollout: int) -> list[Member]:
    """The nodes of a rollout that are in service."""
    columns = (
        col(RolloutNodeRow.node_id),
        col(RolloutNodeRow.stage),
        col(RolloutNodeRow.standing),
        col(RolloutNodeRow.changed_at),
        col(NodeRow.presence),
    )
    found = (
        sqlalchemy.select(*columns)
        .join(NodeRow, col(NodeRow.id) == RolloutNodeRow.node_id)
        .where(col(RolloutNodeRow.rollout_id) == rollout, col(NodeRow.retired_at).is_(None))
    )
    return [
        Member(NodeId(node), stage, Standing(standing), changed_at, presence == Presence.CONNECTED)
        for node, stage, standing, changed_at, presence in session.connection().execute(found)
    ]


def connected(session: Session) -> frozenset[NodeId]:
    """The nodes that are there."""
    in_service = select(NodeRow.id).where(col(NodeRow.retired_at).is_(None))
    found = in_service.where(NodeRow.presence == Presence.CONNECTED)
    return frozenset(NodeId(node) for node in session.exec(found))


def waiting_versions(session: Session, rollout: int, stage: int) -> dict[NodeId, str]:
    """What the nodes that were told and have told nothing say in their state that they run."""
    found = (
        select(col(NodeRow.id), col(NodeRow.state))
        .join(RolloutNodeRow, col(NodeRow.id) == RolloutNodeRow.node_id)
        .where(
            RolloutNodeRow.rollout_id == rollout,
            RolloutNodeRow.stage <= stage,
            RolloutNodeRow.standing == Standing.WAITING,
            col(NodeRow.state).is_not(None),
        )
    )
    return {NodeId(node): _agent(text) for node, text in session.connection().execute(found)}


def lines(
    session: Session, rollout: int, *, standing: Standing | None, after: str, limit: int
) -> list[RolloutNodeRow]:
    """Its nodes by id."""
    found = select(RolloutNodeRow).where(
        RolloutNodeRow.rollout_id == rollout, col(RolloutNodeRow.node_id) > after
    )
    if standing is not None:
        found = found.where(RolloutNodeRow.standing == standing)
    return list(session.exec(found.order_by(col(RolloutNodeRow.node_id)).limit(limit)))


def tally(session: Session, rollout: int) -> dict[tuple[int, Standing], int]:
    """How many nodes of each stage stand how."""
    keys = (col(RolloutNodeRow.stage), col(RolloutNodeRow.standing))
    found = select(*keys, func.count()).where(RolloutNodeRow.rollout_id == rollout).group_by(*keys)
    return {
        (stage, Standing(standing)): count for stage, standing, count in session.connection().execute(found)
    }


def reasons(session: Session, rollout: int, limit: int) -> list[tuple[Standing, str, int]]:
    """Why nodes failed, the most frequent first."""
    keys = (col(RolloutNodeRow.standing), col(RolloutNodeRow.detail))
    count = func.count()
    found = (
        select(*keys, count)
        .where(RolloutNodeRow.rollout_id == rollout, RolloutNodeRow.detail != "")
        .group_by(*keys)
        .order_by(count.desc(), *keys)
        .limit(limit)
    )
    return [(Standing(standing), why, many) for standing, why, many in session.connection().execute(found)]


def note(session: Session, news: Iterable[News], now: datetime) -> None:
    """Keep what nodes told; what comes a second time, or late, changes nothing."""
    told = list(news)
    trials = [one for one in told if one.standing is Standing.ON_TRIAL]
    _note(session, trials, _IS_WAITING, now)
    _note(session, [one for one in told if one not in trials], or_(_IS_WAITING, _IS_ON_TRIAL), now)


def pointers(session: Session, nodes: Collection[NodeId]) -> dict[NodeId, ReleasePointer]:
    """What each of these nodes is to run, by the last rollout that it is in.

    A node whose stage has not begun is left as it is, and so is one that had not begun when its rollout was
    halted.
    """
    found = (
        select(RolloutNodeRow, RolloutRow, ReleaseRow)
        .join(RolloutRow, col(RolloutRow.id) == RolloutNodeRow.rollout_id)
        .join(ReleaseRow, col(ReleaseRow.sha256) == RolloutRow.release_sha256)
        .where(col(RolloutNodeRow.node_id).in_(nodes))
        .order_by(col(RolloutNodeRow.rollout_id))
    )
    last = {NodeId(member.node_id): (member, rollout, one) for member, rollout, one in session.exec(found)}
    return {
        node: _pointer(rollout, one)
        for node, (member, rollout, one) in last.items()
        if _is_told(member, rollout)
    }


def last_of(session: Session, node: NodeId) -> NodeUpdate | None:
    """The last rollout that a node is in."""
    found = (
        select(RolloutNodeRow, RolloutRow, ReleaseRow.version)
        .join(RolloutRow, col(RolloutRow.id) == RolloutNodeRow.rollout_id)
        .join(ReleaseRow, col(ReleaseRow.sha256) == RolloutRow.release_sha256)
        .where(RolloutNodeRow.node_id == node)
        .order_by(col(RolloutNodeRow.rollout_id).desc())
        .limit(1)
    )
    row = session.exec(found).first()
    if row is None:
        return None
    member, rollout, version = row
    return NodeUpdate(
        rollout=member.rollout_id,
        version=version,
        standing=Standing(member.standing),
        is_told=_is_told(member, rollout),
        detail=member.detail,
        changed_at=member.changed_at,
    )


def _is_told(member: RolloutNodeRow, rollout: RolloutRow) -> bool:
    if rollout.status == Status.HALTED:
        return member.standing != Standing.WAITING
    return member.stage <= rollout.stage


def _pointer(rollout: RolloutRow, release: ReleaseRow) -> ReleasePointer:
    return ReleasePointer(
        rollout=rollout.id or 0,
        version=release.version,
        sha256=release.sha256,
        size_bytes=SizeBytes(release.size_bytes),
        spread_ms=DurationMs(rollout.spread_s * 1000),
    )


def _last_with(session: Session, news: News) -> int:
    found = (
        select(RolloutRow.id)
        .join(RolloutNodeRow, col(RolloutRow.id) == RolloutNodeRow.rollout_id)
        .where(RolloutRow.release_sha256 == news.sha256, RolloutNodeRow.node_id == news.node)
        .order_by(col(RolloutRow.id).desc())
    )
    return session.exec(found.limit(1)).first() or 0


def _note(session: Session, told: list[News], before: ColumnElement[bool], now: datetime) -> None:
    if not told:
        return
    statement = (
        update(RolloutNodeRow)
        .where(col(RolloutNodeRow.rollout_id) == bindparam("rollout"))
        .where(col(RolloutNodeRow.node_id) == bindparam("node"), before)
        .values(
            standing=bindparam("new_standing"),
            detail=bindparam("new_detail"),
            runs=bindparam("new_runs"),
            changed_at=now,
        )
    )
    rows = [
        {
            "rollout": one.rollout or _last_with(session, one),
            "node": one.node,
            "new_standing": one.standing.value,
            "new_detail": one.detail,
            "new_runs": one.runs,
        }
        for one in told
    ]
    session.connection().execute(statement, rows)


def _agent(text: str | None) -> str:
    try:
        return State.from_bytes(text or "").agent or ""
    except MalformedError:
        return ""


_IS_WAITING = col(RolloutNodeRow.standing) == Standing.WAITING.value
_IS_ON_TRIAL = col(RolloutNodeRow.standing) == Standing.ON_TRIAL.value
