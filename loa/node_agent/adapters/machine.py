"""Reads /sys and /proc: temperature, voltage, disk, memory, uplink. `root` is where these two are found."""

import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from loa.node_agent import logs
from loa.node_agent.core.readings import Readings, Uplink
from loa.protocol.units import SizeBytes

Found = TypeVar("Found")
_COLDEST_C, _HOTTEST_C = -40.0, 150.0
"""What a sensor says beyond these it makes up."""
_LIFE_STEP_PCT = 10
_DEFAULT_ROUTE = "00000000"
_UP = 0x1
_V6_DEFAULT, _V6_HERE = "0" * 32, "lo"

_log = logging.getLogger(__name__)


class Machine:
    """One machine. What it lacks, or what cannot be read, is None."""

    def __init__(
        self,
        *,
        root: Path,
        data: Path,
        clock: Callable[[], tuple[int, int] | None],
        signal_pct: Callable[[], int | None],
    ) -> None:
        """`clock` gives offset and error in ms; `data` is the directory whose disk counts."""
        self._root = root
        self._device = _device_of(data)
        self._clock = clock
        self._signal_pct = signal_pct

    def look(self) -> Readings:
        """Everything; takes a few milliseconds, and as long as the modem takes to answer."""
        offset_ms, error_ms = _tried(self._clock) or (None, None)
        return Readings(
            temperature_c=_tried(self.temperature_c),
            under_voltage=_tried(self.under_voltage),
            disk_wear_pct=_tried(self.disk_wear_pct),
            disk_errors=_tried(self.disk_errors),
            memory_free_bytes=_tried(self.memory_free_bytes),
            agent_rss_bytes=_tried(self.agent_rss_bytes),
            clock_offset_ms=offset_ms,
            clock_error_ms=error_ms,
            signal_pct=_tried(self._signal_pct),
            uplink=_tried(self.uplink),
        )

    def temperature_c(self) -> float | None:
        """The hottest of the plausible sensors, to a tenth."""
        found = [milli / 1000 for milli in self._numbers("sys/class/thermal/thermal_zone*/temp")]
        plausible = [celsius for celsius in found if _COLDEST_C < celsius < _HOTTEST_C]
        return round(max(plausible), 1) if plausible else None

    def under_voltage(self) -> bool | None:
        """Whether a Raspberry Pi's firmware saw too low a voltage in the last two seconds."""
        for folder in (self._root / "sys/class/hwmon").glob("hwmon*"):
            if _text(folder / "name") == "rpi_volt":
                alarm = _number(folder / "in0_lcrit_alarm")
                return None if alarm is None else alarm != 0
        return None

    def disk_wear_pct(self) -> int | None:
        """Of an eMMC or newer card, as JEDEC's life time estimate in steps of 10 %; the worse of its two."""
        if self._device is None:
            return None
        here = (self._root / "sys/dev/block" / self._device).resolve()
        for folder in (here, here.parent):
            steps = [int(part, 16) for part in (_text(folder / "device/life_time") or "").split()]
            if any(steps):
                return max(steps) * _LIFE_STEP_PCT
        return None

    def disk_errors(self) -> int | None:
        """That ext4 found since the last check, on all file systems together."""
        counts = list(self._numbers("sys/fs/ext4/*/errors_count"))
        return int(sum(counts)) if counts else None

    def memory_free_bytes(self) -> SizeBytes | None:
        """MemAvailable."""
        for line in (_text(self._root / "proc/meminfo") or "").splitlines():
            if line.startswith("MemAvailable:"):
                return SizeBytes(int(line.split()[1]) * 1024)
        return None

    def agent_rss_bytes(self) -> SizeBytes | None:
        """Resident memory of this process."""
        pages = (_text(self._root / "proc/self/statm") or "").split()
        return SizeBytes(int(pages[1]) * os.sysconf("SC_PAGE_SIZE")) if len(pages) > 1 else None

    def uplink(self) -> Uplink | None:
        """The interface of the default route of the lowest metric, IPv4 before IPv6, and its counters."""
        interface = self._uplink_v4() or self._uplink_v6()
        if interface is None:
            return None
        counters = self._root / "sys/class/net" / interface / "statistics"
        received, sent = _number(counters / "rx_bytes"), _number(counters / "tx_bytes")
        if received is None or sent is None:
            return None
        return Uplink(interface, SizeBytes(received + sent))

    def _uplink_v4(self) -> str | None:
        rows = [line.split() for line in (_text(self._root / "proc/net/route") or "").splitlines()[1:]]
        routes = [
            (int(row[6]), row[0])
            for row in rows
            if row[1] == row[7] == _DEFAULT_ROUTE and int(row[3], 16) & _UP
        ]
        return min(routes)[1] if routes else None

    def _uplink_v6(self) -> str | None:
        rows = [line.split() for line in (_text(self._root / "proc/net/ipv6_route") or "").splitlines()]
        routes = [
            (int(row[5], 16), row[9])
            for row in rows
            if row[0] == _V6_DEFAULT and row[1] == "00" and int(row[8], 16) & _UP and row[9] != _V6_HERE
        ]
        return min(routes)[1] if routes else None

    def _numbers(self, pattern: str) -> Iterator[int]:
        for path in sorted(self._root.glob(pattern)):
            number = _number(path)
            if number is not None:
                yield number


def _tried(read: Callable[[], Found | None]) -> Found | None:
    """A kernel that writes something else than expected costs a reading, not the agent."""
    try:
        return read()
    except (OSError, ValueError, IndexError) as error:
        logs.shout(_log, "not_readable", what=read.__name__, detail=error)
        return None


def _device_of(data: Path) -> str | None:
    """Major and minor number of the disk below a directory, as /sys names them."""
    try:
        device = data.stat().st_dev
    except OSError:
        return None
    return f"{os.major(device)}:{os.minor(device)}"


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return None


def _number(path: Path) -> int | None:
    text = _text(path)
    try:
        return None if text is None else int(text)
    except ValueError:
        return None
