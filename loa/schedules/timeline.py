"""Lay items out in time: one sweep forward, in which each decision uses only what is known by then."""

from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import assert_never

from loa.protocol.ids import OccurrenceId
from loa.protocol.kinds import AfterInterruption, BroadcastClass, Late
from loa.protocol.policy import Policy, PolicyVersion
from loa.protocol.reasons import Reason
from loa.protocol.units import from_ms, to_ms
from loa.protocol.when import DEFAULT_TZ
from loa.schedules.facts import Fact, Said, Silences, Targets, in_order, is_meant_for
from loa.schedules.lanes import NEVER, Lanes
from loa.schedules.limits import Limits
from loa.schedules.model import Item, Outcome, Reorder, Segment, Silence, Timeline, Withdrawal
from loa.schedules.plays import By, Play, Refused, Stage, enter


def lay_out(
    items: Iterable[Item],
    withdrawals: Sequence[Withdrawal],
    silences: Sequence[Silence],
    policy: Policy,
    tz: str = DEFAULT_TZ,
    *,
    reorders: Sequence[Reorder] = (),
) -> Timeline:
    """What sounds when on a node that has learnt all of this, and how each item ends.

    The order of the arguments' elements does not matter. What is issued, known or effective from t on
    alters nothing before t, but for the 5 s in which an arrival counts as in time. Takes O(n log n)
    for n items. Raises BadItemError for an item without a duration.
    """
    plays, refused = enter(items, tz)
    facts = in_order(policy, silences, withdrawals, reorders)
    sweep = _Sweep(plays, facts, Targets(plays, withdrawals, reorders), Limits(tz))
    sweep.run()
    return Timeline(tuple(sweep.segments), sweep.outcomes, tuple(refused))


