"""People's passkeys in the database."""

from collections.abc import Collection
from datetime import datetime

from sqlmodel import Session, col, or_, select

from loa.controller.core.passkeys import PersonalKey
from loa.controller.store.trust_tables import PasskeyRow
from loa.protocol.passkey import Passkey


def add_passkey(session: Session, key: PersonalKey) -> None:
    """Insert it."""
    session.add(
        PasskeyRow(
            id=key.id,
            user_id=key.user_id,
            credential=key.passkey.id,
            key=key.passkey.key,
            name=key.name,
            created_at=key.created_at,
        )
    )
    session.flush()


def passkeys_of(session: Session, user_ids: Collection[str]) -> list[PersonalKey]:
    """Those in use, the oldest first."""
    wanted = select(PasskeyRow).where(
        col(PasskeyRow.user_id).in_(user_ids), col(PasskeyRow.removed_at).is_(None)
    )
    ordered = wanted.order_by(col(PasskeyRow.created_at), col(PasskeyRow.id))
    return [_key(row) for row in session.exec(ordered)] if user_ids else []


def passkey_row(session: Session, user_id: str, id_: str) -> PasskeyRow | None:
    """The person's passkey in use, if there is one."""
    row = session.get(PasskeyRow, id_)
    return row if row is not None and row.user_id == user_id and row.removed_at is None else None


def row_of_credential(session: Session, credential: str) -> PasskeyRow | None:
    """Whoever has it, in use or put away."""
    return session.exec(select(PasskeyRow).where(PasskeyRow.credential == credential)).first()


def _key(row: PasskeyRow) -> PersonalKey:
    return PersonalKey(
        id=row.id,
        user_id=row.user_id,
        passkey=Passkey(id=row.credential, key=row.key),
        name=row.name,
        created_at=row.created_at,
        used_at=row.used_at,
    )


def lost_credentials(session: Session, user_ids: Collection[str], known: Collection[str]) -> list[str]:
    """Those of these people, and those of the known ones that are lost, whoever had them."""
    concerned = or_(col(PasskeyRow.user_id).in_(user_ids), col(PasskeyRow.credential).in_(known))
    wanted = select(PasskeyRow.credential).where(col(PasskeyRow.lost), concerned)
    return list(session.exec(wanted.order_by(col(PasskeyRow.credential))))


def note_use(session: Session, user_id: str, credential: str, at: datetime) -> bool:
    """Remember that the person signed with it; False if it is not theirs, or was put away."""
    row = row_of_credential(session, credential)
    if row is None or row.user_id != user_id or row.removed_at is not None:
        return False
    row.used_at = at
    return True
