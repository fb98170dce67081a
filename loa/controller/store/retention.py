"""Deletes what is old enough, some at a time."""

from datetime import datetime

from sqlalchemy import ColumnElement, delete, select
from sqlmodel import Session, SQLModel, col

from loa.controller.core.expected import EXPECTED
from loa.controller.store.tables import (
    CertificateRow,
    HealthRow,
    IdempotencyRow,
    LogRow,
    ReportRow,
    SessionRow,
)
from loa.controller.store.trust_tables import EnvelopeRow
from loa.protocol.reports import PlayReport


def delete_plays(session: Session, before: datetime, limit: int) -> int:
    """Reports of plays as they were sent; their lines of the log stay."""
    old = (col(ReportRow.received_at) < before) & (
        col(ReportRow.kind) == PlayReport.model_fields["kind"].default
    )
    return _delete(session, ReportRow, old, limit)


def delete_lines(session: Session, before: datetime, limit: int) -> int:
    """Lines of the log."""
    return _delete(
        session, LogRow, (col(LogRow.planned_at) < before) & (col(LogRow.outcome) != EXPECTED), limit
    )


def delete_envelopes(session: Session, before: datetime, limit: int) -> int:
    """What proves lines of the log."""
    return _delete(session, EnvelopeRow, col(EnvelopeRow.received_at) < before, limit)


def delete_answers(session: Session, before: datetime, limit: int) -> int:
    """Answers to requests that may be sent again."""
    return _delete(session, IdempotencyRow, col(IdempotencyRow.created_at) < before, limit)


def delete_sessions(session: Session, before: datetime, limit: int) -> int:
    """Sessions and tokens that are over."""
    return _delete(session, SessionRow, col(SessionRow.expires_at) < before, limit)


def delete_health(session: Session, before: datetime, limit: int) -> int:
    """Hours of nodes' health."""
    return _delete(session, HealthRow, col(HealthRow.at) < before, limit)


def delete_certificates(session: Session, before: datetime, limit: int) -> int:
    """Certificates that are over, which need no revocation any more."""
    return _delete(session, CertificateRow, col(CertificateRow.not_after) < before, limit)


def _delete(session: Session, model: type[SQLModel], old: ColumnElement[bool], limit: int) -> int:
    keys = model.__table__.primary_key.columns  # type: ignore[attr-defined]  # SQLModel gives it to every table class
    some = session.connection().execute(select(*keys).where(old).limit(limit)).all()
    for key in some:
        here = [column == value for column, value in zip(keys, key, strict=True)]
        session.connection().execute(delete(model).where(*here))
    return len(some)
