import hashlib
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from loa.audio.errors import DiskFull, NotAudio, Silent, Truncated
from loa.audio.find import decode, find
from loa.audio.mixer import Samples
from loa.audio.prepare import prepare
from loa.audio.recording import Caution, Options
from loa.audio.speak import EspeakSpeaker
from tests.audio.support import encode, noise, write_wav

TEXT = "Kính thưa bà con. Ủy ban nhân dân xã thông báo lịch tiêm phòng cho trẻ em dưới năm tuổi. "


@pytest.fixture(scope="module")
def speech(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("speech") / "speech.wav"
    EspeakSpeaker().speak(TEXT * 2, "vi", target)
    return target


def altered(speech: Path, target: Path, *filters: str) -> Path:
    command = ["ffmpeg", "-v", "error", "-i", str(speech), "-af", ",".join(filters), str(target)]
    subprocess.run(command, check=True)
    return target


def measured(path: Path) -> tuple[float, float]:
    """Integrated loudness and true peak by an ffmpeg of the test's own."""
    command = ["ffmpeg", "-hide_banner", "-i", str(path), "-af", "ebur128=peak=true", "-f", "null", "-"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stderr.rpartition("Summary:")[
        2
    ]
    values = {line.split(":")[0].strip(): line.split()[1] for line in said.splitlines() if ": " in line}
    return float(values["I"]), float(values["Peak"])


SOUNDS = {
    "plain": ["anull"],
    "quiet": ["volume=-30dB"],
    "loud and clipped": ["volume=24dB"],
    "dynamic": ["volume='if(lt(mod(t,4),2),0.05,1)':eval=frame"],
    "stereo of 44.1 kHz": ["aresample=44100", "aformat=channel_layouts=stereo"],
    "short": ["atrim=0.3:1.1"],
    "very short": ["atrim=0.3:0.5"],
}


@pytest.mark.parametrize("kind", SOUNDS)
def test_the_result_has_the_level_of_the_house(kind: str, speech: Path, tmp_path: Path) -> None:
    prepared = prepare(altered(speech, tmp_path / "in.wav", *SOUNDS[kind]), tmp_path / "out.opus")
    loudness_lufs, true_peak_dbtp = measured(prepared.path)
    assert loudness_lufs == pytest.approx(-18.0, abs=1.0)
    assert true_peak_dbtp <= -1.5
    assert (prepared.loudness_lufs, prepared.true_peak_dbtp) == (loudness_lufs, true_peak_dbtp)
    assert Caution.LEVEL not in prepared.cautions


def test_wide_noise_that_opus_makes_softer_is_corrected(tmp_path: Path) -> None:
    prepared = prepare(write_wav(tmp_path / "noise.wav", noise(4.0)), tmp_path / "out.opus")
    assert measured(prepared.path)[0] == pytest.approx(-18.0, abs=1.0)


def test_the_result_is_what_the_nodes_play(speech: Path, tmp_path: Path) -> None:
    prepared = prepare(speech, tmp_path / "out.opus")
    entries = "stream=codec_name,channels,sample_rate:format=format_name:stream_tags:format_tags"
    command = ["ffprobe", "-v", "error", "-of", "default=nw=1:nk=1", "-show_entries", entries]
    answer = subprocess.run([*command, str(prepared.path)], capture_output=True, text=True, check=True).stdout
    assert answer.split() == ["opus", "48000", "1", "Lavc", "libopus", "ogg"]
    content = prepared.path.read_bytes()
    assert prepared.sha256 == hashlib.sha256(content).hexdigest()
    assert prepared.size_bytes == len(content)
    assert prepared.duration_ms == pytest.approx(len(decode(prepared.path, 48_000)) / 48, abs=1)
    assert prepared.duration_ms == pytest.approx(prepared.source.decoded_ms, abs=1)
    assert [path.name for path in tmp_path.iterdir()] == ["out.opus"]


def test_the_same_sound_and_options_give_the_same_bytes(speech: Path, tmp_path: Path) -> None:
    options = Options(chime=True)
    first = prepare(speech, tmp_path / "1.opus", options=options)
    assert prepare(speech, tmp_path / "2.opus", options=options).sha256 == first.sha256
    assert prepare(speech, tmp_path / "3.opus", options=replace(options, closing=True)).sha256 != first.sha256


def test_chime_and_closing_stand_around_the_whole_sound(speech: Path, tmp_path: Path) -> None:
    plain = prepare(speech, tmp_path / "plain.opus")
    framed = prepare(speech, tmp_path / "framed.opus", options=Options(chime=True, closing=True))
    heard, wanted = decode(framed.path, 16_000), decode(plain.path, 16_000)
    match = find(wanted, heard, 16_000)[0]
    assert 3.0 <= match.position_s <= 4.0
    assert match.score > 0.9
    assert framed.duration_ms - plain.duration_ms - match.position_s * 1000 > 2000
    assert framed.loudness_lufs == pytest.approx(-18.0, abs=1.0)


def test_what_went_in_is_found_in_what_came_out(speech: Path, tmp_path: Path) -> None:
    prepared = prepare(encode(speech, tmp_path / "in.mp3"), tmp_path / "out.opus")
    rate_hz = 16_000
    part = decode(speech, rate_hz)[2 * rate_hz : 5 * rate_hz]
    match = find(part, decode(prepared.path, rate_hz), rate_hz)[0]
    assert match.position_s == pytest.approx(2.0, abs=0.06)
    assert match.score > 0.5


def test_progress_rises_to_the_end(speech: Path, tmp_path: Path) -> None:
    told: list[float] = []
    prepare(speech, tmp_path / "out.opus", progress=told.append)
    assert told == sorted(told)
    assert told[-1] == 1.0
    assert len(told) > 2


@pytest.mark.parametrize(("samples", "error"), [(noise(1.0, level=0.0), Silent), (noise(8.0), Truncated)])
def test_a_refused_sound_leaves_nothing_behind(
    samples: Samples, error: type[Exception], tmp_path: Path
) -> None:
    source = write_wav(tmp_path / "in.wav", samples)
    source.write_bytes(source.read_bytes()[:200_000])
    with pytest.raises(error):
        prepare(source, tmp_path / "out.opus")
    assert [path.name for path in tmp_path.iterdir()] == ["in.wav"]


def test_a_full_disk_is_told_and_nothing_is_left_behind(speech: Path, tmp_path: Path) -> None:
    (tmp_path / "out.opus.part").symlink_to("/dev/full")
    with pytest.raises(DiskFull, match=r"out\.opus"):
        prepare(speech, tmp_path / "out.opus")
    assert list(tmp_path.iterdir()) == []


def test_an_earlier_result_stays_when_a_new_one_fails(tmp_path: Path) -> None:
    target = tmp_path / "out.opus"
    target.write_bytes(b"earlier")
    with pytest.raises(Silent):
        prepare(write_wav(tmp_path / "in.wav", np.zeros(48_000, np.int16)), target)
    assert target.read_bytes() == b"earlier"


def test_a_sound_that_nobody_can_decode_is_the_uploads_fault(tmp_path: Path) -> None:
    upload = tmp_path / "upload.wav"
    sound = bytearray(write_wav(upload, noise(1.0)).read_bytes())
    sound[20:22] = b"\x37\x13"  # the tag of the codec
    upload.write_bytes(sound)
    with pytest.raises(NotAudio):
        prepare(upload, tmp_path / "prepared.ogg")
