import subprocess
import zipfile
from pathlib import Path

import numpy as np
import pytest

from loa.audio.errors import (
    AudioError,
    Empty,
    Missing,
    NotAudio,
    Silent,
    TooLarge,
    TooLong,
    Truncated,
)
from loa.audio.inspect import inspect
from loa.audio.recording import Caution, Limits
from tests.audio.support import encode, noise, write_wav


@pytest.fixture
def wav(tmp_path: Path) -> Path:
    return write_wav(tmp_path / "sound.wav", noise(3.0))


def test_a_sound_is_described(tmp_path: Path) -> None:
    stereo = np.repeat(noise(2.0), 2)
    found = inspect(write_wav(tmp_path / "sound.bin", stereo, channels=2, rate_hz=44_100))
    assert (found.codec, found.container, found.channels, found.sample_rate_hz) == (
        "pcm_s16le",
        "wav",
        2,
        44_100,
    )
    assert found.declared_ms == pytest.approx(2177, abs=2)
    assert found.decoded_ms == pytest.approx(2177, abs=2)
    assert -30 < found.loudness_lufs < -10
    assert found.cautions == ()


@pytest.mark.parametrize("kind", ["mp3", "ogg", "opus", "flac", "m4a", "aac", "webm", "wav"])
def test_the_usual_formats_are_taken_whatever_the_name(kind: str, wav: Path, tmp_path: Path) -> None:
    sound = encode(wav, tmp_path / f"encoded.{kind}").rename(tmp_path / "name.txt")
    assert inspect(sound).decoded_ms == pytest.approx(3000, abs=100)


def test_progress_is_told(wav: Path) -> None:
    told: list[float] = []
    inspect(wav, progress=told.append)
    assert told
    assert 0 <= min(told) <= max(told) <= 1


def test_a_missing_and_an_empty_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Missing):
        inspect(tmp_path / "none.mp3")
    (tmp_path / "empty.mp3").touch()
    with pytest.raises(Empty):
        inspect(tmp_path / "empty.mp3")


def test_a_file_beyond_the_limit_is_refused_before_it_is_read(wav: Path) -> None:
    with pytest.raises(TooLarge) as refusal:
        inspect(wav, Limits(max_bytes=1000))
    assert refusal.value.limit_bytes == 1000
    assert refusal.value.size_bytes == wav.stat().st_size


@pytest.mark.parametrize("kind", ["wav", "mp3", "flac", "m4a"])
def test_a_truncated_file_is_refused(kind: str, tmp_path: Path) -> None:
    whole = encode(write_wav(tmp_path / "long.wav", noise(20.0)), tmp_path / f"whole.{kind}")
    cut = tmp_path / "cut"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    with pytest.raises(Truncated) as refusal:
        inspect(cut)
    assert refusal.value.declared_ms == pytest.approx(20_000, abs=100)
    assert refusal.value.decoded_ms == pytest.approx(10_000, abs=2500)


def test_a_day_of_sound_is_refused_by_its_declaration(tmp_path: Path) -> None:
    day = write_wav(tmp_path / "day.wav", noise(0.1), rate_hz=8000)
    data_bytes = 86_400 * 16_000
    with day.open("r+b") as file:
        file.seek(4)
        file.write((data_bytes + 36).to_bytes(4, "little"))
        file.seek(40)
        file.write(data_bytes.to_bytes(4, "little"))
        file.truncate(44 + data_bytes)
    with pytest.raises(TooLong) as refusal:
        inspect(day, Limits(max_bytes=2_000_000_000))
    assert refusal.value.duration_ms == 86_400_000


def test_a_sound_that_declares_nothing_is_refused_by_what_is_decoded(tmp_path: Path) -> None:
    endless = encode(write_wav(tmp_path / "long.wav", noise(5.0)), tmp_path / "long.aac")
    with pytest.raises(TooLong):
        inspect(endless, Limits(max_duration_ms=2000))


@pytest.mark.parametrize("level", [0.0, 0.3])
def test_silence_is_refused(level: float, tmp_path: Path) -> None:
    with pytest.raises(Silent):
        inspect(write_wav(tmp_path / "silent.wav", noise(1.0, level=level)))


def test_clipping_and_a_very_low_level_are_warned_of(tmp_path: Path) -> None:
    clipped = np.clip(noise(2.0).astype(int) * 20, -32_768, 32_767).astype(np.int16)
    found = inspect(encode(write_wav(tmp_path / "clipped.wav", clipped), tmp_path / "clipped.mp3"))
    assert found.cautions == (Caution.CLIPPED,)
    assert found.clipped_fraction > 0.1
    quiet = inspect(write_wav(tmp_path / "quiet.wav", noise(2.0, level=150)))
    assert quiet.cautions == (Caution.QUIET,)


def disguises(secret: Path) -> dict[str, bytes]:
    return {
        "concat": f"ffconcat version 1.0\nfile '{secret}'\n".encode(),
        "concat without a head": f"file '{secret}'\n".encode(),
        "hls": f"#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:3,\n{secret}\n#EXT-X-ENDLIST\n".encode(),
        "svg": f'<svg xmlns="http://www.w3.org/2000/svg"><image href="file://{secret}"/></svg>'.encode(),
        "text": "Kính gửi bà con ".encode() * 500,
        "noise": np.random.default_rng(1).bytes(20_000),
    }


@pytest.mark.parametrize(
    "disguise", ["concat", "concat without a head", "hls", "svg", "text", "noise", "sdp over the net"]
)
def test_what_is_disguised_is_refused_and_nothing_that_it_names_is_read(
    disguise: str, wav: Path, tmp_path: Path
) -> None:
    upload = tmp_path / "upload.mp3"
    content = disguises(wav) | {"sdp over the net": b"v=0\nc=IN IP4 127.0.0.1\nm=audio 5004 RTP/AVP 0\n"}
    upload.write_bytes(content[disguise])
    with pytest.raises(NotAudio) as refusal:
        inspect(upload)
    assert str(wav) not in str(refusal.value)


def test_without_our_guard_ffmpeg_would_have_read_the_named_file(wav: Path, tmp_path: Path) -> None:
    """What the test above is about: the same file, opened plainly, is the other upload."""
    upload = tmp_path / "upload.mp3"
    upload.write_bytes(disguises(wav)["concat"])
    command = ["ffmpeg", "-v", "error", "-safe", "0", "-i", str(upload), "-f", "s16le", "pipe:1"]
    assert len(subprocess.run(command, capture_output=True, check=True).stdout) > 100_000


def test_a_sound_in_an_archive_is_refused(wav: Path, tmp_path: Path) -> None:
    upload = tmp_path / "upload.mp3"
    with zipfile.ZipFile(upload, "w") as archive:
        archive.write(encode(wav, tmp_path / "inside.mp3"), "inside.mp3")
    with pytest.raises(NotAudio):
        inspect(upload)


def test_a_picture_without_sound_is_refused(tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    command = [
        "ffmpeg",
        "-v",
        "error",
        "-f",
        "lavfi",
        "-i",
        "testsrc=s=64x64:d=1",
        "-c:v",
        "mpeg4",
        str(film),
    ]
    subprocess.run(command, check=True)
    with pytest.raises(NotAudio, match="holds no sound"):
        inspect(film)


def test_every_error_has_a_code_of_its_own() -> None:
    def kinds(of: type[AudioError]) -> list[type[AudioError]]:
        return [of, *(kind for child in of.__subclasses__() for kind in kinds(child))]

    codes = [kind.code for kind in kinds(AudioError)]
    assert len(codes) == len(set(codes))
