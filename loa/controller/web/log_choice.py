"""The filters of the log as the address of a page names them, so that it can be sent, saved and exported."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from urllib.parse import parse_qsl, urlencode

from loa.controller.store.log import LogFilter
from loa.controller.web import phrases
from loa.controller.web.catalogue import CLASSES, FIELDS, OUTCOME_FILTER
from loa.controller.web.forms import read_date
from loa.controller.web.localtime import day_starts, day_words
from loa.controller.web.places import Places, capital
from loa.protocol.ids import AreaId, NodeId

DAYS: Mapping[str, str] = {"today": phrases.TODAY, "yesterday": phrases.YESTERDAY, "week": phrases.WEEK}
ONE_DAY = {"today", "yesterday"}
"""With these filters no line needs to name its day."""
OLDEST = "oldest"
_DAY = timedelta(days=1)
_LACKING = {"not_rendered", "not_heard"}
"""Choices of the filter that ask the ears, not the outcome."""
_NAMES = {"class_": "class", "since": "from", "until": "to"}
LONGEST_TITLE = 100


@dataclass(frozen=True, slots=True)
class Chosen:
    """The filters."""

    day: str = "today"
    area: str = ""
    node: str = ""
    field: str = ""
    class_: str = ""
    outcome: str = ""
    title: str = ""
    since: str = ""
    until: str = ""
    order: str = ""

    @property
    def count(self) -> int:
        """How many restrict beside the day."""
        restricting = (self.area, self.node, self.field, self.class_, self.outcome, self.title)
        return sum(bool(value) for value in restricting)

    @property
    def query(self) -> str:
        """As an address has it."""
        given = {_NAMES.get(name, name): value for name, value in asdict(self).items() if value}
        given.setdefault("day", "")
        return urlencode(given)

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """For the hidden fields of a form."""
        return parse_qsl(self.query, keep_blank_values=True)

    def url(self, cursor: str = "") -> str:
        """An address that shows the same again, and can be sent to others."""
        return f"/log?{self.query}" + (f"&{urlencode({'cursor': cursor})}" if cursor else "")


def chosen_of(query: Mapping[str, str]) -> Chosen:
    """The filters of an address; an address that names no day means today."""
    query = {name: value.replace("\0", "") for name, value in query.items()}
    since, until = query.get("from", ""), query.get("to", "")
    ranged = bool(read_date(since) or read_date(until))
    day = query.get("day", "today")
    return Chosen(
        day="" if ranged or day not in DAYS else day,
        area=query.get("area", ""),
        node=query.get("node", ""),
        field=query.get("field", ""),
        class_=query.get("class", ""),
        outcome=query.get("outcome", ""),
        title=" ".join(query.get("title", "").split())[:LONGEST_TITLE],
        since=since if read_date(since) else "",
        until=until if read_date(until) else "",
        order=OLDEST if query.get("order") == OLDEST else "",
    )


def span(chosen: Chosen, day: date, tz: str) -> tuple[datetime | None, datetime | None]:
    """From when until when, in local days."""
    match chosen.day:
        case "today":
            first, last = day, day
        case "yesterday":
            first, last = day - _DAY, day - _DAY
        case "week":
            first, last = day - 6 * _DAY, day
        case _:
            since, until = read_date(chosen.since), read_date(chosen.until)
            return (
                day_starts(since, tz) if since else None,
                day_starts(until + _DAY, tz) if until else None,
            )
    return day_starts(first, tz), day_starts(last + _DAY, tz)


def filter_of(chosen: Chosen, day: date, tz: str) -> LogFilter:
    """The filters as the service takes them; the area goes beside them."""
    from_at, until_at = span(chosen, day, tz)
    return LogFilter(
        within=(),
        node=NodeId(chosen.node) if chosen.node else None,
        from_at=from_at,
        until_at=until_at,
        field=chosen.field or None,
        class_=chosen.class_ or None,
        outcome=None if chosen.outcome in _LACKING else chosen.outcome or None,
        rendered=False if chosen.outcome == "not_rendered" else None,
        heard=False if chosen.outcome == "not_heard" else None,
        title=chosen.title,
        oldest_first=chosen.order == OLDEST,
    )


def area_of(chosen: Chosen) -> AreaId | None:
    """The area that it restricts to."""
    return AreaId(chosen.area) if chosen.area else None


def place_words(chosen: Chosen, places: Places) -> str:
    """Where."""
    if AreaId(chosen.node) in places:
        return places.name(AreaId(chosen.node))
    area = AreaId(chosen.area)
    return capital(places.title(area)) if area in places else places.home_name


def day_span(chosen: Chosen) -> str:
    """Which days, for the middle of a sentence."""
    since, until = read_date(chosen.since), read_date(chosen.until)
    if since or until:
        ends = [day_words(day) if day else "…" for day in (since, until)]
        return phrases.SPAN.format(start=ends[0], end=ends[1])
    return str(DAYS.get(chosen.day, phrases.EVERY_DAY)).lower()


def other_words(chosen: Chosen) -> list[str]:
    """What else restricts."""
    chosen_words = (
        FIELDS.get(chosen.field, chosen.field),
        CLASSES.get(chosen.class_, chosen.class_),
        OUTCOME_FILTER.get(chosen.outcome, chosen.outcome),
        f"“{chosen.title}”" if chosen.title else "",
    )
    return [str(word) for word in chosen_words if word]
