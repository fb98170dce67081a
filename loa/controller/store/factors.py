"""Second factors, codes on paper and known devices in the database."""

from datetime import datetime

from sqlalchemy import delete
from sqlmodel import Session, col, func, select

from loa.controller.store.people_tables import DeviceRow, FactorRow, RecoveryCodeRow

MOST_DEVICES = 10
"""Of a person; the one that was not seen for the longest is forgotten."""


def factors_of(session: Session, user_id: str) -> list[FactorRow]:
    """Those of the person, the first made first."""
    wanted = select(FactorRow).where(FactorRow.user_id == user_id)
    return list(session.exec(wanted.order_by(col(FactorRow.made_at), col(FactorRow.id))))


def forget_factors(session: Session, user_id: str) -> None:
    """Take all factors and codes of the person away."""
    session.flush()
    for table in (FactorRow, RecoveryCodeRow):
        session.connection().execute(delete(table).where(col(table.user_id) == user_id))


def forget_everything(session: Session, user_id: str) -> None:
    """Factors, codes and known devices."""
    forget_factors(session, user_id)
    session.connection().execute(delete(DeviceRow).where(col(DeviceRow.user_id) == user_id))


def replace_codes(session: Session, user_id: str, hashes: list[str], at: datetime) -> None:
    """New codes in place of all before."""
    gone = delete(RecoveryCodeRow).where(col(RecoveryCodeRow.user_id) == user_id)
    session.connection().execute(gone)
    session.add_all(RecoveryCodeRow(code_hash=one, user_id=user_id, made_at=at) for one in hashes)
    session.flush()


def unused_code(session: Session, user_id: str, code_hash: str) -> RecoveryCodeRow | None:
    """The person's code, if it was not used yet."""
    row = session.get(RecoveryCodeRow, code_hash)
    return row if row is not None and row.user_id == user_id and row.used_at is None else None


def codes_left(session: Session, user_id: str) -> int:
    """How many of the person's codes were not used yet."""
    mine = (RecoveryCodeRow.user_id == user_id, col(RecoveryCodeRow.used_at).is_(None))
    return session.exec(select(func.count()).select_from(RecoveryCodeRow).where(*mine)).one()


def knows_device(session: Session, user_id: str, device_hash: str) -> bool:
    """Whether the person has signed in from there before."""
    return session.get(DeviceRow, (user_id, device_hash)) is not None


def keep_device(session: Session, user_id: str, device_hash: str, at: datetime) -> None:
    """The person has signed in from there."""
    session.merge(DeviceRow(user_id=user_id, device_hash=device_hash, seen_at=at))
    session.flush()
    mine = select(DeviceRow).where(DeviceRow.user_id == user_id).order_by(col(DeviceRow.seen_at).desc())
    for old in session.exec(mine.offset(MOST_DEVICES)).all():
        session.delete(old)
