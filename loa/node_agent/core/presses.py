"""The STOP button's presses, and what they mean for the timeline."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from loa.protocol.ids import SilenceId, StopId
from loa.protocol.units import Instant
from loa.protocol.wire import Wire
from loa.schedules.model import Silence

BUTTON = SilenceId("button")
"""What reports name as that which silenced."""
SAME_PRESS = timedelta(seconds=2)
_FOREVER = datetime(9999, 1, 1, tzinfo=UTC)
_HIGHEST = 100
_KEPT = timedelta(days=33)
"""Longer than a node looks back."""


class Press(Wire):
    """One press, and from when on it counts no more."""

    id: StopId
    at: Instant
    over_at: Instant | None = None


def holding(presses: Sequence[Press]) -> Press | None:
    """The press that silences the node now."""
    return next((press for press in presses if press.over_at is None), None)


def pressed(presses: Sequence[Press], new: Press) -> tuple[Press, ...]:
    """Pressed again, also while an earlier press holds: a release under way then releases only that one."""
    return (*_ended(presses, new.at), new)


def released(presses: Sequence[Press], at: datetime) -> tuple[Press, ...]:
    """From `at` on the node may sound again."""
    return _ended(presses, at)


def set_back(presses: Sequence[Press], now: datetime) -> tuple[Press, ...]:
    """The clock was set back behind the press that holds: it holds from now on, not only from then."""
    return tuple(
        press.model_copy(update={"at": now}) if press.over_at is None and now < press.at else press
        for press in presses
    )


def to_silences(presses: Sequence[Press]) -> list[Silence]:
    """As the timeline takes them: of the highest authority, over all that is approved before and after."""
    return [
        Silence(
            id=BUTTON,
            from_at=press.at,
            until_at=press.over_at or _FOREVER,
            issued_at=press.at,
            authority=_HIGHEST,
            is_total=True,
        )
        for press in presses
    ]


def _ended(presses: Sequence[Press], at: datetime) -> tuple[Press, ...]:
    ended = (
        press if press.over_at else press.model_copy(update={"over_at": max(press.at, at)})
        for press in presses
    )
    return tuple(press for press in ended if press.over_at is None or press.over_at > at - _KEPT)
