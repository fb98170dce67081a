"""STOP in words: what sounds now, how long to keep silent, and what was achieved by what the nodes said."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from loa.controller.core.presence import LastWord, Presence
from loa.controller.web import phrases
from loa.controller.web.catalogue import STOPPED, Look
from loa.controller.web.localtime import clock, clock_seconds, day_starts, decimal, today
from loa.controller.web.places import Places
from loa.protocol.ids import AreaId, NodeId

SHORTEST = timedelta(minutes=1)
LONGEST = timedelta(hours=24)
CHOICES: Mapping[str, timedelta] = {"900": timedelta(minutes=15), "3600": timedelta(hours=1)}
MOST_CELLS = 40


@dataclass(frozen=True, slots=True)
class Sounding:
    """Something that sounds now, on how many nodes, and until when by its length."""

    title: str
    nodes: int
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Cell:
    """One node in the row of nodes."""

    kind: str
    title: str


@dataclass(frozen=True, slots=True)
class Result:
    """What the silence achieved so far."""

    look: Look
    title: str
    until: str
    lines: tuple[str, ...]
    total: int
    connected: int
    sounding: int
    cells: tuple[Cell, ...]
    legend: str
    open: bool
    """Whether an answer may still come."""

    @property
    def is_done(self) -> bool:
        """Whether all that can be reached are silent."""
        return self.connected > 0 and self.sounding == 0


def sentence(sounding: Collection[Sounding]) -> str:
    """What would fall silent."""
    if not sounding:
        return phrases.STOP_SILENT
    titles = ", ".join(dict.fromkeys(one.title for one in sounding))
    return phrases.STOP_SOUNDING.format(titles=titles, nodes=sum(one.nodes for one in sounding))


def untils(sounding: Collection[Sounding]) -> list[tuple[str, str]]:
    """How long to keep silent, the usual choice first."""
    item = [("item", phrases.UNTIL_ITEM)] if sounding else []
    fixed = [("900", phrases.UNTIL_QUARTER), ("3600", phrases.UNTIL_HOUR)]
    return [*item, *fixed, ("day", phrases.UNTIL_DAY)]


def lasting(choice: str, sounding: Iterable[Sounding], now: datetime, tz: str) -> timedelta:
    """The length of the silence that a choice means."""
    if choice in CHOICES:
        return CHOICES[choice]
    if choice == "day":
        return _bounded(day_starts(today(now, tz) + timedelta(days=1), tz) - now)
    ends = max((one.ends_at for one in sounding), default=now + CHOICES["900"])
    return _bounded(ends - now)


def result(
    places: Places,
    area: AreaId,
    *,
    issued_at: datetime,
    until_at: datetime,
    stopped_at: Collection[datetime],
    now: datetime,
    told: Collection[NodeId] = (),
) -> Result:
    """Who is silent by what the nodes said; `stopped_at` are the instants at which this order ended sound.

    Of the nodes `told` the page says elsewhere that they are lost.
    """
    tz = places.tree.tz_of(area)
    kinds = {
        node: _kind(places.heard.get(node, LastWord()), issued_at) for node in places.tree.nodes_of(area)
    }
    found = {kind: [node for node, its in kinds.items() if its == kind] for kind in _WORDS}
    return Result(
        look=STOPPED,
        title=_title(len(kinds), len(found["quiet"]), _seconds(stopped_at, issued_at)),
        until=clock(until_at, tz),
        lines=tuple(_lines(places, _without(found, told), area, clock_seconds(issued_at, tz))),
        total=len(kinds),
        connected=len(kinds) - len(found["lost"]),
        sounding=len(found["waiting"]) + len(found["sounding"]),
        cells=_cells(places, kinds),
        legend=phrases.CELLS_LEGEND,
        open=bool(found["waiting"] or found["sounding"]) and now < until_at,
    )


_WORDS = {
    "quiet": phrases.CELL_SILENT,
    "sounding": phrases.CELL_SOUNDING,
    "waiting": phrases.CELL_WAITING,
    "lost": phrases.CELL_LOST,
}


def _kind(heard: LastWord, issued_at: datetime) -> str:
    if heard.presence in {Presence.LOST, Presence.UNKNOWN}:
        return "lost"
    if heard.sounding is None:
        return "quiet"
    return "sounding" if heard.at is not None and heard.at >= issued_at else "waiting"


def _title(total: int, silent: int, seconds: str) -> str:
    if not total:
        return phrases.STOPPED_NOBODY
    if silent == total:
        pattern = phrases.STOPPED_ALL_AFTER if seconds else phrases.STOPPED_ALL
    else:
        pattern = phrases.STOPPED_SOME_AFTER if seconds else phrases.STOPPED_SOME
    return pattern.format(total=total, silent=silent, seconds=seconds)


def _seconds(stopped_at: Collection[datetime], issued_at: datetime) -> str:
    if not stopped_at:
        return ""
    seconds = (max(stopped_at) - issued_at).total_seconds()
    return decimal(max(0.0, seconds))


def _lines(places: Places, found: Mapping[str, list[NodeId]], area: AreaId, at: str) -> Iterable[str]:
    yield phrases.STOPPED_WHEN.format(place=places.title(area), at=at)
    patterns = {
        "waiting": phrases.STOPPED_WAITING,
        "sounding": phrases.STOPPED_NOT,
        "lost": phrases.STOPPED_LOST,
    }
    for kind, pattern in patterns.items():
        if found[kind]:
            yield pattern.format(names=places.name_list(found[kind]))


def _without(found: Mapping[str, list[NodeId]], told: Collection[NodeId]) -> Mapping[str, list[NodeId]]:
    return {**found, "lost": [node for node in found["lost"] if node not in told]}


def _cells(places: Places, kinds: Mapping[NodeId, str]) -> tuple[Cell, ...]:
    if len(kinds) > MOST_CELLS:
        return ()
    return tuple(
        Cell(kind, f"{places.name(AreaId(node))}: {_WORDS[kind]}")
        for node, kind in sorted(kinds.items(), key=lambda pair: (list(_WORDS).index(pair[1]), pair[0]))
    )


def _bounded(length: timedelta) -> timedelta:
    return min(LONGEST, max(SHORTEST, length))
