"""A process under a turned clock sees time pass, and waits no longer for it than it said."""

import json
import os
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.field.preload import Shims, TurnedClock

HOUR_S = 3600
LOOK = """
import ctypes, json, os, queue, threading, time
began_s = time.monotonic()
time.sleep(0.05)
try: queue.Queue().get(timeout=0.05)
except queue.Empty: pass
threading.Event().wait(0.05)
waited_s = time.monotonic() - began_s
timex = ctypes.create_string_buffer(512)
synced = ctypes.CDLL(None).adjtimex(timex) == 0
try: battery = bool(os.listdir("/sys/class/rtc"))
except OSError: battery = False
boot_s = time.clock_gettime(time.CLOCK_BOOTTIME)
print(json.dumps([time.time(), time.monotonic(), boot_s, waited_s, synced, battery]))
"""


@pytest.fixture(scope="module")
def shims(tmp_path_factory: pytest.TempPathFactory) -> Shims:
    return Shims.compiled(tmp_path_factory.mktemp("shims"))


def _look(clock: TurnedClock, shims: Shims) -> list[Any]:
    environment = os.environ | clock.environment(shims)
    done = subprocess.run(
        [sys.executable, "-c", LOOK], env=environment, capture_output=True, text=True, timeout=20, check=True
    )
    return list(json.loads(done.stdout))


def test_what_passes_for_all_counts_on_every_clock_and_nobody_waits_for_it(
    shims: Shims, tmp_path: Path
) -> None:
    clock = TurnedClock(tmp_path / "clock")
    clock.turn(warp=timedelta(hours=1))
    real = time.time(), time.monotonic(), time.clock_gettime(time.CLOCK_BOOTTIME)
    wall_s, monotonic_s, boot_s, waited_s, synced, battery = _look(clock, shims)
    for seen_s, real_s in zip((wall_s, monotonic_s, boot_s), real, strict=True):
        assert seen_s - real_s == pytest.approx(HOUR_S, abs=5)
    assert 0.15 <= waited_s < 5
    assert (synced, battery) == (True, False)


@pytest.mark.parametrize("by", [timedelta(hours=-1), timedelta(hours=1)])
def test_a_jump_is_one_of_the_wall_clock_alone_and_no_ntp_knows_of_it(
    by: timedelta, shims: Shims, tmp_path: Path
) -> None:
    clock = TurnedClock(tmp_path / "clock")
    clock.turn(jump=by)
    real = time.time(), time.monotonic()
    wall_s, monotonic_s, _, waited_s, synced, _ = _look(clock, shims)
    assert wall_s - real[0] == pytest.approx(by.total_seconds(), abs=5)
    assert monotonic_s - real[1] == pytest.approx(0, abs=5)
    assert 0.15 <= waited_s < 5
    assert not synced
