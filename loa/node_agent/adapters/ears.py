"""The ears that the machine's owner chose for a node."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from loa.audio.capture_ear import CaptureEar, FindCommand, capture_alsa, capture_own_monitor, capture_pulse
from loa.audio.clock import Clock
from loa.audio.ear import Ear
from loa.audio.evidence import HEARD, RENDERED
from loa.audio.wav_ear import WavEar
from loa.node_agent.core import evidence
from loa.node_agent.witness import Listener

AUTO, OFF = "auto", "off"
LOOPBACK, MICROPHONE = "LOA_NODE_LOOPBACK", "LOA_NODE_MICROPHONE"
"""The variables of `AgentSettings`, which the agent's own process does not load."""


def make_listeners(sink: str, environment: Mapping[str, str], clock: Clock) -> list[Listener]:
    """What listens to the output `sink`, by the settings in the environment."""
    loopback, microphone = environment.get(LOOPBACK, AUTO), environment.get(MICROPHONE, OFF)
    found = []
    if loopback != OFF:
        ear, is_chosen = _loopback(sink, loopback, clock), loopback != AUTO
        found.append(Listener(name=evidence.RENDERED, ear=ear, limits=RENDERED, is_chosen=is_chosen))
    if microphone != OFF:
        ear = CaptureEar(_capture(microphone), clock=clock)
        found.append(Listener(name=evidence.HEARD, ear=ear, limits=HEARD, is_chosen=True))
    return found


def _loopback(sink: str, loopback: str, clock: Clock) -> Ear:
    if loopback != AUTO:
        return CaptureEar(_capture(loopback), clock=clock)
    if sink.startswith("wav:"):
        return WavEar(Path(sink.removeprefix("wav:")))
    return CaptureEar(capture_own_monitor, clock=clock)


def _capture(chosen: str) -> FindCommand:
    """From `pulse:SOURCE` or `alsa:DEVICE`."""
    kind, _, name = chosen.partition(":")
    return partial(capture_pulse if kind == "pulse" else capture_alsa, name)
