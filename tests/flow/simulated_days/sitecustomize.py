"""Loaded first by processes whose machine is simulated: their kernel says of the time what a test says.

libfaketime shifts the system's clock; `SIMULATED_TIME` says who keeps that: `battery`, `ntp` or `nobody`.
`SIMULATED_BOOT` is the id of the boot, so that a process can live after a loss of power.
"""

import ctypes
import os
import pathlib
import select
import time
from collections.abc import Iterator
from typing import Any, SupportsIndex

CLOCKS = "/sys/class/rtc"
BOOT_ID = "/proc/sys/kernel/random/boot_id"
UNSYNCHRONISED = 5
"""`TIME_ERROR` of adjtimex(2)."""


def sleep(seconds: SupportsIndex | float, /) -> None:
    """Wait so many seconds by another call of the system: libfaketime answers clock_nanosleep with EINVAL."""
    select.select([], [], [], float(seconds))


class SimulatedKernel:
    """The C library, but for adjtimex."""

    def __init__(self, library: Any, *, is_synchronised: bool) -> None:  # noqa: ANN401 -- whatever ctypes opens
        self._library = library
        self._is_synchronised = is_synchronised

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 -- as above
        return getattr(self._library, name)

    def adjtimex(self, timex: Any) -> int:  # noqa: ANN401 -- a pointer
        """In the structure all is 0: no error, and no flag that says unsynchronised."""
        del timex
        return 0 if self._is_synchronised else UNSYNCHRONISED


def simulate(keeper: str, boot_id: str) -> None:
    """Let nothing of the real machine's clocks be seen."""
    real_library, real_listing, real_text = ctypes.CDLL, pathlib.Path.iterdir, pathlib.Path.read_text

    def library(name: str | None = None, *arguments: Any, **more: Any) -> Any:  # noqa: ANN401 -- as ctypes.CDLL
        found = real_library(name, *arguments, **more)
        return found if name else SimulatedKernel(found, is_synchronised=keeper == "ntp")

    def listing(path: pathlib.Path) -> Iterator[pathlib.Path]:
        if str(path) == CLOCKS:
            return iter([path / "rtc-simulated"] if keeper == "battery" else [])
        return real_listing(path)

    def text(path: pathlib.Path, *arguments: Any, **more: Any) -> str:  # noqa: ANN401 -- as Path.read_text
        if str(path) == BOOT_ID:
            return f"{boot_id}\n"
        if str(path).startswith(CLOCKS):
            return f"{int(time.time())}\n"
        return real_text(path, *arguments, **more)

    ctypes.CDLL = library  # type: ignore[assignment, misc]  # this process is what is simulated
    pathlib.Path.iterdir = listing  # type: ignore[method-assign, assignment]  # as above
    pathlib.Path.read_text = text  # type: ignore[method-assign, assignment]  # as above


time.sleep = sleep
if "SIMULATED_TIME" in os.environ:
    simulate(os.environ["SIMULATED_TIME"], os.environ["SIMULATED_BOOT"])
