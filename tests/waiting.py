"""Waiting for something to become true, with a bound: the one place in the tests where time passes idly."""

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")

WITHIN_S = 30.0
EVERY_S = 0.02


def wait_for(
    look: Callable[[], Found | None], *, what: str, within_s: float = WITHIN_S, every_s: float = EVERY_S
) -> Found:
    """The first thing found that is neither None nor False; AssertionError when the time is up."""
    ends = time.monotonic() + within_s
    while True:
        found = look()
        if found is not None and found is not False:
            return found
        assert time.monotonic() < ends, f"not within {within_s:g} s: {what}"
        time.sleep(every_s)


async def eventually(look: Callable[[], Found | None], *, what: str, within_s: float = WITHIN_S) -> Found:
    """As `wait_for`, while the event loop goes on."""
    ends = time.monotonic() + within_s
    while True:
        found = look()
        if found is not None and found is not False:
            return found
        assert time.monotonic() < ends, f"not within {within_s:g} s: {what}"
        await asyncio.sleep(EVERY_S)
