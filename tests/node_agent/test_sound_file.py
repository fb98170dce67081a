import subprocess
import time
from pathlib import Path

import numpy as np
import pytest

from loa.audio.decoder import DecodedFile
from loa.audio.mixer import Samples, Sound
from loa.node_agent.adapters.sound_file import SoundFile, UnsuitableError, open_sound
from tests.node_agent.processes import RATE_HZ, make_sound
from tests.waiting import wait_for


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sounds")
    make_sound(folder, seconds=6, seed=7)
    return folder / "sound-7.ogg"


def drain(sound: Sound) -> Samples:
    """Everything that comes; the decoder may be a process that needs its time."""
    blocks: list[Samples] = []

    def is_over() -> bool:
        blocks.append(sound.read(4_800))
        return sound.ended

    wait_for(is_over, what="the end of the sound")
    sound.close()
    return np.concatenate(blocks)


@pytest.mark.parametrize("first_frame", [0, 1_234, 100_001])
def test_it_gives_the_samples_that_ffmpeg_gives_from_any_frame_on(recording: Path, first_frame: int) -> None:
    ours, theirs = drain(SoundFile(recording, first_frame)), drain(DecodedFile(recording, first_frame))
    assert len(ours) == 6 * RATE_HZ - first_frame
    settled = RATE_HZ
    likeness = {
        shift: np.corrcoef(ours[:-settled][settled:], np.roll(theirs, shift)[:-settled][settled:])[0, 1]
        for shift in range(-20, 21)
    }
    assert max(likeness, key=likeness.__getitem__) == 0, "the very same frame"
    assert likeness[0] > 0.95, "two decoders fill the upper bands with noise of their own"


def test_beyond_the_end_nothing_comes(recording: Path) -> None:
    assert len(drain(SoundFile(recording, 60 * RATE_HZ))) == 0


def test_a_missing_file_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"nothing\.ogg"):
        open_sound(tmp_path / "nothing.ogg", 0)


def test_what_libsndfile_does_not_take_goes_to_ffmpeg(recording: Path, tmp_path: Path) -> None:
    stereo = tmp_path / "stereo.ogg"
    command = ["ffmpeg", "-nostdin", "-v", "error", "-i", str(recording), "-ac", "2", str(stereo)]
    subprocess.run(command, check=True)
    with pytest.raises(UnsuitableError):
        SoundFile(stereo, 0)
    assert abs(len(drain(open_sound(stereo, 0))) - 6 * RATE_HZ) < RATE_HZ // 10


def test_noise_instead_of_a_recording_fails_by_name(tmp_path: Path) -> None:
    broken = tmp_path / "broken.ogg"
    broken.write_bytes(b"not a sound" * 1_000)
    sound = open_sound(broken, 0)
    drain(sound)
    assert "broken.ogg" in str(sound.failure)


def test_a_second_of_sound_is_decoded_in_a_fraction_of_one(recording: Path) -> None:
    sound = SoundFile(recording, 0)
    began_s = time.process_time()
    sound.read(5 * RATE_HZ)
    assert time.process_time() - began_s < 1
    sound.close()
