"""Changes that wait for a disk, joined into one: never more than the state of the node."""

from collections.abc import Iterable, Mapping
from typing import TypeVar

from loa.node_agent.core.shelf import Shelf
from loa.node_agent.ports import Change
from loa.protocol.ids import OccurrenceId
from loa.protocol.reports import PlayReport, Report

Name = TypeVar("Name")
Thing = TypeVar("Thing")


def join(older: Change, newer: Change) -> Change:
    """One change that does what both do, one after the other; of a play the last word alone is kept."""
    closed = {*older.closed, *newer.closed} - set(newer.forget_reported)
    plays = {play.occurrence: play for play in (*older.plays, *newer.plays)}
    over = closed | occurrences_of((*older.reports, *newer.reports))
    return Change(
        config=newer.config or older.config,
        held={**older.held, **newer.held},
        shelf=plus(minus(older.shelf, newer.forget), newer.shelf),
        forget=plus(older.forget, newer.forget),
        sounds={**newer.sounds, **_left(older.sounds, set(newer.forget_sounds))},
        forget_sounds={*older.forget_sounds, *newer.forget_sounds},
        plays=[play for name, play in plays.items() if name not in over],
        reports=(*older.reports, *newer.reports),
        accounted_at=newer.accounted_at or older.accounted_at,
        self_tested_at=newer.self_tested_at or older.self_tested_at,
        siren=newer.siren or older.siren,
        presses=older.presses if newer.presses is None else newer.presses,
        update=newer.update or older.update,
        forget_reported={*older.forget_reported, *newer.forget_reported},
        closed=closed,
        carried=(*older.carried, *newer.carried),
    )


def occurrences_of(reports: Iterable[Report]) -> set[OccurrenceId]:
    """Those that a play report closes."""
    return {report.occurrence for report in reports if isinstance(report, PlayReport)}


def plus(shelf: Shelf, added: Shelf) -> Shelf:
    """What `added` has counts before what `shelf` has under the same name."""
    if added.is_empty():
        return shelf
    return Shelf(
        entries={**shelf.entries, **added.entries},
        withdrawals={**shelf.withdrawals, **added.withdrawals},
        silences={**shelf.silences, **added.silences},
        orders={**shelf.orders, **added.orders},
    )


def minus(shelf: Shelf, gone: Shelf) -> Shelf:
    """Without what bears a name in `gone`."""
    if gone.is_empty():
        return shelf
    return Shelf(
        entries=_left(shelf.entries, gone.entries),
        withdrawals=_left(shelf.withdrawals, gone.withdrawals),
        silences=_left(shelf.silences, gone.silences),
        orders=_left(shelf.orders, gone.orders),
    )


def _left(things: Mapping[Name, Thing], gone: Mapping[Name, Thing] | set[Name]) -> dict[Name, Thing]:
    return {name: thing for name, thing in things.items() if name not in gone}
