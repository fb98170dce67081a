import json
import math
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from loa.audio.errors import (
    Empty,
    Missing,
    NotAudio,
    Silent,
    TooLarge,
    ToolFailed,
    TooLong,
    ToolTimeout,
    Truncated,
)
from loa.audio.process import Tool
from loa.audio.recording import Caution, Inspection, Limits

FORMATS = "mp3,wav,w64,ogg,flac,mov,mp4,m4a,3gp,3g2,mj2,aac,matroska,webm,amr,amrnb,amrwb,aiff,caf"
"""The demuxers that may open an upload: no playlist, script, image or network format among them."""
DOWNMIX = "aresample=48000,aformat=sample_fmts=fltp:channel_layouts=mono"
UNMEASURABLE_LUFS = -70.0
"""What EBU R128 gives when no 400 ms block passes its absolute gate."""

Progress = Callable[[float], None]

_CLIPPED_FRACTION = 0.0005
_FULL_SCALE_DBFS = -0.01
_QUIET_LUFS = -45.0


@dataclass(frozen=True, slots=True)
class Loudness:
    """Integrated loudness in LUFS and, where it was measured, true peak in dBTP."""

    integrated_lufs: float
    true_peak_dbtp: float | None


def inspect(path: Path, limits: Limits | None = None, *, progress: Progress | None = None) -> Inspection:
    """Decode the sound at `path` whole and say what it is.

    The name and its ending do not matter. `progress` gets fractions of 1. Raises a `Refused` when the sound
    cannot be broadcast, ToolTimeout, ToolFailed or ToolMissing when it could not be told.
    """
    with open_source(path, limits or Limits()) as source:
        return source.examine(shaping="anull", progress=progress)[0]


class Source:
    """A file of unknown origin, linked into a private directory under a name without an ending.

    So its content alone speaks for it, and ffmpeg opens it as one of our formats from one local file: nothing
    that it names is followed.
    """

    def __init__(self, path: Path, limits: Limits, tool: Tool) -> None:
        self.limits = limits
        self.tool = tool
        self._size_bytes = _check_size(path, limits)
        (tool.directory / "source").symlink_to(path.resolve())
        self._declared = _probe(tool, path)
        if self._declared.duration_ms is not None and self._declared.duration_ms > limits.max_duration_ms:
            raise TooLong(self._declared.duration_ms, limits.max_duration_ms)

    @property
    def declared_ms(self) -> int | None:
        """The length that the container claims."""
        return self._declared.duration_ms

    def examine(self, *, shaping: str, progress: Progress | None) -> tuple[Inspection, float]:
        """Decode it whole: what it is, and the LUFS of the downmix after the filters `shaping`."""
        decoded_ms, said = _decode(self.tool, self._declared, self.limits, shaping, progress)
        found = _conclude(self._declared, self._size_bytes, decoded_ms, said)
        _judge(found, self.limits)
        return found, read_loudness(said, "shaped").integrated_lufs


@contextmanager
def open_source(path: Path, limits: Limits) -> Iterator[Source]:
    """Open the sound at `path` for a job with a directory of its own, which is removed afterwards."""
    with TemporaryDirectory(prefix="loa-audio-") as private:
        yield Source(path, limits, Tool(Path(private), limits.timeout_s))


@contextmanager
def blaming_the_sound() -> Iterator[None]:
    """What ffmpeg cannot read of an upload is the upload's fault; that it takes too long is not."""
    try:
        yield
    except ToolTimeout:
        raise
    except ToolFailed as failure:
        raise NotAudio(failure.detail) from failure


def source_arguments() -> list[str]:
    """How ffmpeg opens the linked source: one of our formats from one local file, nothing else."""
    return ["-protocol_whitelist", "file", "-format_whitelist", FORMATS, "-i", "file:source"]


def read_loudness(said: str, name: str) -> Loudness:
    """The summary that the filter `ebur128@name` printed last."""
    summary = said.rpartition(f"[ebur128@{name} @")[2]
    integrated = re.search(r"I:\s+(-?[\d.]+|-?inf|nan) LUFS", summary)
    peak = re.search(r"Peak:\s+(-?[\d.]+|-?inf|nan) dBFS", summary)
    if integrated is None:
        raise ToolFailed("ffmpeg", "it printed no loudness")
    lufs = float(integrated[1])
    return Loudness(
        lufs if math.isfinite(lufs) else UNMEASURABLE_LUFS, None if peak is None else float(peak[1])
    )


