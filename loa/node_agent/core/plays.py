"""What really sounded of an occurrence, as the player tells it and as it is kept on disk."""

from datetime import datetime, timedelta
from typing import Annotated

from pydantic import Field

from loa.audio.player import Began, Ended, Failed
from loa.protocol.ids import OccurrenceId
from loa.protocol.reasons import Reason
from loa.protocol.units import DurationMs, Instant
from loa.protocol.wire import Wire

_MS = timedelta(milliseconds=1)
_SEAM = timedelta(milliseconds=60)
"""Stretches this near to each other were one to the ear: a change of volume, not a pause."""


class Stretch(Wire):
    """One stretch of sound without a pause. `to_at` of one that goes on is how far it is certain."""

    from_at: Instant
    to_at: Instant
    offset_ms: DurationMs
    played_ms: Annotated[DurationMs, Field(ge=0)]
    siren: bool = False
    """Whether it was the standing siren that sounded, in place of the occurrence's own sound."""


class Play(Wire):
    """What has sounded of one occurrence so far."""

    occurrence: OccurrenceId
    done: tuple[Stretch, ...] = ()
    going: Stretch | None = None
    trouble: Reason | None = None
    """Why a part of it did not sound, if the node knows."""

    @property
    def stretches(self) -> tuple[Stretch, ...]:
        """All of them, in order."""
        return (*self.done, *([self.going] if self.going else []))

    @property
    def own(self) -> tuple[Stretch, ...]:
        """The stretches of its own sound that are over."""
        return tuple(stretch for stretch in self.done if not stretch.siren)

    @property
    def played_ms(self) -> int:
        """What sounded of its own sound for certain."""
        return self._sum_ms(siren=False)

    @property
    def siren_ms(self) -> int:
        """How long the siren sounded in its place for certain."""
        return self._sum_ms(siren=True)

    def _sum_ms(self, *, siren: bool) -> int:
        return sum(stretch.played_ms for stretch in self.stretches if stretch.siren is siren)


def began(play: Play, event: Began, *, siren: bool = False) -> Play:
    """The first sample of a stretch was heard."""
    stretch = Stretch(
        from_at=event.at,
        to_at=event.at,
        offset_ms=DurationMs(event.offset_ms),
        played_ms=DurationMs(0),
        siren=siren,
    )
    return closed(play).model_copy(update={"going": stretch})


def still_sounding(play: Play, now: datetime) -> Play:
    """A checkpoint: everything up to `now` is certain."""
    if play.going is None or now <= play.going.from_at:
        return play
    played_ms = (now - play.going.from_at) // _MS
    return play.model_copy(update={"going": _until(play.going, now, played_ms)})


def ended(play: Play, event: Ended, *, siren: bool = False) -> Play:
    """The last sample of the stretch was heard."""
    if play.going is None or play.going.siren is not siren:
        return play
    return closed(play.model_copy(update={"going": _until(play.going, event.at, event.played_ms)}))


def failed(play: Play, _event: Failed) -> Play:
    """A part of it could not be played."""
    return missed(closed(play))


def missed(play: Play) -> Play:
    """It was due, or a part of it, and could not be played."""
    return play.model_copy(update={"trouble": play.trouble or Reason.SOUND_MISSING})


def closed(play: Play) -> Play:
    """Whatever was going on ended where it was last certain, as after a loss of power."""
    if play.going is None:
        return play
    return play.model_copy(update={"done": _joined(play.done, play.going), "going": None})


def _until(stretch: Stretch, at: datetime, played_ms: int) -> Stretch:
    to_at = max(stretch.from_at, at)
    return stretch.model_copy(update={"to_at": to_at, "played_ms": DurationMs(played_ms)})


def _joined(done: tuple[Stretch, ...], last: Stretch) -> tuple[Stretch, ...]:
    if not done or last.from_at - done[-1].to_at > _SEAM or last.siren is not done[-1].siren:
        return (*done, last)
    one = done[-1]
    played_ms = DurationMs(one.played_ms + last.played_ms)
    whole = one.model_copy(update={"to_at": max(one.to_at, last.to_at), "played_ms": played_ms})
    return (*done[:-1], whole)
