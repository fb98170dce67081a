_BURST_S = 0.25
"""What was not used for so long may come at once."""


class Bucket:
    """A token bucket: how long to wait so that bytes come no faster than a rate. Seconds are monotonic."""

    def __init__(self, now_s: float) -> None:
        self._level_s = _BURST_S
        self._at_s = now_s

    def take(self, size_bytes: int, rate_bytes_s: int, now_s: float) -> float:
        """Count bytes that came; the seconds until the next may come. The rate may differ each time."""
        self._level_s = min(_BURST_S, self._level_s + now_s - self._at_s) - size_bytes / rate_bytes_s
        self._at_s = now_s
        return max(0.0, -self._level_s)
