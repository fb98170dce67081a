"""Revisions as ETags: a change names the revision that it was made on."""

from typing import Annotated

from fastapi import Depends, Header

from loa.controller.errors import Invalid, PreconditionRequired


def etag(revision: int) -> str:
    """The strong ETag of a revision."""
    return f'"{revision}"'


async def revision_meant(
    if_match: Annotated[str | None, Header()] = None,
) -> int:
    """The revision in If-Match; raises `PreconditionRequired` or `Invalid`."""
    return revision_of(if_match)


def revision_of(if_match: str | None) -> int:
    """The revision that an ETag names; raises `PreconditionRequired` or `Invalid`."""
    if if_match is None:
        raise PreconditionRequired
    text = if_match.strip().removeprefix('"').removesuffix('"')
    if not (text.isascii() and text.isdigit() and len(text) < len("1000000000")):
        raise Invalid("bad_if_match", f'If-Match {if_match} is no ETag of ours; it looks like "3"')
    return int(text)


Revision = Annotated[int, Depends(revision_meant)]
"""An endpoint that changes a thing writes `revision: Revision` and answers with a new `etag`."""
