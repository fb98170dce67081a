from dataclasses import dataclass

from loa.audio.mixer import ns_of

_NS = 1_000_000_000
_MAX_DELAY_S = 2.0
_STEP_NS = 50_000_000
_LEAP_NS = 1_000_000_000
"""No odd reading is so far off: the clock was set, and plans are made by the new time already."""
_PATIENCE = 10
_DOUBT_PER_FAULT, _DEGRADED_FROM, _MOST_DOUBT = 8, 200, 400
"""25 implausible times make the output degraded, some hundred plausible ones heal it: no flicker."""
_PULL = 100
"""A reading moves the line by a hundredth of what it differs: jitter is smoothed, drift is followed.

After an anchor each of the first hundred counts as much as those before it, so that a bad one is soon over.
"""


@dataclass(frozen=True, slots=True)
class StreamTime:
    """What the output says in a callback, in seconds of its own clock."""

    current_s: float
    dac_s: float


class DacTimeline:
    """Gives every block of an output the wall time at which its first frame leaves the converter.

    The time that the output names is smoothed against the count of frames. After an underflow, or when both
    stay 50 ms apart, the line is anchored anew. An implausible time (the converter's not ahead, or more than
    2 s) is replaced by the stream's latency; `sync_degraded` says so if it goes on for more than a start.
    """

    def __init__(self) -> None:
        self.sync_degraded = False
        self._expected_ns: int | None = None
        self._suspicions = 0
        self._doubt = 0
        self._readings = 0
        """Plausible ones since the line was anchored or guessed."""

    def place(self, now_ns: int, time: StreamTime, *, latency_s: float, frames: int, underflow: bool) -> int:
        """The wall time (epoch, ns) of the block's first frame; to be called once a block, in order."""
        measured_ns = now_ns + int(self._delay_s(time, latency_s) * _NS)
        start_ns = self._settle(measured_ns, underflow=underflow)
        self._expected_ns = start_ns + ns_of(frames)
        return start_ns

    def _delay_s(self, time: StreamTime, latency_s: float) -> float:
        delay_s = time.dac_s - time.current_s
        is_plausible = time.dac_s > 0 and 0 < delay_s <= _MAX_DELAY_S
        self._count(is_plausible=is_plausible)
        self._doubt = max(0, min(_MOST_DOUBT, self._doubt + (-1 if is_plausible else _DOUBT_PER_FAULT)))
        self.sync_degraded = self._doubt >= (1 if self.sync_degraded else _DEGRADED_FROM)
        return delay_s if is_plausible else latency_s

    def _settle(self, measured_ns: int, *, underflow: bool) -> int:
        error_ns = 0 if self._expected_ns is None else measured_ns - self._expected_ns
        self._suspicions = self._suspicions + 1 if abs(error_ns) > _STEP_NS else 0
        leapt = abs(error_ns) > _LEAP_NS
        if self._expected_ns is None or underflow or leapt or self._suspicions >= _PATIENCE:
            self._suspicions = 0
            self._readings = min(self._readings, 1)
            return measured_ns
        pull = min(self._readings, _PULL) if self._readings else _PULL
        return self._expected_ns + (error_ns // pull if abs(error_ns) <= _STEP_NS else 0)

    def _count(self, *, is_plausible: bool) -> None:
        """One guess among many readings changes nothing, one at the start makes them begin anew."""
        if is_plausible:
            self._readings += 1
        elif self._readings < _PULL:
            self._readings = 0
