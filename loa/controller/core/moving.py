"""Another time for one start of a plan; all its other starts stay as they are."""

from datetime import datetime, timedelta

from loa.protocol.when import When, parse_local
from loa.schedules.localtime import from_wall
from loa.schedules.model import Window
from loa.schedules.recurrence import starts


def moved(when: When, was: datetime, becomes: datetime) -> When:
    """`was` and `becomes` are wall times of the plan's zone; raises ValueError if nothing starts at `was`.

    Moving back gives the starts from before. Where something starts at `becomes` already, the two are one.
    """
    if not _begins_at(when, was):
        raise ValueError(f"nothing starts at {was}")
    if was == becomes:
        return when
    return _with(_without(when, was), becomes)


def _without(when: When, wall: datetime) -> When:
    rdates = tuple(text for text in when.rdates if parse_local(text) != wall)
    less = when.model_copy(update={"rdates": rdates})
    if when.rrule is None and parse_local(when.start_local) == wall:
        return _first_of(less)
    if _begins_at(less, wall):
        return less.model_copy(update={"exdates": (*less.exdates, _text(wall))})
    return less


def _with(when: When, wall: datetime) -> When:
    exdates = tuple(text for text in when.exdates if parse_local(text) != wall)
    more = when.model_copy(update={"exdates": exdates})
    if when.rrule is None and when.start_local == _NONE:
        more = more.model_copy(update={"start_local": _text(wall)})
    elif not _begins_at(more, wall):
        more = more.model_copy(update={"rdates": (*more.rdates, _text(wall))})
    return When.model_validate(more.model_dump())


def _first_of(less: When) -> When:
    """A plan without a rule needs a start: the first of its other dates takes the place."""
    others = sorted(less.rdates)
    start, rest = (others[0], tuple(others[1:])) if others else (_NONE, ())
    return less.model_copy(update={"start_local": start, "rdates": rest})


def _begins_at(when: When, wall: datetime) -> bool:
    if when.rrule is None:
        every = {parse_local(text) for text in (when.start_local, *when.rdates)}
        return wall in every - {parse_local(text) for text in when.exdates}
    at = from_wall(wall, when.tz)
    return bool(starts(when, Window(from_at=at, until_at=at + timedelta(milliseconds=1))))


def _text(wall: datetime) -> str:
    return wall.isoformat(timespec="milliseconds" if wall.microsecond else "seconds")


_NONE = "2000-01-01T00:00"
"""Stands in for a moment, before the new start is known."""
