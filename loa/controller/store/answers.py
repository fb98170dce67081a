"""Answers to requests that may be sent again."""

from datetime import datetime

from sqlmodel import Session

from loa.controller.store.tables import IdempotencyRow


def kept(session: Session, *, key: str, user_id: str) -> IdempotencyRow | None:
    """The answer that was given before, if any."""
    return session.get(IdempotencyRow, (key, user_id))


def keep(
    session: Session, *, key: str, user_id: str, request_sha256: str, status: int, body: str, at: datetime
) -> None:
    """Remember an answer."""
    session.add(
        IdempotencyRow(
            key=key,
            user_id=user_id,
            request_sha256=request_sha256,
            status=status,
            body=body,
            created_at=at,
        )
    )
