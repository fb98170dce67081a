"""The audit trail as a chain: each line holds the digest of the line before, so that none is lost unseen.

The digest of a line is the SHA-256 of its canonical JSON (RFC 8785) without the member `digest`. The first
line follows `GENESIS`. Whoever rewrites a line has to rewrite all after it, and then the head that is kept
elsewhere does not fit any more.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

GENESIS = "0" * 64
"""What the first line follows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """An act as it was noted, with its place in the chain."""

    id: int
    at: datetime
    user: str
    act: str
    area: str | None
    subject: str
    detail: str
    """JSON object, as text, so that no reader writes its numbers differently."""
    previous: str
    """The digest of the line before, in hex."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """A line with the digest that was stored with it."""

    line: Line
    digest: str


@dataclass(frozen=True, slots=True)
class Head:
    """The last line of the chain as it was at some moment."""

    id: int
    digest: str


EMPTY = Head(0, GENESIS)
"""The head of a trail without a line."""


class Fault(StrEnum):
    """How a chain is broken."""

    ALTERED = "altered"
    """The line is not what its digest says."""
    DETACHED = "detached"
    """The line does not follow the one before: one was taken out or put in between."""
    REPLACED = "replaced"
    """The line is another one than at the time of the head that was kept elsewhere."""
    CUT = "cut"
    """The line is missing, with all after it: the head that was kept elsewhere knows it."""


@dataclass(frozen=True, slots=True)
class Broken:
    """The first line that is not right."""

    id: int
    fault: Fault


def document(line: Line) -> dict[str, Any]:
    """The line as it is exported, without its digest."""
    return {
        "id": line.id,
        "at": line.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "user": line.user,
        "act": line.act,
        "area": line.area,
        "subject": line.subject,
        "detail": line.detail,
        "previous": line.previous,
    }


def canonical(members: dict[str, Any]) -> str:
    """RFC 8785 for texts, null and whole numbers, which is all that a line has."""
    return json.dumps(members, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def digest_of(line: Line) -> str:
    """The SHA-256 of the line's canonical JSON, in hex."""
    return hashlib.sha256(canonical(document(line)).encode()).hexdigest()


def exported(sealed: Sealed) -> str:
    """A line of the export, without the end of the line."""
    return canonical(document(sealed.line) | {"digest": sealed.digest})


def verify(lines: Iterable[Sealed], kept: Head | None = None) -> Head | Broken:
    """The head of a chain that holds, else the first line that is not right; in constant memory.

    `lines` are all of them, by id. `kept` is a head from elsewhere that the chain must contain.
    """
    last = EMPTY
    owed = kept if kept is not None and kept.id else None
    for sealed in lines:
        line = sealed.line
        if owed is not None and line.id > owed.id:
            return Broken(owed.id, Fault.CUT)
        if line.previous != last.digest:
            return Broken(line.id, Fault.DETACHED)
        if digest_of(line) != sealed.digest:
            return Broken(line.id, Fault.ALTERED)
        if owed is not None and line.id == owed.id:
            if sealed.digest != owed.digest:
                return Broken(line.id, Fault.REPLACED)
            owed = None
        last = Head(line.id, sealed.digest)
    if owed is not None:
        return Broken(last.id + 1, Fault.CUT)
    return last
