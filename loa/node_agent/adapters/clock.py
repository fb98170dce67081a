import time
from datetime import UTC, datetime


class SystemTime:
    """The machine's clock as it is, for programs beside the agent: right or wrong, nobody knows."""

    def now(self) -> datetime:
        """The wall time, aware UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds that never go back, from an arbitrary origin."""
        return time.monotonic()
