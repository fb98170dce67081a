import wave
from pathlib import Path

import pytest

from loa.audio.errors import DiskFull, Empty, TextTooLong, ToolFailed, ToolMissing, VoiceUnknown
from loa.audio.speak import ESPEAK_VOICES, EspeakSpeaker, PiperSpeaker, Speaker, Speakers

TEXT = "Kính thưa bà con."
FAKE_PIPER = """#!/usr/bin/env python3
import argparse, sys, wave
parser = argparse.ArgumentParser()
parser.add_argument("--model", required=True)
parser.add_argument("--output_file", required=True)
options = parser.parse_args()
if open(options.model).read() == "broken":
    sys.exit("cannot load the model")
with wave.open(options.output_file, "wb") as sound:
    sound.setnchannels(1)
    sound.setsampwidth(2)
    sound.setframerate(22050)
    sound.writeframes(b"\\1\\1" * 100 * len(sys.stdin.read()))
"""


@pytest.fixture
def piper(tmp_path: Path) -> PiperSpeaker:
    program = tmp_path / "piper"
    program.write_text(FAKE_PIPER)
    program.chmod(0o755)
    (tmp_path / "vais.onnx").write_text("a voice")
    (tmp_path / "broken.onnx").write_text("broken")
    models = {name: tmp_path / f"{name}.onnx" for name in ("vais", "broken", "gone")}
    return PiperSpeaker(models, program=str(program))


@pytest.fixture(params=["espeak", "piper", "both"])
def speaker(request: pytest.FixtureRequest, piper: PiperSpeaker) -> Speaker:
    espeak = EspeakSpeaker()
    made: dict[str, Speaker] = {"espeak": espeak, "piper": piper, "both": Speakers(piper, espeak)}
    return made[request.param]


def test_a_voice_speaks_into_a_wav_file(speaker: Speaker, tmp_path: Path) -> None:
    target = tmp_path / "out.wav"
    spoken = speaker.speak(TEXT, speaker.voices[0], target)
    with wave.open(str(target)) as sound:
        assert sound.getnchannels() == 1
        assert sound.getframerate() == spoken.sample_rate_hz
        assert sound.getnframes() * 1000 // sound.getframerate() == spoken.duration_ms
        assert any(sound.readframes(10_000))
    assert (spoken.path, spoken.voice) == (target, speaker.voices[0])


def test_a_longer_text_lasts_longer_however_long_it_is(speaker: Speaker, tmp_path: Path) -> None:
    voice = speaker.voices[0]
    short = speaker.speak(TEXT, voice, tmp_path / "short.wav")
    long = speaker.speak(f"{TEXT} " * 500, voice, tmp_path / "long.wav")
    assert 300 * short.duration_ms < long.duration_ms < 700 * short.duration_ms


def test_a_sentence_without_an_end_is_spoken_to_the_end(speaker: Speaker, tmp_path: Path) -> None:
    voice = speaker.voices[0]
    word = speaker.speak("xin chào " * 20, voice, tmp_path / "some.wav")
    many = speaker.speak("xin chào " * 1000, voice, tmp_path / "many.wav")
    assert many.duration_ms > 30 * word.duration_ms


@pytest.mark.parametrize("text", ["", " \n ", "..."])
def test_a_text_without_words_is_refused(text: str, speaker: Speaker, tmp_path: Path) -> None:
    with pytest.raises(Empty):
        speaker.speak(text, speaker.voices[0], tmp_path / "out.wav")


def test_a_text_beyond_the_limit_is_refused(speaker: Speaker, tmp_path: Path) -> None:
    with pytest.raises(TextTooLong) as refusal:
        speaker.speak("a" * 100_000, speaker.voices[0], tmp_path / "out.wav")
    assert refusal.value.characters == 100_000


def test_an_unknown_voice_is_refused_and_the_known_are_named(speaker: Speaker, tmp_path: Path) -> None:
    with pytest.raises(VoiceUnknown) as refusal:
        speaker.speak(TEXT, "en", tmp_path / "out.wav")
    assert refusal.value.known == speaker.voices


def test_a_full_disk_is_told_and_nothing_is_left_behind(speaker: Speaker, tmp_path: Path) -> None:
    (tmp_path / "out.wav.part").symlink_to("/dev/full")
    with pytest.raises(DiskFull):
        speaker.speak(TEXT * 50, speaker.voices[0], tmp_path / "out.wav")
    assert not any(path.name.startswith("out.wav") for path in tmp_path.iterdir())


def test_the_three_voices_sound_different(tmp_path: Path) -> None:
    sounds = set()
    for voice in ESPEAK_VOICES:
        EspeakSpeaker().speak(TEXT, voice, tmp_path / "out.wav")
        sounds.add((tmp_path / "out.wav").read_bytes())
    assert len(sounds) == 3


def test_brackets_do_not_make_phonemes_of_a_text(tmp_path: Path) -> None:
    speaker = EspeakSpeaker()
    bracketed = speaker.speak("[[hoa]] xin chào", "vi", tmp_path / "bracketed.wav")
    plain = speaker.speak(" hoa  xin chào", "vi", tmp_path / "plain.wav")
    assert bracketed.path.read_bytes() == plain.path.read_bytes()


@pytest.mark.parametrize(
    "text", ["-v en xin chào", "[[h@l'oU]] xin chào", "xin\0chào\x1b", "<b>xin chào</b>"]
)
def test_no_text_is_an_option_or_a_code(text: str, tmp_path: Path) -> None:
    assert EspeakSpeaker().speak(text, "vi", tmp_path / "out.wav").duration_ms > 300


def test_a_voice_whose_file_is_missing_is_not_offered(piper: PiperSpeaker) -> None:
    assert piper.voices == ("vais", "broken")


def test_a_program_that_fails_or_is_missing_is_told(piper: PiperSpeaker, tmp_path: Path) -> None:
    with pytest.raises(ToolFailed, match="cannot load the model"):
        piper.speak(TEXT, "broken", tmp_path / "out.wav")
    missing = PiperSpeaker({"vais": tmp_path / "vais.onnx"}, program="no-such-piper")
    with pytest.raises(ToolMissing, match="no-such-piper"):
        missing.speak(TEXT, "vais", tmp_path / "out.wav")


def test_each_voice_is_read_by_the_speaker_that_has_it(piper: PiperSpeaker, tmp_path: Path) -> None:
    both = Speakers(piper, EspeakSpeaker())
    assert both.voices == ("vais", "broken", *ESPEAK_VOICES)
    rates = [both.speak(TEXT, voice, tmp_path / "out.wav").sample_rate_hz for voice in ("vais", "vi")]
    assert rates == [22_050, EspeakSpeaker().speak(TEXT, "vi", tmp_path / "out.wav").sample_rate_hz]
    with pytest.raises(VoiceUnknown):
        both.speak(TEXT, "nobody", tmp_path / "out.wav")