def read_time_ms(line: str) -> int | None:
    """The position in a line of `-progress`, or None for another line; rounded up to whole ms."""
    key, _, value = line.partition("=")
    return -(-int(value) // 1000) if key == "out_time_us" and value.lstrip("-").isdigit() else None


@dataclass(frozen=True, slots=True)
class _Declared:
    codec: str
    container: str
    channels: int
    sample_rate_hz: int
    duration_ms: int | None


def _check_size(path: Path, limits: Limits) -> int:
    if not path.is_file():
        raise Missing(path.name)
    size_bytes = path.stat().st_size
    if size_bytes == 0:
        raise Empty(path.name)
    if size_bytes > limits.max_bytes:
        raise TooLarge(size_bytes, limits.max_bytes)
    with path.open("rb") as file:
        if file.read(4) == b"PK\x03\x04":  # a sound stored in an archive is found by ffmpeg's mp3 reader
            raise NotAudio("a zip archive")
    return size_bytes


def _probe(tool: Tool, path: Path) -> _Declared:
    answer: list[str] = []
    command = ["ffprobe", "-hide_banner", *source_arguments(), "-of", "json"]
    entries = "format=format_name,duration:stream=codec_name,channels,sample_rate"
    with blaming_the_sound():
        said = tool.run([*command, "-select_streams", "a:0", "-show_entries", entries], on_line=answer.append)
    found = json.loads("".join(answer))
    if not found.get("streams"):
        raise NotAudio("it holds no sound")
    return _read_declared(found["streams"][0], found["format"], said, path)


def _read_declared(stream: dict[str, str], container: dict[str, str], said: str, path: Path) -> _Declared:
    duration = container.get("duration")
    duration_ms = None if duration is None else round(float(duration) * 1000)
    if "Estimating duration from bitrate" in said:
        duration_ms = _wav_declared_ms(path)
    return _Declared(
        codec=stream.get("codec_name", "unknown"),
        container=container["format_name"],
        channels=int(stream.get("channels", 0)),
        sample_rate_hz=int(stream.get("sample_rate", 0)),
        duration_ms=duration_ms,
    )


def _wav_declared_ms(path: Path) -> int | None:
    """What the header of a WAV file claims; ffprobe forgets it when the file is shorter."""
    with path.open("rb") as file:
        head = file.read(4096)
    data = head.find(b"data")
    if not head.startswith(b"RIFF") or head[12:16] != b"fmt " or data < 0:
        return None
    bytes_per_s = int.from_bytes(head[28:32], "little")
    data_bytes = int.from_bytes(head[data + 4 : data + 8], "little")
    streamed = data_bytes in {0, 0xFFFFFFFF}
    return None if streamed or bytes_per_s == 0 else data_bytes * 1000 // bytes_per_s


def _decode(
    tool: Tool, declared: _Declared, limits: Limits, shaping: str, progress: Progress | None
) -> tuple[int, str]:
    """Decode everything once; how many ms came out, and what the measuring filters said."""
    decoded_ms = 0
    length_ms = declared.duration_ms or limits.max_duration_ms

    def follow(line: str) -> None:
        nonlocal decoded_ms
        at_ms = read_time_ms(line)
        if at_ms is not None:
            decoded_ms = at_ms
            if progress is not None:
                progress(min(1.0, at_ms / length_ms))

    graph = (
        # 16 bits first: what exceeds full scale is cut to it, so that clipped samples can be counted
        "[0:a:0]asplit[whole][sound];[whole]aformat=sample_fmts=s16:channel_layouts=mono,"
        "astats@whole=measure_perchannel=none:measure_overall=Peak_level+Peak_count+Number_of_samples,anullsink;"
        f"[sound]{DOWNMIX},asplit[plain][tobe];[plain]ebur128@plain=framelog=verbose,anullsink;"
        f"[tobe]{shaping},ebur128@shaped=framelog=verbose[out]"
    )
    longest_s = limits.max_duration_ms / 1000 + 1
    command = [
        "ffmpeg",
        "-nostdin",
        "-hide_banner",
        "-nostats",
        "-t",
        f"{longest_s:.3f}",
        *source_arguments(),
    ]
    output = ["-filter_complex", graph, "-map", "[out]", "-f", "null", "-progress", "pipe:1", "-"]
    with blaming_the_sound():
        said = tool.run([*command, *output], on_line=follow)
    return decoded_ms, said


def _conclude(declared: _Declared, size_bytes: int, decoded_ms: int, said: str) -> Inspection:
    peak_dbfs = _statistic(said, "Peak level dB")
    samples = _statistic(said, "Number of samples")
    at_peak = _statistic(said, "Peak count")
    clipped = at_peak / samples if samples > 0 and peak_dbfs > _FULL_SCALE_DBFS else 0.0
    loudness_lufs = read_loudness(said, "plain").integrated_lufs
    cautions = []
    if clipped > _CLIPPED_FRACTION:
        cautions.append(Caution.CLIPPED)
    if UNMEASURABLE_LUFS < loudness_lufs < _QUIET_LUFS:
        cautions.append(Caution.QUIET)
    return Inspection(
        codec=declared.codec,
        container=declared.container,
        channels=declared.channels,
        sample_rate_hz=declared.sample_rate_hz,
        size_bytes=size_bytes,
        declared_ms=declared.duration_ms,
        decoded_ms=decoded_ms,
        peak_dbfs=peak_dbfs,
        clipped_fraction=clipped,
        loudness_lufs=loudness_lufs,
        cautions=tuple(cautions),
    )


def _statistic(said: str, name: str) -> float:
    found = re.findall(rf"\[astats@whole @ [^\]]*\] {name}: (\S+)", said)
    return float(found[-1]) if found else -math.inf


def _judge(found: Inspection, limits: Limits) -> None:
    if found.decoded_ms <= 0:
        raise NotAudio("no sound could be decoded")
    if found.decoded_ms > limits.max_duration_ms:
        raise TooLong(found.decoded_ms, limits.max_duration_ms)
    if found.declared_ms is not None:
        missing_ms = found.declared_ms - found.decoded_ms
        if missing_ms > max(limits.truncation_ms, found.declared_ms // 100):
            raise Truncated(found.declared_ms, found.decoded_ms)
    if found.peak_dbfs < limits.silence_dbfs:
        raise Silent(found.peak_dbfs)
