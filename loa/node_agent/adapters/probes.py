"""Looks at disk, GPIO and sound for the doctor: short, bounded, and leaving nothing behind."""

import contextlib
import errno
import fcntl
import os
import shutil
import struct
import threading
import time
from collections.abc import Callable
from io import FileIO
from pathlib import Path

from loa.audio.mixer import Samples
from loa.audio.sounddevice_player import OpenStream
from loa.node_agent.core.findings import DiskFacts, PinFacts, SoundFacts

PROBE_FILE = "doctor.probe"
_PROBE_BYTES = 4_096
_SILENT_S = 3.0
_BLOCKS = 5
"""So many blocks of silence must be taken by the output for it to be well."""
_CHIP_INFO, _LINE_INFO = 0x8044B401, 0xC100B405
"""GPIO_GET_CHIPINFO_IOCTL and GPIO_V2_GET_LINEINFO_IOCTL, linux/gpio.h."""
_CHIP, _LINE = struct.Struct("32s32sI"), struct.Struct("32s32sIIQ176x")
_LINE_USED = 1

Ioctl = Callable[[FileIO, int, bytes], bytes]


def probe_disk(data: Path, *, wear_pct: int | None, errors: int | None) -> DiskFacts:
    """Write a small file to the disk for good, and take it away again."""
    path = data / PROBE_FILE
    began_s = time.monotonic()
    try:
        with path.open("wb") as file:
            file.write(os.urandom(_PROBE_BYTES))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        return DiskFacts(is_read_only=error.errno == errno.EROFS, write_error=error.strerror or str(error))
    finally:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
    return DiskFacts(
        free_bytes=shutil.disk_usage(data).free,
        sync_ms=round((time.monotonic() - began_s) * 1000),
        wear_pct=wear_pct,
        errors=errors,
    )


def probe_sound(device: str, open_stream: OpenStream, *, is_agent_running: bool) -> SoundFacts:
    """Play silence until the output has taken some of it. `open_stream` raises OSError."""
    taken, ended = threading.Semaphore(0), threading.Event()

    def fill(block: Samples, *_: object) -> None:
        block[:] = 0
        taken.release()

    def facts(error: str | None) -> SoundFacts:
        return SoundFacts(device=device, error=error, is_agent_running=is_agent_running)

    try:
        stream = open_stream(fill, ended.set)
    except OSError as error:
        return facts(str(error))
    try:
        stream.start()
        if all(taken.acquire(timeout=_SILENT_S) for _ in range(_BLOCKS)) and not ended.is_set():
            return facts(None)
        return facts(f"{device} opens, but takes no sound")
    finally:
        stream.close()


def probe_pin(
    name: str, number: int, *, root: Path, is_agent_running: bool, ask: Ioctl = fcntl.ioctl
) -> PinFacts:
    """Ask the kernel about a line of the board's own chip."""

    def facts(*, error: str | None = None, used_by: str | None = None) -> PinFacts:
        return PinFacts(
            name=name, number=number, error=error, used_by=used_by, is_agent_running=is_agent_running
        )

    chips = sorted((root / "dev").glob("gpiochip*"))
    if not chips:
        return facts(error="this machine has no GPIO")
    try:
        with _boards_own(chips, ask).open("r+b", buffering=0) as chip:
            answer = ask(chip, _LINE_INFO, _LINE.pack(b"", b"", number, 0, 0))
    except OSError as error:
        return facts(error=error.strerror or str(error))
    _, consumer, _, _, flags = _LINE.unpack(answer)
    used_by = consumer.rstrip(b"\0").decode(errors="replace") or "the kernel"
    return facts(used_by=used_by if flags & _LINE_USED else None)


def _boards_own(chips: list[Path], ask: Ioctl) -> Path:
    """The chip with the header's pins: its label begins with `pinctrl-`; else the first. Raises OSError."""
    for path in chips:
        with path.open("r+b", buffering=0) as chip:
            _, label, _ = _CHIP.unpack(ask(chip, _CHIP_INFO, bytes(_CHIP.size)))
        if label.startswith(b"pinctrl-"):
            return path
    return chips[0]
