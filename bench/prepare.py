"""Preparing 30 minutes of sound, beside plain ffmpeg with the same filters.

The peer is what a person would type for the same result: one command that measures the sound after
downmix and dynamics, one that renders it with the gain that follows, and one that measures what was
encoded, because a promise about the result is kept by measuring the result. The peer is given the
levelling gain for nothing. The notes name the ratio without that third command too, and both CPU times.
"""

import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Thread

import psutil

from bench.figure import Figure
from loa.audio.inspect import DOWNMIX
from loa.audio.prepare import DYNAMICS, LEVELLED_LUFS

MINUTES = 30
MOST_RATIO = 1.1
MOST_MB = 150
TEXT = (
    "Kính thưa toàn thể bà con nhân dân trong xã. Ủy ban nhân dân xã thông báo lịch tiêm phòng cho trẻ em. "
    "Thời gian bắt đầu từ bảy giờ ba mươi phút sáng thứ hai. Địa điểm tại trạm y tế xã. "
)

_OURS = """
import sys
from pathlib import Path
from loa.audio.prepare import prepare
prepare(Path(sys.argv[1]), Path(sys.argv[2]))
"""


@dataclass(frozen=True, slots=True)
class Run:
    """Wall time, CPU time of all processes, and the highest sum of their resident memory."""

    wall_s: float
    cpu_s: float
    peak_mb: float


def measure(minutes: float = MINUTES) -> Figure:
    """Prepare `minutes` of speech, ours and with ffmpeg alone, one after the other."""
    with TemporaryDirectory(prefix="loa-bench-") as directory:
        source = _make_speech(Path(directory), minutes)
        ours = _time([[sys.executable, "-c", _OURS, str(source), str(source.with_name("ours.opus"))]])
        commands = _peer_commands(source)
        rendering = _time(commands[:2])
        checking = _time(commands[2:])
    peer_s = rendering.wall_s + checking.wall_s
    ratio = ours.wall_s / peer_s
    return Figure(
        name="prepare",
        value=ours.wall_s,
        unit="s",
        peer=peer_s,
        peer_unit="s",
        ratio=ratio,
        target=f"<= {MOST_RATIO} x ffmpeg alone, < {MOST_MB} MB",
        met=ratio <= MOST_RATIO and ours.peak_mb < MOST_MB,
        notes=(
            f"{minutes:g} minutes of speech; {ours.peak_mb:.0f} MB resident, children included; "
            f"without the peer's measurement of the result {ours.wall_s / rendering.wall_s:.2f} times; "
            f"CPU {ours.cpu_s:.1f} s against {rendering.cpu_s + checking.cpu_s:.1f} s"
        ),
    )


def _make_speech(directory: Path, minutes: float) -> Path:
    voice, source = directory / "voice.wav", directory / "source.mp3"
    subprocess.run(["espeak-ng", "-v", "vi", "-w", str(voice), TEXT * 8], check=True)
    command = ["ffmpeg", "-v", "error", "-stream_loop", "-1", "-i", str(voice), "-t", str(minutes * 60)]
    subprocess.run([*command, "-ar", "44100", "-ac", "2", "-b:a", "128k", str(source)], check=True)
    return source


def _peer_commands(source: Path) -> list[list[str]]:
    shaped = f"{DOWNMIX},volume={LEVELLED_LUFS - _loudness(source):.2f}dB,{DYNAMICS}"
    limited = f"{shaped},volume=6dB,alimiter=limit=0.70795:level=0:attack=5:release=50,{DOWNMIX}"
    result = str(source.with_name("peer.opus"))
    ffmpeg = ["ffmpeg", "-nostdin", "-hide_banner", "-nostats"]
    return [
        [*ffmpeg, "-i", str(source), "-af", f"{shaped},ebur128=framelog=verbose", "-f", "null", "-"],
        [*ffmpeg, "-i", str(source), "-af", limited, "-c:a", "libopus", "-b:a", "32000", result],
        [*ffmpeg, "-i", result, "-af", "ebur128=peak=true:framelog=verbose", "-f", "null", "-"],
    ]


def _loudness(source: Path) -> float:
    command = ["ffmpeg", "-nostdin", "-hide_banner", "-nostats", "-t", "60", "-i", str(source)]
    measured = [*command, "-af", f"{DOWNMIX},ebur128=framelog=verbose", "-f", "null", "-"]
    said = subprocess.run(measured, check=True, capture_output=True, text=True).stderr
    return float(re.findall(r"I:\s+(-?[\d.]+) LUFS", said)[-1])


def _time(commands: list[list[str]]) -> Run:
    peak_mb, stopping = [0.0], Event()
    watcher = Thread(target=_watch, args=(peak_mb, stopping))
    watcher.start()
    before, started_s = os.times(), time.monotonic()
    for command in commands:
        subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
    after, wall_s = os.times(), time.monotonic() - started_s
    stopping.set()
    watcher.join()
    cpu_s = after.children_user + after.children_system - before.children_user - before.children_system
    return Run(wall_s, cpu_s, peak_mb[0])


def _watch(peak_mb: list[float], stopping: Event) -> None:
    while not stopping.wait(0.05):
        peak_mb[0] = max(peak_mb[0], sum(map(_resident_mb, psutil.Process().children(recursive=True))))


def _resident_mb(process: psutil.Process) -> float:
    try:
        return float(process.memory_info().rss) / 2**20
    except psutil.NoSuchProcess:
        return 0.0
