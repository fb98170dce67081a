"""Broadcasts, where they stand, and what a commune decided about them."""

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from pydantic import TypeAdapter
from sqlalchemy import ColumnElement, delete, func, or_
from sqlmodel import Session, col, select

from loa.controller.core.broadcasts import Scheduled
from loa.controller.core.inbox import InboxItem, InboxState
from loa.controller.store.areas import path_of
from loa.controller.store.bulletins import Place, older
from loa.controller.store.tables import (
    BroadcastRow,
    InboxRow,
    OrderRow,
    PlacementRow,
    WithdrawalRow,
    ZoneMemberRow,
)
from loa.controller.store.upsert import Row, insert, insert_new
from loa.protocol.broadcast import Approval, Broadcast, Entry
from loa.protocol.ids import AreaId, BroadcastId, NodeId, RecordingId

REMEMBERED = 5_000
"""Entries that are kept as they were read: what was approved never changes, and reading it takes 0.1 ms."""
_APPROVALS = TypeAdapter(tuple[Approval, ...])


def add_broadcast(session: Session, scheduled: Scheduled, entry: Entry) -> None:
    """Keep an approved broadcast."""
    broadcast = entry.broadcast
    row: Row = {
        "id": entry.id,
        "bulletin_id": broadcast.bulletin,
        "document": entry.document,
        "approvals": json.dumps([approval.model_dump(mode="json") for approval in entry.approvals]),
        "issuer": broadcast.issuer,
        "class": broadcast.class_,
        "authority": broadcast.authority,
        "title": broadcast.title,
        "field": broadcast.field,
        "recording": broadcast.source.recording,
        "approved_by": scheduled.approved_by,
        "approved_at": scheduled.approved_at,
        "first_start_at": scheduled.first_start_at,
        "over_at": scheduled.over_at,
    }
    session.flush()
    insert(session, BroadcastRow, row)


@lru_cache(maxsize=REMEMBERED)
def as_entry(document: str, approvals: str, issued_at: datetime) -> Entry:
    """As it stands in a programme, from the columns in which it is kept."""
    return Entry(document=document, approvals=_APPROVALS.validate_json(approvals), issued_at=issued_at)


def read_broadcast(session: Session, broadcast: str) -> Scheduled | None:
    """The broadcast of that id."""
    row = session.get(BroadcastRow, broadcast)
    return None if row is None else _scheduled(session, row)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Conditions of a list of broadcasts; None is any."""

    readable: Collection[AreaId]
    """Issued by, or before one of these."""
    hearing: Collection[AreaId]
    """Or standing in the programme of one of these."""
    issuer: AreaId | None = None
    reaching: AreaId | None = None
    bulletin: str | None = None
    from_at: datetime | None = None


def find_broadcasts(session: Session, wanted: Wanted, after: Place | None, limit: int) -> list[Scheduled]:
    """The last approved first."""
    conditions = _conditions(wanted)
    if after is not None:
        conditions.append(older(col(BroadcastRow.approved_at), col(BroadcastRow.id), after))
    order = (col(BroadcastRow.approved_at).desc(), col(BroadcastRow.id).desc())
    rows = session.exec(select(BroadcastRow).where(*conditions).order_by(*order).limit(limit)).all()
    return [_scheduled(session, row) for row in rows]


def reach_of(session: Session, broadcast: str) -> frozenset[AreaId]:
    """The areas in whose programmes it stands."""
    found = select(PlacementRow.area_id).where(PlacementRow.broadcast_id == broadcast)
    return frozenset(AreaId(area) for area in session.exec(found))


def inboxes_of(session: Session, broadcast: str) -> frozenset[AreaId]:
    """The communes that have it before them."""
    found = select(InboxRow.area_id).where(InboxRow.broadcast_id == broadcast)
    return frozenset(AreaId(area) for area in session.exec(found))


def answers_of(session: Session, broadcast: str) -> list[tuple[AreaId, InboxState, datetime | None]]:
    """What each commune that has it before it did with it, and when."""
    found = select(InboxRow.area_id, InboxRow.state, InboxRow.decided_at)
    rows = session.exec(found.where(InboxRow.broadcast_id == broadcast).order_by(col(InboxRow.area_id)))
    return [(AreaId(area), InboxState(state), at) for area, state, at in rows]


def place(session: Session, broadcast: BroadcastId, areas: Iterable[AreaId], issued_at: datetime) -> None:
    """Let it stand in the programmes of the areas; where it stands already, nothing changes."""
    rows = [{"area_id": area, "broadcast_id": broadcast, "issued_at": issued_at} for area in areas]
    session.flush()
    insert_new(session, PlacementRow, rows)


def put_before(
    session: Session, broadcast: BroadcastId, area: AreaId, state: InboxState, at: datetime
) -> None:
    """Put it into a commune's inbox."""
    session.add(InboxRow(area_id=area, broadcast_id=broadcast, state=state, received_at=at))


def read_inbox(session: Session, area: AreaId, broadcast: str) -> InboxItem | None:
    """One broadcast before one commune."""
    row = session.get(InboxRow, (area, broadcast))
    return None if row is None else _item(session, row)


