"""What the publisher's thread has still to do; many requests for the same become one."""

import threading
import time
from dataclasses import dataclass, field

from loa.protocol.ids import AreaId


@dataclass(slots=True)
class Work:
    """What was asked for since the last time."""

    everything: bool = False
    """Compose all anew; what did not change keeps its version."""
    resend: bool = False
    """Send everything retained as it is."""
    programmes: set[AreaId] = field(default_factory=set)
    urgents: set[AreaId] = field(default_factory=set)
    """Composed and sent, to be stored."""
    configs: set[AreaId] = field(default_factory=set)
    configs_lacking: set[AreaId] = field(default_factory=set)
    """Nodes that lack the configuration that was sent."""
    lacking: set[AreaId] = field(default_factory=set)
    """Areas of which a node lacks what was sent."""

    def __bool__(self) -> bool:
        return bool(
            self.everything
            or self.resend
            or self.programmes
            or self.urgents
            or self.configs
            or self.configs_lacking
            or self.lacking
        )


class Chores:
    """Collects work from any thread for the one that does it."""

    def __init__(self, *, lull_s: float, calm_s: float) -> None:
        """`lull_s`: an area is sent again for those who lack something at most once in this time.

        `calm_s`: nothing is due so soon after an urgent message, which needs the machine for its way.
        """
        self._lull_s = lull_s
        self._calm_s = calm_s
        self._calm_until = 0.0
        self._condition = threading.Condition()
        self._work = Work()
        self._sent_at: dict[AreaId, float] = {}
        self._stopped = False

    def add(self, work: Work) -> None:
        """Add to what is asked for."""
        with self._condition:
            self._merge(work)
            self._condition.notify()

    def calm(self) -> None:
        """An urgent message leaves: all else waits a little."""
        self._calm_until = time.monotonic() + self._calm_s

    def stop(self) -> None:
        """Have `take` return what is left, and then None."""
        with self._condition:
            self._stopped = True
            self._condition.notify()

    def take(self) -> Work | None:
        """Wait for work that is due; None when stopped and nothing is left."""
        with self._condition:
            while True:
                calm_s = 0.0 if self._stopped else self._calm_until - time.monotonic()
                if calm_s <= 0 and (due := self._due()):
                    return due
                if self._stopped:
                    return None
                self._condition.wait(calm_s if calm_s > 0 else self._pause_s())

    def pause(self, within_s: float) -> None:
        """Wait before another try, but not when stopped."""
        with self._condition:
            self._condition.wait_for(lambda: self._stopped, within_s)

    @property
    def stopped(self) -> bool:
        """Whether no more tries are wanted."""
        return self._stopped

    def _merge(self, more: Work) -> None:
        self._work.everything |= more.everything
        self._work.resend |= more.resend
        self._work.programmes |= more.programmes
        self._work.urgents |= more.urgents
        self._work.configs |= more.configs
        self._work.configs_lacking |= more.configs_lacking
        self._work.lacking |= more.lacking

    def _due(self) -> Work:
        now = time.monotonic()
        early = {area for area in self._work.lacking if self._resend_at(area) > now}
        due, self._work = self._work, Work(lacking=early)
        due.lacking -= early
        self._sent_at.update(dict.fromkeys(due.lacking, now))
        return due

    def _pause_s(self) -> float | None:
        times = [self._resend_at(area) for area in self._work.lacking]
        return max(min(times) - time.monotonic(), 0.001) if times else None

    def _resend_at(self, area: AreaId) -> float:
        return self._sent_at.get(area, -self._lull_s) + self._lull_s
