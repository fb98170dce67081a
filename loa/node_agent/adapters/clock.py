import time
from datetime import UTC, datetime

from loa.protocol.reasons import ClockState


class SystemTime:
    """The system's clock, kept by NTP or a battery: trusted as the system sets it."""

    def now(self) -> datetime:
        """See `Timekeeper.now`."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """See `Timekeeper.monotonic`."""
        return time.monotonic()

    def state(self) -> ClockState:
        """See `Timekeeper.state`."""
        return ClockState.TRUSTED
