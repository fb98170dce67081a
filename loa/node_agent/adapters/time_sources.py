import ctypes
import fcntl
import os
import struct
import time
from pathlib import Path
from typing import Protocol

_STA_UNSYNC = 0x0040
_TIME_ERROR = 5
_RTC_VL_READ = 0x80047013
"""`ioctl` of rtc(4): how the battery is."""
_VL_FAULTS = 0b111
"""Data invalid, backup low, backup empty."""
_HALF_A_SECOND = 0.5
"""It shows whole seconds: the middle of the one that it shows."""
_TRIES = 5
_TIGHT_S = 0.00005


class TimeSources(Protocol):
    """What a machine says of the time; for one thread, but for `boot_s`."""

    def boot_s(self) -> float:
        """Seconds since the machine was switched on, sleep included; never set. Safe from any thread."""
        ...

    def system(self) -> tuple[float, float]:
        """The boot time and what the system's clock showed at that moment, in seconds since the epoch."""
        ...

    def ntp_error_s(self) -> float | None:
        """The most by which the system's clock is wrong, if NTP keeps it."""
        ...

    def battery_s(self) -> float | None:
        """What a battery clock shows, if there is one that did not lose the time."""
        ...


class LinuxTimeSources:
    """adjtimex(2), and the battery clock that sysfs shows."""

    def __init__(self, clocks: Path = Path("/sys/class/rtc")) -> None:
        self._clocks = clocks
        self._adjtimex = ctypes.CDLL(None, use_errno=True).adjtimex

    def boot_s(self) -> float:
        """See `TimeSources.boot_s`."""
        return time.clock_gettime(time.CLOCK_BOOTTIME)

    def system(self) -> tuple[float, float]:
        """See `TimeSources.system`; of some readings the one that was disturbed least."""
        narrowest, found = float("inf"), (0.0, 0.0)
        for _ in range(_TRIES):
            before_s = self.boot_s()
            system_s = time.time()
            after_s = self.boot_s()
            if after_s - before_s < narrowest:
                narrowest, found = after_s - before_s, ((before_s + after_s) / 2, system_s)
            if narrowest < _TIGHT_S:
                break
        return found

    def ntp_error_s(self) -> float | None:
        """See `TimeSources.ntp_error_s`."""
        found = _Timex()
        said = self._adjtimex(ctypes.byref(found))
        if said < 0 or said == _TIME_ERROR or found.status & _STA_UNSYNC:
            return None
        return float(found.maxerror) / 1_000_000

    def battery_s(self) -> float | None:
        """See `TimeSources.battery_s`. Drivers refuse to read a clock that knows that it stopped."""
        try:
            for clock in sorted(self._clocks.iterdir()):
                if not _is_weak(clock.name):
                    return float((clock / "since_epoch").read_text()) + _HALF_A_SECOND
        except (OSError, ValueError):
            return None
        return None


class _Timex(ctypes.Structure):
    """`struct timex`, with room for what follows the fields that are read."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_char * 256),
    )


def _is_weak(name: str) -> bool:
    """Whether the clock says that its battery failed; one that can't be asked is believed."""
    try:
        device = os.open(f"/dev/{name}", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        said = fcntl.ioctl(device, _RTC_VL_READ, struct.pack("I", 0))
        return bool(struct.unpack("I", said)[0] & _VL_FAULTS)
    except OSError:
        return False
    finally:
        os.close(device)
