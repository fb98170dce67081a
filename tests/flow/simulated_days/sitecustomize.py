"""Loaded first by processes under libfaketime, which answers Python's sleep (clock_nanosleep) with EINVAL."""

import select
import time
from typing import SupportsIndex


def sleep(seconds: SupportsIndex | float, /) -> None:
    """Wait so many seconds by another call of the system."""
    select.select([], [], [], float(seconds))


time.sleep = sleep
