"""Who subscribed to the schedule of which area."""

from datetime import datetime

from sqlmodel import Session, select

from loa.controller.store.page_tables import FeedRow
from loa.protocol.ids import AreaId


def feed_of(session: Session, user_id: str, area: AreaId) -> FeedRow | None:
    """The person's feed of the area."""
    return session.get(FeedRow, (user_id, area))


def feed_by(session: Session, token_hash: str) -> FeedRow | None:
    """The feed that this secret opens."""
    return session.exec(select(FeedRow).where(FeedRow.token_hash == token_hash)).first()


def put_feed(session: Session, user_id: str, area: AreaId, token_hash: str, at: datetime) -> None:
    """Give the person's feed of the area this secret, and no other."""
    session.merge(FeedRow(user_id=user_id, area_id=area, token_hash=token_hash, created_at=at))
