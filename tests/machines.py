"""Environments of processes on a simulated machine: its clock, who keeps that, and its boots."""

import os
import secrets
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

SIMULATED_DAYS = Path(__file__).parent / "flow" / "simulated_days"


class Keeper(StrEnum):
    """Who keeps the clock of a machine."""

    BATTERY = "battery"
    NTP = "ntp"
    NOBODY = "nobody"


def simulated(at: datetime, *, keeper: Keeper = Keeper.BATTERY) -> dict[str, str]:
    """A machine that was switched on just now: its clock shows `at`, and its timers are right."""
    library = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
    ahead_s = (at - datetime.now(UTC)).total_seconds()
    paths = [str(SIMULATED_DAYS), os.environ.get("PYTHONPATH", "")]
    return {
        "LD_PRELOAD": str(library),
        "FAKETIME": f"{ahead_s:+.3f}",
        "DONT_FAKE_MONOTONIC": "1",
        "PYTHONPATH": os.pathsep.join(paths).rstrip(os.pathsep),
        "SIMULATED_TIME": keeper,
        "SIMULATED_BOOT": secrets.token_hex(16),
    }
