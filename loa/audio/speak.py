import re
import wave
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

from loa.audio.errors import Empty, TextTooLong, ToolFailed, VoiceUnknown
from loa.audio.files import put_in_place, telling_disk_full
from loa.audio.process import Tool
from loa.audio.reading import DEFAULT_LIMIT

ESPEAK_VOICES = ("vi", "vi-vn-x-central", "vi-vn-x-south")
"""espeak-ng's voices of the north, the centre and the south."""

_CHUNK_CHARACTERS = 1500
_TIMEOUT_S = 120.0
_FILE_BYTES = 512_000_000
"""espeak-ng's audio library makes itself a file of 64 MB even when it plays nothing."""
_SENTENCE = re.compile(r"[^.!?;\n]*[.!?;\n]+|[^.!?;\n]+$")
_PHONEMES = re.compile(r"\[\[|\]\]")
"""espeak-ng reads what stands between as phonemes."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """A WAV file with a voice reading a text; `duration_ms` counts its samples."""

    path: Path
    voice: str
    duration_ms: int
    sample_rate_hz: int


class Speaker(Protocol):
    """Turns a text into a voice. The text is what `read_out` made of the official's text."""

    @property
    def voices(self) -> tuple[str, ...]:
        """Names that `speak` takes, the preferred one first."""
        ...

    def speak(self, text: str, voice: str, target: Path) -> Spoken:
        """Write the voice to `target` (WAV, mono), whole or not at all; blocks until done.

        Raises Empty, TextTooLong, VoiceUnknown, ToolMissing, ToolFailed, ToolTimeout or DiskFull.
        """
        ...


class EspeakSpeaker:
    """The `Speaker` that every Debian has: espeak-ng. `speed_wpm` are its words a minute."""

    def __init__(self, *, speed_wpm: int = 150, limit: int = DEFAULT_LIMIT) -> None:
        self._speed_wpm = speed_wpm
        self._limit = limit

    @property
    def voices(self) -> tuple[str, ...]:
        """See `Speaker.voices`."""
        return ESPEAK_VOICES

    def speak(self, text: str, voice: str, target: Path) -> Spoken:
        """See `Speaker.speak`."""
        _check(text, voice, self.voices, self._limit)
        command = ["espeak-ng", "-v", voice, "-s", str(self._speed_wpm), "-b", "1", "--stdin", "-w"]
        return _speak_in_chunks([(chunk, command) for chunk in _chunks(text)], voice, target)


class PiperSpeaker:
    """A `Speaker` with Piper voices: `models` names the .onnx file of each; nothing is fetched."""

    def __init__(
        self, models: Mapping[str, Path], *, program: str = "piper", limit: int = DEFAULT_LIMIT
    ) -> None:
        self._models = dict(models)
        self._program = program
        self._limit = limit

    @property
    def voices(self) -> tuple[str, ...]:
        """See `Speaker.voices`; those whose file is there."""
        return tuple(voice for voice, model in self._models.items() if model.is_file())

    def speak(self, text: str, voice: str, target: Path) -> Spoken:
        """See `Speaker.speak`."""
        _check(text, voice, self.voices, self._limit)
        model = self._models[voice].resolve()
        command = [self._program, "--model", str(model), "--output_file"]
        # Piper makes an utterance of every line
        chunks = [" ".join(chunk.split()) for chunk in _chunks(text)]
        return _speak_in_chunks([(chunk, command) for chunk in chunks], voice, target)


class Speakers:
    """Several as one `Speaker`: a voice is read by the first that has it."""

    def __init__(self, *speakers: Speaker) -> None:
        self._speakers = speakers

    @property
    def voices(self) -> tuple[str, ...]:
        """See `Speaker.voices`."""
        return tuple(dict.fromkeys(voice for one in self._speakers for voice in one.voices))

    def speak(self, text: str, voice: str, target: Path) -> Spoken:
        """See `Speaker.speak`."""
        found = next((one for one in self._speakers if voice in one.voices), None)
        if found is None:
            raise VoiceUnknown(voice, self.voices)
        return found.speak(text, voice, target)


def _check(text: str, voice: str, voices: tuple[str, ...], limit: int) -> None:
    if not any(letter.isalnum() for letter in text):
        raise Empty("the text")
    if len(text) > limit:
        raise TextTooLong(len(text), limit)
    if voice not in voices:
        raise VoiceUnknown(voice, voices)


def _chunks(text: str) -> list[str]:
    """The text in pieces of whole sentences, a giant one cut at a space, without control characters."""
    clean = _PHONEMES.sub(" ", "".join(letter if letter.isprintable() else "\n" for letter in text))
    chunks = [""]
    for sentence in _SENTENCE.findall(clean):
        for piece in _pieces(sentence):
            if len(chunks[-1]) + len(piece) > _CHUNK_CHARACTERS:
                chunks.append("")
            chunks[-1] += piece
    return [chunk for chunk in chunks if any(letter.isalnum() for letter in chunk)]


def _pieces(sentence: str) -> list[str]:
    pieces = []
    while len(sentence) > _CHUNK_CHARACTERS:
        cut = sentence.rfind(" ", 1, _CHUNK_CHARACTERS)
        cut = _CHUNK_CHARACTERS if cut < 0 else cut
        pieces.append(sentence[:cut])
        sentence = sentence[cut:]
    return [*pieces, sentence]


def _speak_in_chunks(jobs: list[tuple[str, list[str]]], voice: str, target: Path) -> Spoken:
    part = target.with_name(target.name + ".part")
    with TemporaryDirectory(prefix="loa-speak-") as private, telling_disk_full(target, part):
        tool = Tool(Path(private), _TIMEOUT_S, file_bytes=_FILE_BYTES)
        pieces = [_speak_piece(tool, number, *job) for number, job in enumerate(jobs)]
        frames, rate_hz = _join(pieces, part, jobs[0][1][0])
        put_in_place(part, target)
    return Spoken(target, voice, frames * 1000 // rate_hz, rate_hz)


def _speak_piece(tool: Tool, number: int, text: str, command: list[str]) -> Path:
    piece = tool.directory / f"{number}.wav"
    tool.run([*command, str(piece)], stdin=text.encode())
    return piece


def _join(pieces: list[Path], part: Path, tool: str) -> tuple[int, int]:
    """Put the pieces one after the other; how many frames that are, and their rate."""
    try:
        with wave.open(str(pieces[0]), "rb") as first:
            form = first.getparams()
        with part.open("wb") as file, wave.open(file, "wb") as joined:
            joined.setparams(form)
            for path in pieces:
                with wave.open(str(path), "rb") as piece:
                    joined.writeframes(piece.readframes(piece.getnframes()))
        return joined.getnframes(), form.framerate
    except (wave.Error, EOFError, FileNotFoundError) as failure:
        raise ToolFailed(tool, f"it wrote no sound ({failure})") from failure
