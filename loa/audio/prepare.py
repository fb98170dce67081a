import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from loa.audio.chime import write_chime, write_closing
from loa.audio.files import put_in_place, telling_disk_full
from loa.audio.inspect import (
    DOWNMIX,
    UNMEASURABLE_LUFS,
    Progress,
    Source,
    blaming_the_sound,
    open_source,
    read_loudness,
    read_time_ms,
    source_arguments,
)
from loa.audio.process import Running, Tool
from loa.audio.recording import Caution, Inspection, Limits, Options, Prepared
from loa.audio.siren import write_opening

DYNAMICS = "acompressor=threshold=-20dB:ratio=3:attack=10:release=250:detection=rms"
"""Evens out a speaking voice that has been brought to `LEVELLED_LUFS` before."""
LEVELLED_LUFS = -20.0

_MAX_PASSES = 5
_TOLERANCE_LU = 0.7
_HEADROOM_DB = 1.5
"""The limiter works this much below the allowed true peak: Opus adds up to about 1 dB."""
_MIN_LENGTH_S = 1
_MEASURING_SHARE = 0.25
_EXCERPTS = 12
_EXCERPT_S = 4.0


def prepare(
    source: Path,
    target: Path,
    *,
    options: Options | None = None,
    limits: Limits | None = None,
    progress: Progress | None = None,
) -> Prepared:
    """Make of the sound at `source` what the nodes play, at `target`: whole, or not at all.

    Two passes over the sound: one inspects and measures, one renders, while the result is decoded again and
    measured. When that is off the target (1 LU, true peak) it is rendered anew with what was learnt.
    `progress` gets fractions of 1, never falling. Raises what `inspect` raises, and DiskFull.
    """
    options = options or Options()
    report = _rising(progress)
    with open_source(source, limits or Limits()) as opened:
        levelling_db = LEVELLED_LUFS - _estimate_loudness(opened)
        found, shaped_lufs = opened.examine(
            shaping=f"volume={levelling_db:.2f}dB,{DYNAMICS}",
            progress=lambda done: report(done * _MEASURING_SHARE),
        )
        plan = _Plan(levelling_db, _makeup(options, shaped_lufs), options.true_peak_dbtp - _HEADROOM_DB)
        job = _Job(opened.tool, found, options, target, report)
        return job.render_until_right(plan)


@dataclass(frozen=True, slots=True)
class _Plan:
    """What one rendering does to the level, in dB."""

    levelling_db: float
    makeup_db: float
    ceiling_db: float


@dataclass(frozen=True, slots=True)
class _Result:
    sha256: str
    size_bytes: int
    duration_ms: int
    loudness_lufs: float
    true_peak_dbtp: float


