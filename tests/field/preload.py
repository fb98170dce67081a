"""The two libraries in C that a process of the campaign is started with: its clock, and its disk."""

import os
import struct
import subprocess
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from pathlib import Path

SOURCES = Path(__file__).parent / "shims"
_NS = 1_000
"""Nanoseconds in a microsecond, of which a timedelta is made."""
_TURNED = struct.Struct("qq")


class Disk(StrEnum):
    """How the disk under a data directory behaves."""

    SOUND = "s"
    FULL = "f"
    READ_ONLY = "r"


@dataclass(frozen=True, slots=True)
class Shims:
    """The compiled libraries."""

    clock: Path
    disk: Path

    @classmethod
    def compiled(cls, folder: Path) -> "Shims":
        """Takes a C compiler less than a second."""
        folder.mkdir(parents=True, exist_ok=True)
        return cls(*(_compile(SOURCES / f"{name}.c", folder) for name in ("clock", "disk")))


def _compile(source: Path, folder: Path) -> Path:
    library = folder / f"{source.stem}.so"
    strict = ("-Wall", "-Wextra", "-Werror")
    command = ["cc", "-shared", "-fPIC", "-O2", *strict, "-o", str(library), str(source), "-ldl", "-lpthread"]
    subprocess.run(command, check=True, timeout=60)
    return library


class TurnedClock:
    """The clock of some processes: `warp` is time that passed for everybody, `jump` an error of theirs."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.warp = self.jump = timedelta(0)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(_TURNED.pack(0, 0))

    def turn(self, *, warp: timedelta | None = None, jump: timedelta | None = None) -> None:
        """Counts at the next look at the clock of every process that has it."""
        self.warp = self.warp if warp is None else warp
        self.jump = self.jump if jump is None else jump
        with self._file.open("r+b") as file:
            file.write(_TURNED.pack(_ns(self.warp), _ns(self.jump)))

    def environment(self, shims: Shims) -> dict[str, str]:
        return {"LD_PRELOAD": str(shims.clock), "LOA_FIELD_CLOCK": str(self._file)}


def disk_environment(shims: Shims, data: Path, shadow: Path) -> dict[str, str]:
    """For a process whose data directory is to lose what was not synced."""
    return {"LD_PRELOAD": str(shims.disk), "LOA_FIELD_DISK": str(data), "LOA_FIELD_SHADOW": str(shadow)}


def together(*environments: dict[str, str]) -> dict[str, str]:
    """One environment with all their libraries."""
    merged = {name: value for one in environments for name, value in one.items()}
    merged["LD_PRELOAD"] = os.pathsep.join(one["LD_PRELOAD"] for one in environments)
    return merged


def _ns(span: timedelta) -> int:
    return span // timedelta(microseconds=1) * _NS
