"""When the sound card's player opens its stream once more; on streams that ask only when told to."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from loa.audio.player import Cue
from loa.audio.sounddevice_player import Callback, SoundDevicePlayer, Stream
from tests.audio.support import BLOCK_FRAMES

START = datetime(2026, 11, 26, 5, 0, tzinfo=UTC)


@dataclass
class HandClock:
    """A clock that the test moves."""

    passed_s: float = 0.0

    def now(self) -> datetime:
        return START + timedelta(seconds=self.passed_s)

    def monotonic(self) -> float:
        return self.passed_s


@dataclass
class StillStream:
    """Asks for a block when it is told to, and says that it ended when it is closed, as PortAudio does."""

    callback: Callback
    ended: Callable[[], None]
    latency: float = 0.05
    is_open: bool = True

    def start(self) -> None:
        pass

    def ask(self, at_s: float) -> None:
        block = np.zeros((BLOCK_FRAMES, 1), np.int16)
        times = SimpleNamespace(currentTime=at_s, outputBufferDacTime=at_s + self.latency)
        self.callback(block, BLOCK_FRAMES, times, SimpleNamespace(output_underflow=False))

    def close(self) -> None:
        self.is_open = False
        self.ended()


@dataclass
class Card:
    """Opens streams until it is unplugged."""

    streams: list[StillStream] = field(default_factory=list)
    is_there: bool = True

    def open(self, callback: Callback, ended: Callable[[], None]) -> Stream:
        if not self.is_there:
            raise OSError("no card")
        self.streams.append(StillStream(callback, ended))
        return self.streams[-1]


@dataclass
class Rig:
    clock: HandClock
    card: Card
    player: SoundDevicePlayer

    def at(self, passed_s: float) -> list[bool]:
        """Which of the streams opened so far are open, when the agent has looked at this time."""
        self.clock.passed_s = passed_s
        self.card.streams[-1].ask(passed_s)
        self.player.status()
        return [one.is_open for one in self.card.streams]


@pytest.fixture
def rig() -> Iterator[Rig]:
    clock, card = HandClock(), Card()
    made = Rig(clock, card, SoundDevicePlayer(clock=clock, open_stream=card.open))
    yield made
    card.streams[-1].ended()
    made.player.close()


def test_the_output_is_opened_once_more_and_only_once(rig: Rig) -> None:
    assert rig.at(5.9) == [True]
    assert rig.at(6.0) == [False, True]
    assert rig.player.status().broken is None
    assert rig.at(60.0) == [False, True]


def test_what_sounds_or_is_about_to_is_not_disturbed(rig: Rig) -> None:
    begins, ends = START + timedelta(seconds=8), START + timedelta(seconds=20)
    rig.player.set_plan([Cue("o@1", Path("missing.ogg"), begins, ends)])
    assert rig.at(5.5) == [True]
    assert rig.at(7.0) == [True]
    rig.player.set_plan([])
    assert rig.at(7.1) == [False, True]


def test_a_card_that_has_gone_meanwhile_is_told(rig: Rig) -> None:
    rig.card.is_there = False
    assert rig.at(6.0) == [False]
    assert rig.player.status().broken == "no card"
