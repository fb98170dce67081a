"""Notices over HTTP."""

from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime

from pydantic import BaseModel

from loa.controller.core.notices import Notice, NoticeCode, Weight


class NoticeOut(BaseModel):
    """What will not sound, what moves, what to know; with its reason, its rule and its repair."""

    code: NoticeCode
    weight: Weight
    at: datetime | None
    """The planned start that it is about."""
    item: str | None
    title: str | None
    reason: str | None
    legal_source: str | None
    by: str | None
    by_title: str | None
    delta_ms: int | None
    cap_db: float | None
    quiet_from_at: datetime | None
    """When the quiet hours begin that it would run into by `delta_ms`."""
    quiet_until_at: datetime | None
    areas: tuple[str, ...]
    repaired_before: datetime | None
    repaired_after: datetime | None


def notices_out(notices: Iterable[Notice]) -> tuple[NoticeOut, ...]:
    """In the same order."""
    return tuple(NoticeOut(weight=notice.weight, **asdict(notice)) for notice in notices)
