"""iCalendar by RFC 5545: events as text that calendars of telephones subscribe to."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

LINE_OCTETS = 75
"""No content line is longer, by section 3.1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event; times are aware."""

    uid: str
    from_at: datetime
    to_at: datetime
    stamp: datetime
    """When it was last changed."""
    summary: str
    description: str
    location: str
    category: str


def calendar(name: str, events: Iterable[Event], *, refresh_minutes: int) -> str:
    """A whole calendar; the same events give the same text."""
    lines = (line for part in _parts(name, events, refresh_minutes) for line in fold(part))
    return "".join(f"{line}\r\n" for line in lines)


def fold(line: str) -> Iterator[str]:
    """The line in pieces of at most 75 octets, each after the first begun by a blank; no letter is cut."""
    piece, octets = "", 0
    for letter in line:
        size = len(letter.encode())
        if octets + size > LINE_OCTETS:
            yield piece
            piece, octets = " ", 1
        piece, octets = piece + letter, octets + size
    yield piece


def escape(text: str) -> str:
    """A text value by section 3.3.11; other control characters are left out."""
    clean = "".join(letter for letter in text if letter == "\n" or letter.isprintable())
    for letter, written in (("\\", "\\\\"), (";", "\\;"), (",", "\\,"), ("\n", "\\n")):
        clean = clean.replace(letter, written)
    return clean


def _parts(name: str, events: Iterable[Event], refresh_minutes: int) -> Iterator[str]:
    yield from ("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Loa//Lich phat//VI", "CALSCALE:GREGORIAN")
    yield from ("METHOD:PUBLISH", f"NAME:{escape(name)}", f"X-WR-CALNAME:{escape(name)}")
    yield f"REFRESH-INTERVAL;VALUE=DURATION:PT{refresh_minutes}M"
    yield f"X-PUBLISHED-TTL:PT{refresh_minutes}M"
    for event in events:
        yield from _event(event)
    yield "END:VCALENDAR"


def _event(event: Event) -> Iterator[str]:
    yield "BEGIN:VEVENT"
    yield f"UID:{escape(event.uid)}"
    yield f"DTSTAMP:{_utc(event.stamp)}"
    yield f"DTSTART:{_utc(event.from_at)}"
    yield f"DTEND:{_utc(event.to_at)}"
    yield f"SUMMARY:{escape(event.summary)}"
    yield f"DESCRIPTION:{escape(event.description)}"
    yield f"LOCATION:{escape(event.location)}"
    yield f"CATEGORIES:{escape(event.category)}"
    yield "TRANSP:TRANSPARENT"
    yield "END:VEVENT"


def _utc(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y%m%dT%H%M%SZ}"
