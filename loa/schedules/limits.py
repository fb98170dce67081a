"""What the policy in force allows a play: hours, and minutes a day."""

from math import inf

from loa.protocol.kinds import BroadcastClass
from loa.protocol.policy import PolicyVersion
from loa.protocol.reasons import Reason
from loa.schedules.plays import Play, Refused
from loa.schedules.policy import NO_POLICY, calendar


class Limits:
    """Hours by one version at a time, and a count of the minutes of one broadcast day at a time."""

    def __init__(self, tz: str) -> None:
        self._tz = tz
        self._day = 0
        self._used = {BroadcastClass.PRIORITY: 0, BroadcastClass.NORMAL: 0}
        self.switch(NO_POLICY)

    def switch(self, version: PolicyVersion) -> None:
        """Let another version be in force."""
        self._version = version
        self._calendars = {class_: calendar(version, class_, self._tz) for class_ in self._used}

    def open_until(self, play: Play, at_ms: int) -> int | None:
        """Until when at least the hours are open for a play that is no emergency; None: they are closed."""
        is_open, until_ms = self._calendars[play.class_].state(at_ms)
        return until_ms if is_open else None

    def quiet_source(self) -> str:
        """The rule by which hours are closed."""
        return self._version.quiet_source

    def refusal(self, play: Play, at_ms: int) -> Refused | None:
        """Why a play that is no emergency may not begin or go on at `at_ms`; None: it may."""
        is_open, until_ms = self._calendars[play.class_].state(at_ms)
        if not is_open:
            return Refused(Reason.QUIET_HOURS, self._version.quiet_source, until_ms)
        if play.whole and play.end_from(at_ms) > until_ms:
            return Refused(Reason.INTO_QUIET_HOURS, self._version.quiet_source, until_ms)
        if not play.begun and self._version.minutes:
            return self._minutes_refusal(play)
        return None

    def reserve(self, play: Play) -> None:
        """Set the whole duration aside as the play begins."""
        if play.day != self._day:
            self._day = play.day
            self._used = dict.fromkeys(self._used, 0)
        play.reserved = play.duration
        self._used[play.class_] += play.duration

    def give_back(self, play: Play) -> bool:
        """Free what a play did not sound of what it had reserved; whether that was anything."""
        unsounded = play.reserved - play.sounded
        if play.day != self._day or unsounded <= 0:
            return False
        self._used[play.class_] -= unsounded
        return True

    def free_ms(self, class_: BroadcastClass) -> float:
        """What a class has left of the broadcast day that is being counted."""
        left = (
            self._left(line.minutes, line.classes) for line in self._version.minutes if class_ in line.classes
        )
        return min(left, default=inf)

    def _minutes_refusal(self, play: Play) -> Refused | None:
        for line in self._version.minutes:
            left = self._left(line.minutes, line.classes) if play.day == self._day else line.minutes * 60_000
            if play.class_ in line.classes and play.duration > left:
                return Refused(Reason.MINUTES_USED_UP, line.legal_source, None)
        return None

    def _left(self, minutes: int, classes: frozenset[BroadcastClass]) -> int:
        left = minutes * 60_000
        for class_, used in self._used.items():
            if class_ in classes:
                left -= used
        return left
