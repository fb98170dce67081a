import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from queue import Queue
from threading import Condition, Thread

from loa.audio.player import Cue, Player, PlayerEvent, PlayerStatus
from loa.node_agent import logs
from loa.node_agent.core.relay import Shifts, Span, Timing, shifted, shifts, spans
from loa.node_agent.errors import GpioError
from loa.node_agent.ports import Relay, Timekeeper

_LOOK_AGAIN_S = 1.0
"""The clock may be set while the thread waits."""

_log = logging.getLogger(__name__)


class Amplifier:
    """Switches the relay by the cues of the player: on before a sound, off some time after it.

    A thread of its own keeps the times. A relay that fails is told once, until it works again, and the sound
    goes on: an amplifier may be on by itself.
    """

    def __init__(
        self, *, relay: Relay, timing: Timing, clock: Timekeeper, tell: Callable[[str], None]
    ) -> None:
        self._relay = relay
        self._timing = timing
        self._clock = clock
        self._tell = tell
        self._changed = Condition()
        self._spans: list[Span] = []
        self._shifts: Shifts = {}
        self._on_since: datetime | None = None
        self._keep_until: datetime | None = None
        self._told = False
        self._closed = False
        self._thread = Thread(target=self._run, name="loa-amplifier", daemon=True)
        self._thread.start()

    def prepare(self, cues: Sequence[Cue]) -> list[Cue]:
        """The cues with their beginnings at the earliest when the amplifier is ready; it is switched now."""
        with self._changed:
            now = self._clock.now()
            ready_at = (self._on_since or now) + self._timing.lead
            self._shifts = shifts(cues, before=self._shifts, now=now, ready_at=ready_at)
            ready = shifted(cues, self._shifts)
            if self._on_since is not None and self._is_wanted(now):
                self._keep_until = now + self._timing.hold
            self._spans = spans(ready, self._timing)
            self._switch(now)
            self._changed.notify()
            return ready

    def close(self) -> None:
        """Switch off; idempotent."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()
        self._relay.close()

    def _run(self) -> None:
        with self._changed:
            while not self._closed:
                now = self._clock.now()
                self._switch(now)
                self._changed.wait(self._until_next_s(now))

    def _switch(self, now: datetime) -> None:
        wanted = self._is_wanted(now)
        if wanted == (self._on_since is not None):
            return
        try:
            self._relay.switch(on=wanted)
        except GpioError as error:
            self._suffer(str(error))
            return
        self._told = False
        self._on_since = now if wanted else None
        logs.say(_log, "amplifier", on=wanted)

    def _is_wanted(self, now: datetime) -> bool:
        kept = self._keep_until is not None and now < self._keep_until <= now + self._timing.hold
        return kept or any(span.on_at <= now < span.off_at for span in self._spans)

    def _until_next_s(self, now: datetime) -> float:
        edges = [edge for span in self._spans for edge in (span.on_at, span.off_at)]
        ahead = [
            edge - now for edge in (*edges, *([self._keep_until] if self._keep_until else [])) if edge > now
        ]
        return min(_LOOK_AGAIN_S, min(ahead, default=timedelta(days=1)) / timedelta(seconds=1))

    def _suffer(self, detail: str) -> None:
        if not self._told:
            self._told = True
            logs.shout(_log, "amplifier_failed", detail=detail)
            self._tell(detail)


class AmplifiedPlayer:
    """A `Player` whose amplifier is on when it sounds."""

    def __init__(self, player: Player, amplifier: Amplifier) -> None:
        self._player = player
        self._amplifier = amplifier

    @property
    def events(self) -> Queue[PlayerEvent]:
        """See `Player.events`."""
        return self._player.events

    def set_plan(self, cues: Sequence[Cue]) -> None:
        """See `Player.set_plan`."""
        self._player.set_plan(self._amplifier.prepare(cues))

    def status(self) -> PlayerStatus:
        """See `Player.status`."""
        return self._player.status()

    def close(self) -> None:
        """See `Player.close`; the amplifier goes off after its hold."""
        self._player.close()
        self._amplifier.prepare([])