class _Sweep:
    """The state of the channel as time goes forward."""

    def __init__(self, plays: list[Play], facts: list[Fact], targets: Targets, limits: Limits) -> None:
        self.segments: list[Segment] = []
        self.outcomes: dict[OccurrenceId, Outcome] = {}
        self._arrivals = sorted(plays, key=attrgetter("ready", "id"), reverse=True)
        self._facts = facts[::-1]
        self._targets = targets
        self._limits = limits
        self._silences = Silences()
        self._lanes = Lanes()
        self._now = 0
        self._sounding: Play | None = None
        self._since = 0
        self._at = self._since_at = from_ms(0)
        self._stop = 0
        self._last_sounded: OccurrenceId | None = None
        self._due: list[Play] = []

    def run(self) -> None:
        """Go from instant to instant until nothing can happen any more."""
        lanes = self._lanes
        while (at_ms := self._next_instant()) < NEVER:
            self._now, self._at = at_ms, from_ms(at_ms)
            if self._sounding is not None and self._stop <= at_ms:
                self._end(self._sounding)
            self._learn()
            if self._sounding is not None and self._stop <= at_ms:
                self._end_hard(self._sounding)
            if lanes.may_be_due(at_ms):
                self._end_spent()
            if lanes.wakes and lanes.wakes[0] <= at_ms:
                lanes.wake(at_ms)
            if self._sounding is None or lanes.emergencies:
                self._choose()
            if self._due:
                self._displace()

    def _next_instant(self) -> int:
        instant = self._lanes.next_ms()
        if self._facts and self._facts[-1].at_ms < instant:
            instant = self._facts[-1].at_ms
        if self._arrivals and self._arrivals[-1].ready < instant:
            instant = self._arrivals[-1].ready
        if self._sounding is not None and self._stop < instant:
            instant = self._stop
        return instant

    # What happens at an instant, in the order in which it does.

    def _end(self, play: Play) -> None:
        if self._natural_end(play) <= self._now:
            self._hush(play)
            complete = play.sounded >= play.duration
            self._over(play, Reason.COMPLETE if complete else Reason.PARTLY)

    def _learn(self) -> None:
        facts, arrivals = self._facts, self._arrivals
        while facts and facts[-1].at_ms <= self._now:
            self._take_in(facts.pop().said)
        while arrivals and arrivals[-1].ready <= self._now:
            self._arrive(arrivals.pop())

    def _take_in(self, said: Said) -> None:
        match said:
            case Silence():
                self._silence(said)
            case Withdrawal():
                self._withdraw(said)
            case Reorder():
                self._reorder(said)
            case PolicyVersion():
                self._limits.switch(said)
                self._lanes.wake_all()
                self._stop = self._now
            case _:
                assert_never(said)

    def _end_hard(self, play: Play) -> None:
        if play.last_end <= self._now:
            self._cut(play, Reason.LAST_END)
        elif not play.emergency and self._limits.open_until(play, self._now) is None:
            self._cut(play, Reason.QUIET_HOURS, legal_source=self._limits.quiet_source())
        else:
            self._stop = self._stop_of(play)

    def _end_spent(self) -> None:
        """End those of whom nothing is left; the others that must begin now may still be chosen."""
        self._due = self._lanes.due(self._now)
        for play in self._due:
            if play.is_spent(self._now):
                self._miss(play, play.parked)

    def _choose(self) -> None:
        emergency = self._lanes.first_emergency()
        play = self._sounding
        if emergency is not None and (
            play is None or not play.emergency or play.authority < emergency.authority
        ):
            if play is not None:
                self._interrupt(play, emergency)
            self._begin(emergency)
        elif play is None:
            self._choose_ordinary()

    def _displace(self) -> None:
        for play in self._due:
            if play.stage is Stage.WAITING:
                self._miss(play, None if play.emergency else self._limits.refusal(play, self._now))
        self._due = []

    # What a fact does.

    def _arrive(self, play: Play) -> None:
        if play.withdrawn is not None:
            at_ms, by = play.withdrawn
            self._over(play, Reason.WITHDRAWN, by=by, at_ms=max(at_ms, play.learnt))
        elif (silence := self._silences.over(play, self._now)) is not None:
            self._over(play, Reason.SILENCED, by=silence.id)
        elif play.not_after < self._now:
            self._over(play, Reason.EXPIRED)
        elif play.ready > play.start and _is_learnt_too_late(play):
            self._over(play, Reason.LEARNT_TOO_LATE)
        elif (latest := play.latest()) < self._now or play.is_spent(self._now):
            self._over(play, Reason.LAST_END)
        else:
            self._lanes.wait(play, latest)

    def _silence(self, silence: Silence) -> None:
        if to_ms(silence.until_at) <= self._now:
            return
        self._silences.add(silence)
        for play in self._alive():
            if is_meant_for(silence, play):
                self._cut(play, Reason.SILENCED, by=silence.id)

    def _withdraw(self, withdrawal: Withdrawal) -> None:
        for play in self._targets.named(withdrawal.target):
            if play.stage is Stage.AHEAD and play.withdrawn is None:
                play.withdrawn = self._now, withdrawal.id
            elif play.stage in {Stage.WAITING, Stage.SOUNDING}:
                self._cut(play, Reason.WITHDRAWN, by=withdrawal.id)

    def _reorder(self, reorder: Reorder) -> None:
        self._targets.reorder(reorder)
        for play in self._targets.named(reorder.target):
            if play.stage is Stage.WAITING:
                self._lanes.sort_anew(play)

    # What becomes of a play.

    def _choose_ordinary(self) -> None:
        for play in self._lanes.candidates():
            refused = self._limits.refusal(play, self._now)
            if refused is None:
                self._begin(play)
                return
            self._lanes.park(play, refused)

    def _begin(self, play: Play) -> None:
        if not play.begun and not play.emergency:
            self._limits.reserve(play)
        self._lanes.leave(play, Stage.SOUNDING)
        play.go_on(self._now)
        self._sounding, self._since, self._since_at = play, self._now, self._at
        self._stop = self._stop_of(play)

    def _interrupt(self, play: Play, emergency: Play) -> None:
        self._hush(play)
        if play.item.after_interruption is AfterInterruption.DROP:
            self._over(play, Reason.INTERRUPTED, by=emergency.id)
        else:
            latest = play.latest()
            self._lanes.wait(play, latest)
            if latest <= self._now:
                self._due.append(play)

    def _cut(self, play: Play, reason: Reason, *, by: By = None, legal_source: str | None = None) -> None:
        if play is self._sounding:
            self._hush(play)
        self._over(play, reason, by=by, legal_source=legal_source)

    def _hush(self, play: Play) -> None:
        length_ms = self._now - self._since
        self.segments.append(Segment(self._since_at, self._at, play.id, play.offset))
        play.offset += length_ms
        play.sounded += length_ms
        self._last_sounded, self._sounding = play.id, None

    def _miss(self, play: Play, refused: Refused | None) -> None:
        """End a play that waited until its latest instant, for the reason that kept it waiting."""
        if refused is not None:
            self._over(play, refused.reason, legal_source=refused.legal_source)
        else:
            sounding = self._sounding.id if self._sounding else self._last_sounded
            self._over(play, Reason.DISPLACED, by=sounding)

    def _over(
        self,
        play: Play,
        reason: Reason,
        *,
        by: By = None,
        at_ms: int | None = None,
        legal_source: str | None = None,
    ) -> None:
        at = self._at if at_ms is None else from_ms(at_ms)
        self._lanes.leave(play, Stage.OVER)
        self.outcomes[play.id] = Outcome(reason, at, play.sounded, by, legal_source)
        if play.reserved and self._limits.give_back(play):
            for class_ in _ORDINARY:
                self._lanes.wake_minutes(class_, self._limits.free_ms(class_))

    def _alive(self) -> list[Play]:
        return [*self._lanes.waiting, *([self._sounding] if self._sounding else [])]

    def _natural_end(self, play: Play) -> int:
        return self._since + play.duration - play.offset

    def _stop_of(self, play: Play) -> int:
        stop = min(self._natural_end(play), play.last_end)
        if play.emergency:
            return stop
        until = self._limits.open_until(play, self._now)
        return stop if until is None else min(stop, until)


def _is_learnt_too_late(play: Play) -> bool:
    if play.clock is not None:
        return play.clock + play.duration <= play.ready
    return play.item.late is Late.SKIP and not play.emergency and play.ready > max(play.start, play.issued)


_ORDINARY = (BroadcastClass.PRIORITY, BroadcastClass.NORMAL)
