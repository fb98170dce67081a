from datetime import UTC, datetime, timedelta
from pathlib import Path

from loa.node_agent.adapters.kept_time import KeptTime
from loa.protocol.ids import BootId


class FakeTimeSources:
    """`TimeSources` of a machine in simulated time."""

    def __init__(self, true: datetime) -> None:
        self.true = true
        """What time it really is."""
        self.booted_at = true - timedelta(seconds=20)
        self.system_ahead = timedelta(0)
        self.ntp: float | None = None
        self.battery_ahead: timedelta | None = None

    def boot_s(self) -> float:
        return (self.true - self.booted_at) / timedelta(seconds=1)

    def system(self) -> tuple[float, float]:
        return self.boot_s(), (self.true + self.system_ahead).timestamp()

    def ntp_error_s(self) -> float | None:
        return self.ntp

    def battery_s(self) -> float | None:
        ahead = self.battery_ahead
        return None if ahead is None else int((self.true + ahead).timestamp()) + 0.5


class MachineTime(KeptTime):
    """A real `KeptTime` on a machine in simulated time, with nobody to keep its clock, which shows 1970."""

    def __init__(self, sources: FakeTimeSources, path: Path, boot_id: BootId) -> None:
        super().__init__(sources, path=path, boot_id=boot_id)
        self.sources = sources

    def set(self, to: datetime) -> None:
        """As NTP does, which keeps it from now on."""
        self.sources.system_ahead = to - self.sources.true
        self.sources.ntp = 0.01

    def go(self, to: datetime) -> None:
        self.sources.true += to - self.now()


def shows_1970(sources: FakeTimeSources) -> None:
    sources.system_ahead = datetime(1970, 1, 1, tzinfo=UTC) - sources.true
