"""What this machine does to memory that nobody has touched for a moment."""

import time

PAGE_BYTES = 4_096
PAGES = 2_000


def touch_us(rest_s: float) -> float:
    """What the first touch of a page costs after that rest, in microseconds.

    Some virtual machines take the pages of an idle process out of its reach, however much memory is free:
    there whatever has a large program wakes slowly, and a small peer beside it quickly.
    """
    memory = bytearray(PAGES * PAGE_BYTES)
    _touch(memory)
    time.sleep(rest_s)
    began = time.perf_counter()
    _touch(memory)
    return (time.perf_counter() - began) * 1e6 / PAGES


def _touch(memory: bytearray) -> None:
    for place in range(0, len(memory), PAGE_BYTES):
        memory[place] = 1
