"""What is announced in the campaign, scene by scene, and by plain arithmetic what then has to sound.

A scene has its stretch of time to itself. It is set up some seconds ahead; what is said in the middle of it
(an emergency, a withdrawal, a STOP) is said at its moment, and counts from when the controller took it.
"""

import heapq
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import count
from random import Random

from tests.field.bureau import PATIENCE_MS, Bureau, RefusedError
from tests.field.ledger import ON_TIME, Due, Ledger, Piece, Stretch, around, hull, in_turn, until, whole
from tests.field.studio import Studio, Take
from tests.field.world import Parish
from tests.flow.office import Announced
from tests.flow.times import seconds

AHEAD = seconds(15)
"""So long before its beginning a scene is set up."""
LEAST_AHEAD = seconds(7)
LEAD = seconds(2)
"""Of emergencies, as the village sets it."""
OBEYED = seconds(1.5)
"""From the answer to a withdrawal or STOP until no node that hears sounds any more."""
STANDING = timedelta(days=6)
DAY_BEGINS_H = 20
"""In UTC; 03:00 in the commune. What would sound on beyond is not begun: it is not to go on another day."""
NAMES = ("once", "once", "queue", "priority", "emergency", "emergency", "withdrawal", "stop")


class Scenes:
    """Sets scenes up, one after the other, for ever; `turn` does whatever is due."""

    def __init__(self, parish: Parish, studio: Studio, ledger: Ledger, dice: Random) -> None:
        self._parish = parish
        self._bureau = Bureau(parish)
        self._studio = studio
        self._ledger = ledger
        self._dice = dice
        self._deck = self._shuffled()
        self._keys = (f"scene-{number}" for number in count(1))
        self._acts: list[tuple[datetime, int, Callable[[], None]]] = []
        self._numbers = count()
        self._free_at = parish.now()
        self._held = False
        """A STOP is planned: nothing more is announced until it was given."""

    @property
    def over_at(self) -> datetime:
        """When the last scene so far is over."""
        return self._free_at

    @property
    def is_idle(self) -> bool:
        """Whether nothing remains to be done for the scenes so far."""
        return not self._acts and self._parish.now() > self._free_at

    def prepare(self) -> tuple[Announced, Take]:
        """Before the first scene: the sirens go out to every node, and something is to sound daily."""
        for number, siren in enumerate(self._studio.sirens):
            at = self._whole_second(self._parish.now() + STANDING) + number * timedelta(minutes=1)
            self._bureau.announce(siren.recording, at, key=next(self._keys))
        take = self._studio.take(3)
        at = self._begin(take.sound.length)
        daily = self._bureau.announce(take.recording, at, key=next(self._keys), rrule="FREQ=DAILY;COUNT=5")
        self.expect("daily", daily, take, at, whole(at, take.sound.length))
        return daily, take

    def turn(self, *, more: bool) -> None:
        """Do what is due; with `more`, set the next scene up if it is time."""
        now = self._parish.now()
        if self._acts and self._acts[0][0] <= now:
            self._act(heapq.heappop(self._acts)[2])
        elif more and not self._held and now >= self._free_at - AHEAD:
            self._set_up(next(self._deck))

    def hold_until(self, at: datetime) -> None:
        """The next scene begins after this."""
        self._free_at = max(self._free_at, at)

    def announce_one(self, scene: str, length: int, at: datetime) -> Due:
        """One broadcast, with what has to sound of it when nothing comes between."""
        take = self._studio.take(length)
        announced = self._bureau.announce(take.recording, at, key=next(self._keys))
        return self.expect(scene, announced, take, at, whole(at, take.sound.length))

    def expect(self, scene: str, announced: Announced, take: Take, at: datetime, pieces: list[Piece]) -> Due:
        due = Due(
            scene=scene,
            occurrence=announced.occurrence(at),
            recording=take.recording,
            sound=take.sound,
            planned_at=at,
            said_at=self._parish.now(),
            may=Stretch(at, at + take.sound.length),
        )
        self._arrange(due, pieces)
        self._ledger.dues.append(due)
        return due

    def _arrange(self, due: Due, pieces: list[Piece]) -> None:
        """What has to be heard; nothing, if it was approved so late that it depends on the moment."""
        if due.said_at < due.planned_at - seconds(1) or due.scene == "alarm":
            _lay(due, pieces)
            return
        over_at = due.said_at + timedelta(milliseconds=PATIENCE_MS) + 2 * due.length
        due.may = Stretch(due.planned_at, over_at)
        due.pieces, due.informed, due.keeps_time = [], [due.may], False
        self.hold_until(over_at + seconds(2))

    def _shuffled(self) -> Iterator[str]:
        while True:
            names = list(NAMES)
            self._dice.shuffle(names)
            yield from names

    def _act(self, act: Callable[[], None]) -> None:
        try:
            act()
        except RefusedError as error:
            self._held = False
            self._ledger.skipped.append(str(error))

    def _set_up(self, name: str) -> None:
        self._act(
            {
                "once": self._once,
                "queue": self._queue,
                "priority": self._priority,
                "emergency": self._emergency,
                "withdrawal": self._withdrawal,
                "stop": self._stop,
            }[name]
        )

    # The scenes.

    def _once(self) -> None:
        length = self._dice.choice((2, 3, 4))
        self.announce_one("once", length, self._begin(seconds(length)))

    def _queue(self) -> None:
        at = self._begin(seconds(6))
        self._line_up("queue", [(4, at, "normal"), (2, at + seconds(1), "normal")])

    def _priority(self) -> None:
        at = self._begin(seconds(8))
        second, third = at + seconds(1), at + seconds(2)
        self._line_up("priority", [(4, at, "normal"), (2, second, "normal"), (2, third, "priority")])

    def _line_up(self, scene: str, wishes: list[tuple[int, datetime, str]]) -> None:
        """Some that wait for one another; those that were taken."""
        made: list[tuple[Due, bool]] = []
        for length, at, class_ in wishes:
            take = self._studio.take(length)
            announced = self._bureau.announce(take.recording, at, key=next(self._keys), class_=class_)
            made.append((self.expect(scene, announced, take, at, []), class_ == "priority"))
            made[-1][0].beside = [due for due, _ in made[:-1]]
            for due, _ in made[:-1]:
                due.beside.append(made[-1][0])
            starts = in_turn([(due.planned_at, due.length, first) for due, first in made])
            over_at = max(begin + due.length for begin, (due, _) in zip(starts, made, strict=True))
            for begin, (due, _) in zip(starts, made, strict=True):
                due.keeps_time = False
                due.may = Stretch(due.planned_at, max(due.may.to_at, over_at))
                self._arrange(due, whole(begin, due.length))

    def _emergency(self) -> None:
        at = self._begin(seconds(9))
        due = self.announce_one("emergency", 4, at)
        click_at = at - LEAD + seconds(self._dice.uniform(-0.5, 3))
        self._at(click_at, lambda: self._alarm(due))

    def _alarm(self, due: Due) -> None:
        siren = self._studio.siren()
        clicked_at = self._parish.now()
        alarm = self._bureau.emergency(siren.recording, key=next(self._keys))
        begin, length = alarm.first_at, siren.sound.length
        own = self.expect("alarm", alarm, siren, begin, whole(begin, length))
        own.said_at = clicked_at
        own.keeps_time = False
        due.turns.append(begin - LEAD)
        due.beside.append(own)
        due.keeps_time = False
        due.may = Stretch(due.may.from_at, due.may.to_at + length + ON_TIME)
        self._arrange(due, around(due.planned_at, due.length, begin, length))
        self._free_at = max(self._free_at, begin + length + seconds(3))
        self._at(begin + length + seconds(0.5), lambda: self._all_clear(alarm, own))

    def _all_clear(self, alarm: Announced, own: Due) -> None:
        """Taken back, or a node that was cut off would sound it in the middle of another scene."""
        self._bureau.withdraw(alarm, key=next(self._keys))
        last = self._parish.now() + OBEYED
        own.may = Stretch(own.planned_at, last + own.length)
        disturbed = Stretch(own.planned_at, own.may.to_at + ON_TIME)
        for due in self._ledger.dues:
            if due is not own and due.may.meets(disturbed):
                self._disturb(due, own)

    def _disturb(self, due: Due, alarm: Due) -> None:
        """It may be shifted where the alarm came late; and everywhere, if the alarm was given late."""
        when = Stretch(alarm.planned_at, alarm.planned_at + alarm.length)
        if due.scene != "emergency" and any(piece.when.meets(when.wider(seconds(2))) for piece in due.pieces):
            due.pieces = []
            due.informed = []
        due.turns.append(alarm.planned_at - LEAD)
        due.keeps_time = False
        due.may = Stretch(due.may.from_at, due.may.to_at + alarm.length + seconds(1))

    def _withdrawal(self) -> None:
        at = self._begin(seconds(4))
        take = self._studio.take(4)
        announced = self._bureau.announce(take.recording, at, key=next(self._keys))
        due = self.expect("withdrawal", announced, take, at, whole(at, take.sound.length))
        self._at(at + seconds(self._dice.choice((-3, 1, 1.5, 2.5))), lambda: self._withdraw(announced, due))

    def _withdraw(self, announced: Announced, due: Due) -> None:
        said_at = self._parish.now()
        self._bureau.withdraw(announced, key=next(self._keys))
        self._cut(due, said_at)

    def _stop(self) -> None:
        at = self._begin(seconds(8))
        sounding = self.announce_one("stop", 4, at)
        coming = self.announce_one("stop", 2, at + seconds(6))
        self._held = True
        self._at(at + seconds(1.5), lambda: self._silence([sounding, coming]))

    def _silence(self, dues: list[Due]) -> None:
        said_at = self._parish.now()
        self._bureau.stop()
        for due in dues:
            self._cut(due, said_at)
        self._held = False

    def _cut(self, due: Due, said_at: datetime) -> None:
        """It was said, at some moment from `said_at` until now, that it is to sound no more."""
        answered_at = self._parish.now()
        due.turns.append(said_at)
        if not due.pieces:
            return
        due.pieces = until(due.planned_at, due.length, said_at)
        last = min(answered_at + OBEYED, due.planned_at + due.length)
        due.informed = [Stretch(due.planned_at, last)] if last > due.planned_at else []

    # Time.

    def _begin(self, length: timedelta) -> datetime:
        """The beginning of the next scene, which then has this time to itself."""
        at = self._whole_second(max(self._free_at, self._parish.now() + LEAST_AHEAD))
        at = off_the_turn(at, length + AHEAD)
        self._free_at = at + length + seconds(self._dice.choice((1.5, 2.5)))
        return at

    def _whole_second(self, at: datetime) -> datetime:
        return (at + seconds(1)).replace(microsecond=0)

    def _at(self, at: datetime, act: Callable[[], None]) -> None:
        heapq.heappush(self._acts, (at, next(self._numbers), act))


def off_the_turn(at: datetime, length: timedelta) -> datetime:
    """That instant, or the first one after the turn of the day if it would be on the air at it."""
    turn_at = at.replace(hour=DAY_BEGINS_H, minute=0, second=0, microsecond=0)
    return turn_at + seconds(1) if at < turn_at < at + length else at


def _lay(due: Due, pieces: list[Piece]) -> None:
    due.pieces = pieces
    due.informed = [piece.when for piece in pieces]
    if pieces:
        found = hull(pieces)
        due.may = Stretch(min(due.may.from_at, found.from_at), max(due.may.to_at, found.to_at))
