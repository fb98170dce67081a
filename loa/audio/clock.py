from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Where a player takes the time from; both readings are safe from any thread."""

    def now(self) -> datetime:
        """The wall time, aware UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go back, from an arbitrary origin."""
        ...
