"""When policies keep loudspeakers quiet, and by which rule."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import reduce

from loa.controller.core.starts import Hours
from loa.protocol.kinds import BroadcastClass
from loa.schedules.model import Window
from loa.schedules.policy import allowed_until, next_change, version_at


@dataclass(frozen=True, slots=True)
class Quiet:
    """A stretch in which broadcasts may not sound, and the rule that says so."""

    from_at: datetime
    to_at: datetime
    legal_source: str


def quiet_stretches(
    hours: Iterable[Hours], classes: Iterable[BroadcastClass], window: Window
) -> Sequence[Quiet]:
    """When by each of these policies none of these classes may sound, in order; at least one of both."""
    wanted = tuple(classes)
    return reduce(_common, (_stretches(one, class_, window) for one in hours for class_ in wanted))


def _stretches(hours: Hours, class_: BroadcastClass, window: Window) -> list[Quiet]:
    found: list[Quiet] = []
    at = window.from_at
    while at < window.until_at:
        until = allowed_until(hours.policy, class_, at, hours.tz)
        if until is None:
            until = next_change(hours.policy, class_, at, hours.tz)
            source = version_at(hours.policy, at).quiet_source
            _add(found, Quiet(at, min(until, window.until_at), source))
        at = until
    return found


def _add(found: list[Quiet], more: Quiet) -> None:
    last = found[-1] if found else None
    if last is not None and last.to_at == more.from_at and last.legal_source == more.legal_source:
        found[-1] = replace(last, to_at=more.to_at)
    else:
        found.append(more)


def _common(first: Sequence[Quiet], second: Sequence[Quiet]) -> list[Quiet]:
    """Where both are, by the rule of the first."""
    return [
        replace(one, from_at=max(one.from_at, other.from_at), to_at=min(one.to_at, other.to_at))
        for one in first
        for other in second
        if max(one.from_at, other.from_at) < min(one.to_at, other.to_at)
    ]
