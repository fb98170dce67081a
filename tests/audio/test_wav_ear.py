"""What the ear of a WAV player makes of a clock that was set while it sounded."""

from pathlib import Path

import pytest

from loa.audio.ear import FRAME_NS
from loa.audio.heard import Anchor, write_anchors
from loa.audio.player import RATE_HZ
from loa.audio.wav_ear import WavEar
from tests.audio.support import noise, write_wav

BEGAN_NS = 1_800_000_000_000_000_000
SECOND_NS = 1_000_000_000


@pytest.mark.parametrize("set_ms", [-420, -20, 20, 420])
def test_a_stretch_over_which_the_clock_was_set_was_not_captured(tmp_path: Path, set_ms: int) -> None:
    path = write_wav(tmp_path / "heard.wav", noise(10.0))
    later_ns = BEGAN_NS + 5 * SECOND_NS + set_ms * 1_000_000
    write_anchors(path, [Anchor(0, BEGAN_NS), Anchor(5 * RATE_HZ, later_ns)])
    ear = WavEar(path)
    over = ear.bands(BEGAN_NS + 4 * SECOND_NS, 2 * SECOND_NS // FRAME_NS)
    assert over is None
    for from_s in (2, 7):
        beside = ear.bands(BEGAN_NS + from_s * SECOND_NS, SECOND_NS // FRAME_NS)
        assert beside is not None
        assert len(beside) == SECOND_NS // FRAME_NS
