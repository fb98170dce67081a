"""What a wrong clock wrote down, put right once the clock is set.

Whatever a node learnt since its agent began to run was stamped by the clock that turned out to be wrong, but
how long ago that was is certain: it keeps its age. What is older, and yet lies in the future, is taken as
learnt when the agent began. After a leap forward only emergencies keep their age, or one that sounds would be
over at once; the rest stays known in time: what was leapt over was missed for the clock's sake.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from loa.node_agent.core.plays import Play, Stretch
from loa.node_agent.core.shelf import Name, Said, Seen, Shelf, news
from loa.protocol.broadcast import Entry
from loa.protocol.ids import RecordingId
from loa.protocol.kinds import BroadcastClass
from loa.protocol.policy import Policy
from loa.protocol.programme import Config
from loa.protocol.units import to_whole_ms
from loa.schedules.model import Item

NOTABLE = timedelta(seconds=2)
"""A clock that is set by less was right as far as anything depends on it."""
EARLY = timedelta(minutes=1)
"""Over less than this a player waits for the clock, and goes on where it was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leap:
    """The clock was set from `was` to `now`; by the old one, the agent has run since `since`."""

    was: datetime
    now: datetime
    since: datetime
    was_set: bool = True
    """Whether anybody had told the time before."""

    @property
    def by(self) -> timedelta:
        """Positive if it was set forward."""
        return self.now - self.was

    @property
    def is_over_time(self) -> bool:
        """Whether it leaps over a time that something could have been planned for."""
        return self.was_set and self.by > timedelta(0)

    def right(self, at: datetime) -> datetime:
        """When it was, by the clock as it is now, what was stamped `at`."""
        if self.since <= at <= self.was:
            return to_whole_ms(at + self.by)
        return min(at, to_whole_ms(self.since + self.by)) if at > self.now else at


def right_shelf(shelf: Shelf, leap: Leap) -> Shelf:
    """What of the shelf is to be stamped anew."""
    if leap.is_over_time:
        alarms = {name: one for name, one in shelf.entries.items() if _is_alarm(one)}
        return news(shelf, Shelf(entries=_right(alarms, leap)))
    after = Shelf(
        entries=_right(shelf.entries, leap),
        withdrawals=_right(shelf.withdrawals, leap),
        silences=_right(shelf.silences, leap),
        orders=_right(shelf.orders, leap),
    )
    return news(shelf, after)


def right_sounds(
    sounds: Mapping[RecordingId, datetime], shelf: Shelf, leap: Leap
) -> dict[RecordingId, datetime]:
    """The recordings whose arrival is to be stamped anew."""
    alarms = {one.said.broadcast.source.recording for one in shelf.entries.values() if _is_alarm(one)}
    after = {name: leap.right(at) for name, at in sounds.items() if name in alarms or not leap.is_over_time}
    return {name: at for name, at in after.items() if at != sounds[name]}


def right_config(config: Config, adopted_at: datetime, leap: Leap) -> Config:
    """The configuration, whose policy counts from when it was adopted, where that was by the old clock."""
    moved = to_whole_ms(leap.right(adopted_at))
    versions = tuple(
        one.model_copy(update={"effective_from": moved}) if one.effective_from == adopted_at else one
        for one in config.policy.versions
    )
    if versions == config.policy.versions:
        return config
    versions = tuple(sorted(versions, key=lambda one: one.effective_from))
    return config.model_copy(update={"policy": Policy(versions=versions)})


def right_plays(plays: Iterable[Play], leap: Leap) -> list[Play]:
    """The plays whose times are to be stamped anew: what sounds went on all the while."""
    after = [(play, _right_play(play, leap)) for play in plays]
    return [new for old, new in after if new != old]


def had_its_turn(play: Play | None, item: Item) -> bool:
    """Whether it sounded long before its time, by a clock that was fast; an emergency sounds again."""
    if play is None or item.class_ is BroadcastClass.EMERGENCY:
        return False
    return any(one.from_at < item.start_at - EARLY for one in play.stretches)


class Unsure:
    """The times over which the clock was not to be relied on, or was set; for one thread."""

    def __init__(self) -> None:
        self._spans: list[tuple[datetime, datetime]] = []
        self._since: datetime | None = None

    def begin(self, at: datetime) -> None:
        """From now on it is not to be relied on; idempotent."""
        self._since = self._since or at

    def end(self, at: datetime) -> None:
        """It is again; idempotent."""
        if self._since is not None:
            self.add(self._since, at)
            self._since = None

    def add(self, from_at: datetime, until_at: datetime) -> None:
        """A time that is over."""
        self._spans = [*self._spans[-_MOST_SPANS:], (from_at, until_at)]

    def covers(self, at: datetime) -> bool:
        """Whether it was so then."""
        went_on = self._since is not None and self._since <= at
        return went_on or any(from_at <= at < until_at for from_at, until_at in self._spans)

    def move(self, leap: Leap) -> None:
        """The clock was set: what was noted by the old one, by the new one."""
        self._since = None if self._since is None else leap.right(self._since)
        if leap.by < timedelta(0):
            self._spans = [
                (from_at, min(until_at, leap.now)) for from_at, until_at in self._spans if from_at < leap.now
            ]


_MOST_SPANS = 100


def _is_alarm(seen: Seen[Entry]) -> bool:
    return seen.said.broadcast.class_ is BroadcastClass.EMERGENCY


def _right_play(play: Play, leap: Leap) -> Play:
    done = tuple(_right_stretch(one, leap) for one in play.done)
    going = None if play.going is None else _right_stretch(play.going, leap)
    return play.model_copy(update={"done": done, "going": going})


def _right_stretch(one: Stretch, leap: Leap) -> Stretch:
    if not leap.since <= one.from_at <= leap.was:
        return one
    return one.model_copy(
        update={"from_at": to_whole_ms(one.from_at + leap.by), "to_at": to_whole_ms(one.to_at + leap.by)}
    )


def _right(seen: Mapping[Name, Seen[Said]], leap: Leap) -> dict[Name, Seen[Said]]:
    return {name: replace(one, known_at=leap.right(one.known_at)) for name, one in seen.items()}
