"""The machine's clock."""

from datetime import UTC, datetime


class SystemClock:
    """`loa.controller.ports.Clock` of this machine."""

    def now(self) -> datetime:
        """The current instant, aware UTC."""
        return datetime.now(UTC)