class _Job:
    """Renders one sound, measures the result and renders again until it is right."""

    def __init__(
        self, tool: Tool, found: Inspection, options: Options, target: Path, report: Progress
    ) -> None:
        self._tool = tool
        self._found = found
        self._options = options
        self._target = target
        self._part = target.with_name(target.name + ".part")
        self._report = report

    def render_until_right(self, plan: _Plan) -> Prepared:
        """Render, at most `_MAX_PASSES` times, and put the result in its place."""
        with telling_disk_full(self._target, self._part):
            passes, result = 1, self._render(plan)
            while not self._is_right(result) and passes < _MAX_PASSES:
                plan = self._correct(plan, result)
                passes, result = passes + 1, self._render(plan)
            put_in_place(self._part, self._target)
        self._report(1.0)
        return self._describe(result, passes)

    def _is_right(self, result: _Result) -> bool:
        return (
            abs(result.loudness_lufs - self._options.loudness_lufs) <= _TOLERANCE_LU
            and result.true_peak_dbtp <= self._options.true_peak_dbtp
        )

    def _correct(self, plan: _Plan, result: _Result) -> _Plan:
        missing_lu = self._options.loudness_lufs - result.loudness_lufs
        if result.loudness_lufs <= UNMEASURABLE_LUFS:
            missing_lu = 6.0
        excess_db = max(0.0, result.true_peak_dbtp - self._options.true_peak_dbtp)
        # what the limiter takes grows with the gain, so a missing level needs more than itself
        factor = 1.5 if missing_lu > 0 else 1.0
        lower_db = excess_db + 0.3 if excess_db > 0 else 0.0
        return replace(
            plan, makeup_db=plan.makeup_db + factor * missing_lu, ceiling_db=plan.ceiling_db - lower_db
        )

    def _render(self, plan: _Plan) -> _Result:
        """Encode to the part file; the same bytes go through a decoder that measures them."""
        with (
            self._tool.start(self._render_command(plan), name="render") as encoder,
            self._tool.start(_check_command(), name="check") as checker,
            self._part.open("wb") as part,
        ):
            encoder.feed(b"")
            sha256, size_bytes = self._pass_on(encoder, part, checker)
            encoder.finish()
            checker.feed(b"")
            duration_ms = _last_time_ms(checker)
            heard = read_loudness(checker.finish(), "result")
        peak = 0.0 if heard.true_peak_dbtp is None else heard.true_peak_dbtp
        return _Result(sha256, size_bytes, duration_ms, heard.integrated_lufs, peak)

    def _pass_on(self, encoder: Running, part: BinaryIO, checker: Running) -> tuple[str, int]:
        digest = hashlib.sha256()
        size_bytes = 0
        expected_bytes = max(1, self._found.decoded_ms * self._options.bitrate_bps // 8000)
        while block := encoder.read(16_384):
            part.write(block)
            digest.update(block)
            checker.feed(block, last=False)
            size_bytes += len(block)
            share = min(0.99, size_bytes / expected_bytes)
            self._report(_MEASURING_SHARE + (1 - _MEASURING_SHARE) * share)
        return digest.hexdigest(), size_bytes

    def _render_command(self, plan: _Plan) -> list[str]:
        graph, inputs = self._graph(plan)
        return [
            *("ffmpeg", "-nostdin", "-hide_banner", "-nostats", *source_arguments(), *inputs),
            *("-filter_complex", graph, "-map", "[out]", "-map_metadata", "-1"),
            *("-c:a", "libopus", "-b:a", str(self._options.bitrate_bps)),
            *("-fflags", "+bitexact", "-flags:a", "+bitexact", "-f", "ogg", "pipe:1"),
        ]

    def _graph(self, plan: _Plan) -> tuple[str, list[str]]:
        level = 10 ** (plan.ceiling_db / 20)
        main = (
            f"[0:a:0]{DOWNMIX},volume={plan.levelling_db:.2f}dB,{DYNAMICS},volume={plan.makeup_db:.2f}dB,"
            f"alimiter=limit={level:.5f}:level=0:attack=5:release=50,{DOWNMIX}[main]"
        )
        around = {
            "siren": (self._options.siren, write_opening),
            "chime": (self._options.chime and not self._options.siren, write_chime),
            "closing": (self._options.closing, write_closing),
        }
        inputs: list[str] = []
        labels = ["[main]"]
        for name, (wanted, write) in around.items():
            if wanted:
                write(self._tool.directory / name)
                inputs += ["-f", "wav", "-i", f"file:{name}"]
                label = f"[{len(inputs) // 4}:a:0]"
                labels = [*labels, label] if name == "closing" else [label, *labels]
        joined = f"{''.join(labels)}concat=n={len(labels)}:v=0:a=1,{DOWNMIX}"
        return f"{main};{joined},apad=whole_dur={_MIN_LENGTH_S}[out]", inputs

    def _describe(self, result: _Result, passes: int) -> Prepared:
        cautions = self._found.cautions if self._is_right(result) else (*self._found.cautions, Caution.LEVEL)
        return Prepared(
            path=self._target,
            sha256=result.sha256,
            size_bytes=result.size_bytes,
            duration_ms=result.duration_ms,
            loudness_lufs=result.loudness_lufs,
            true_peak_dbtp=result.true_peak_dbtp,
            passes=passes,
            source=self._found,
            cautions=cautions,
        )


def _estimate_loudness(source: Source) -> float:
    """The loudness of the source from excerpts, in LUFS: near enough to set the dynamics' working point."""
    inputs = _excerpts(source.declared_ms)
    labels = "".join(f"[{number}:a:0]" for number in range(len(inputs)))
    arguments = [word for words in inputs for word in words]
    joined = f"{labels}concat=n={len(inputs)}:v=0:a=1,{DOWNMIX},ebur128@excerpts=framelog=verbose[out]"
    command = ["ffmpeg", "-nostdin", "-hide_banner", "-nostats", *arguments, "-filter_complex", joined]
    with blaming_the_sound():
        said = source.tool.run([*command, "-map", "[out]", "-f", "null", "-"])
    return max(-60.0, read_loudness(said, "excerpts").integrated_lufs)


def _excerpts(declared_ms: int | None) -> list[list[str]]:
    whole_s = _EXCERPTS * _EXCERPT_S
    if declared_ms is None or declared_ms < 2000 * whole_s:
        return [["-t", f"{2 * whole_s}", *source_arguments()]]
    apart_s = declared_ms / 1000 / _EXCERPTS
    starts_s = [number * apart_s for number in range(_EXCERPTS)]
    return [["-ss", f"{start_s:.3f}", "-t", f"{_EXCERPT_S}", *source_arguments()] for start_s in starts_s]


def _makeup(options: Options, shaped_lufs: float) -> float:
    return options.loudness_lufs - shaped_lufs if shaped_lufs > UNMEASURABLE_LUFS else 0.0


def _check_command() -> list[str]:
    return [
        *("ffmpeg", "-hide_banner", "-nostats", "-stats_period", "3600", "-protocol_whitelist", "pipe"),
        *("-f", "ogg", "-i", "pipe:0", "-af", "ebur128@result=peak=true:framelog=verbose"),
        *("-f", "null", "-progress", "pipe:1", "-"),
    ]


def _last_time_ms(checker: Running) -> int:
    times_ms = [read_time_ms(line) for line in checker.lines()]
    return max((time_ms for time_ms in times_ms if time_ms is not None), default=0)


def _rising(progress: Progress | None) -> Callable[[float], None]:
    highest = 0.0

    def report(done: float) -> None:
        nonlocal highest
        if progress is not None and done > highest:
            highest = done
            progress(done)

    return report