def find_inbox(session: Session, area: AreaId, state: InboxState | None) -> list[InboxItem]:
    """All before one commune, the last received first."""
    found = select(InboxRow).where(InboxRow.area_id == area)
    if state is not None:
        found = found.where(InboxRow.state == state)
    order = (col(InboxRow.received_at).desc(), col(InboxRow.broadcast_id))
    return [_item(session, row) for row in session.exec(found.order_by(*order)).all()]


def count_waiting(session: Session, areas: Collection[AreaId], now: datetime) -> int:
    """How many wait for a choice of these areas, whose time is not over and which were not withdrawn."""
    gone = select(WithdrawalRow.broadcast_id).where(
        col(WithdrawalRow.area_id).is_(None), WithdrawalRow.target == WithdrawalRow.broadcast_id
    )
    found = (
        select(func.count())
        .select_from(InboxRow)
        .join(BroadcastRow, col(BroadcastRow.id) == InboxRow.broadcast_id)
        .where(
            col(InboxRow.area_id).in_(areas),
            InboxRow.state == InboxState.WAITING,
            or_(col(BroadcastRow.over_at).is_(None), col(BroadcastRow.over_at) > now),
            col(BroadcastRow.id).not_in(gone),
        )
    )
    return session.exec(found).one()


def decide(session: Session, item: InboxItem) -> None:
    """Write down what the commune decided."""
    row = session.get_one(InboxRow, (item.area, item.scheduled.id))
    row.state = item.state
    row.decided_by, row.decided_at = item.decided_by, item.decided_at
    row.chosen_as = item.chosen_as
    session.add(row)


def write_order(session: Session, area: AreaId, ranks: dict[BroadcastId, int]) -> None:
    """Replace the order that an area gave."""
    session.connection().execute(delete(OrderRow).where(col(OrderRow.area_id) == area))
    for broadcast, rank in ranks.items():
        session.add(OrderRow(area_id=area, broadcast_id=broadcast, rank=rank))


def read_withdrawal(session: Session, target: str, area: AreaId | None) -> WithdrawalRow | None:
    """The withdrawal that already takes the target away there, or everywhere."""
    where: ColumnElement[bool] = col(WithdrawalRow.area_id).is_(None)
    if area is not None:
        where = or_(where, col(WithdrawalRow.area_id) == area)
    return session.exec(select(WithdrawalRow).where(WithdrawalRow.target == target, where)).first()


def add_withdrawal(session: Session, row: WithdrawalRow) -> None:
    """Keep a withdrawal."""
    session.add(row)
    session.flush()


def find_withdrawals(session: Session, broadcast: str) -> list[WithdrawalRow]:
    """All of a broadcast and its occurrences, by time."""
    found = select(WithdrawalRow).where(WithdrawalRow.broadcast_id == broadcast)
    return list(session.exec(found.order_by(col(WithdrawalRow.issued_at), col(WithdrawalRow.id))).all())


def carries(session: Session, recording: RecordingId, node: NodeId) -> bool:
    """Whether what stands in a programme of the node names the recording."""
    zones = session.exec(select(ZoneMemberRow.zone_id).where(ZoneMemberRow.node_id == node)).all()
    found = (
        select(PlacementRow.broadcast_id)
        .join(BroadcastRow)
        .where(col(PlacementRow.area_id).in_([*path_of(session, node), *zones]))
        .where(BroadcastRow.recording == recording)
    )
    return session.exec(found.limit(1)).first() is not None


def _conditions(wanted: Wanted) -> list[ColumnElement[bool]]:
    id_ = col(BroadcastRow.id)
    placed = select(PlacementRow.broadcast_id)
    waiting = select(InboxRow.broadcast_id).where(col(InboxRow.area_id).in_(wanted.readable))
    conditions = [
        or_(
            col(BroadcastRow.issuer).in_(wanted.readable),
            id_.in_(placed.where(col(PlacementRow.area_id).in_(wanted.hearing))),
            id_.in_(waiting),
        )
    ]
    if wanted.issuer is not None:
        conditions.append(col(BroadcastRow.issuer) == wanted.issuer)
    if wanted.reaching is not None:
        conditions.append(id_.in_(placed.where(PlacementRow.area_id == wanted.reaching)))
    if wanted.bulletin is not None:
        conditions.append(col(BroadcastRow.bulletin_id) == wanted.bulletin)
    if wanted.from_at is not None:
        over = col(BroadcastRow.over_at)
        conditions.append(or_(over.is_(None), over > wanted.from_at))
    return conditions


def _scheduled(session: Session, row: BroadcastRow) -> Scheduled:
    withdrawal = read_withdrawal(session, row.id, None)
    return Scheduled(
        id=BroadcastId(row.id),
        broadcast=Broadcast.from_bytes(row.document),
        approved_by=row.approved_by,
        approved_at=row.approved_at,
        first_start_at=row.first_start_at,
        over_at=row.over_at,
        withdrawn_at=None if withdrawal is None else withdrawal.issued_at,
    )


def _item(session: Session, row: InboxRow) -> InboxItem:
    order = session.get(OrderRow, (row.area_id, row.broadcast_id))
    return InboxItem(
        area=AreaId(row.area_id),
        scheduled=_scheduled(session, session.get_one(BroadcastRow, row.broadcast_id)),
        state=InboxState(row.state),
        received_at=row.received_at,
        decided_by=row.decided_by,
        decided_at=row.decided_at,
        chosen_as=None if row.chosen_as is None else BroadcastId(row.chosen_as),
        rank=0 if order is None else order.rank,
    )
