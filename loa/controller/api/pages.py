"""Lists by id: a cursor and a limit."""

from collections.abc import Sequence
from typing import Annotated, Generic, TypeVar

from fastapi import Query
from pydantic import BaseModel

from loa.controller.api.words import Words

One = TypeVar("One", bound=BaseModel)

Limit = Annotated[int, Query(ge=1, le=500, description="How many at most")]
Cursor = Annotated[Words, Query(max_length=64, description="`next_cursor` of the page before")]


class Page(BaseModel, Generic[One]):
    """Some things, and where to go on; no `next_cursor` on the last page."""

    items: list[One]
    next_cursor: str | None = None


def page(items: Sequence[One], limit: int, cursor_of: str) -> Page[One]:
    """A page of what was asked for with that limit; `cursor_of` names the member that is the cursor."""
    more = len(items) == limit
    return Page(items=list(items), next_cursor=str(getattr(items[-1], cursor_of)) if more else None)
