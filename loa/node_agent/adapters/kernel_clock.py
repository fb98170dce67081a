import ctypes

_STA_UNSYNC, _STA_NANO = 0x0040, 0x2000
_ERROR = -1
_US, _NS = 1_000, 1_000_000
"""In a millisecond."""


class _Timex(ctypes.Structure):
    """The beginning of `struct timex`, adjtimex(2); the kernel writes up to 208 bytes."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_byte * 256),
    )


def offset_and_error_ms() -> tuple[int, int] | None:
    """What the kernel has yet to correct, and the most it may be wrong; None while no NTP keeps the clock."""
    timex = _Timex()
    if ctypes.CDLL(None).adjtimex(ctypes.byref(timex)) == _ERROR or timex.status & _STA_UNSYNC:
        return None
    unit = _NS if timex.status & _STA_NANO else _US
    return round(timex.offset / unit), round(timex.maxerror / _US)
