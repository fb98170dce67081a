"""Reads what the nodes' sinks recorded, and checks the clock of the file against our own."""

import time
from pathlib import Path

from loa.audio.find import decode
from loa.audio.heard import Playback
from loa.audio.player import RATE_HZ as SINK_HZ
from loa.controller.demo.judge import RATE_HZ, Recorded
from loa.controller.demo.processes import StageError

CLOCK_TOLERANCE_S = 0.25


def read_recorded(path: Path) -> Recorded:
    """What a sink wrote so far. Raises `StageError` if the file does not grow with the wall clock.

    The instant of the first sample is the sink's own word, the last that it gave: a node without NTP sets its
    clock a little by the controller's answer. That the file's length fits it at this moment is
    what we see ourselves.
    """
    heard = Playback.open(path)
    starts_at = [one.at_ns / 1e9 - one.frame / SINK_HZ for one in heard.anchors]
    began_at = starts_at[-1]
    drift_s = began_at + heard.frames / SINK_HZ - time.time()
    if max(abs(drift_s), max(starts_at) - min(starts_at)) > CLOCK_TOLERANCE_S:
        raise StageError(f"{path} does not keep time: it is {drift_s:+.2f} s from the clock")
    return Recorded(decode(path, RATE_HZ), began_at)
