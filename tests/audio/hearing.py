"""Speech, and what the way through horn, air and neighbours makes of it."""

import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from loa.audio.evidence import WINDOW_FRAMES, Finding, Limits, Tally, bands_of, thin
from loa.audio.find import decode
from loa.audio.player import RATE_HZ

Sound = NDArray[np.float32]
"""(frames,), 48 kHz, full scale is 32,768."""

TEXTS = {
    "vaccination": (
        "Kính thưa toàn thể bà con nhân dân xã Lãng Công. Sáng thứ bảy tuần này, trạm y tế xã tổ chức tiêm "
        "chủng mở rộng cho trẻ em dưới năm tuổi. Đề nghị bà con đưa trẻ đến đúng giờ."
    ),
    "electricity": (
        "Ủy ban nhân dân xã thông báo lịch cắt điện từ bảy giờ sáng đến mười một giờ trưa ngày mai, đề nghị "
        "các hộ gia đình chủ động sắp xếp công việc sinh hoạt và sản xuất. Xin trân trọng cảm ơn bà con."
    ),
}
SPEED_OF_SOUND = 343.0


@cache
def speech(name: str) -> Sound:
    """One of the texts, spoken and encoded as the nodes get it."""
    with TemporaryDirectory() as folder:
        voice, prepared = Path(folder) / "voice.wav", Path(folder) / "voice.ogg"
        subprocess.run(["espeak-ng", "-v", "vi", "-s", "160", "-w", str(voice), TEXTS[name]], check=True)
        encoder = ["-ar", str(RATE_HZ), "-ac", "1", "-c:a", "libopus", "-b:a", "32k"]
        subprocess.run(
            ["ffmpeg", "-nostdin", "-v", "error", "-i", str(voice), *encoder, str(prepared)], check=True
        )
        sound: Sound = (decode(prepared, RATE_HZ) * 32_768).astype(np.float32)
        return sound


def with_noise(sound: Sound, snr_db: float, *, seed: int = 1) -> Sound:
    """Beside traffic and wind: pink noise."""
    loudness = float(np.sqrt(np.mean(np.square(sound))))
    noisy: Sound = sound + pink(len(sound), seed=seed) * np.float32(loudness * 10 ** (-snr_db / 20))
    return noisy


def pink(frames: int, *, seed: int = 1) -> Sound:
    """Noise of level 1."""
    white = np.fft.rfft(np.random.default_rng(seed).standard_normal(frames))
    noise = np.fft.irfft(white / np.sqrt(np.maximum(1, np.arange(len(white)))), frames)
    sound: Sound = (noise / noise.std()).astype(np.float32)
    return sound


def through_horn(sound: Sound) -> Sound:
    """A re-entrant horn: nothing below 300 Hz and above 5 kHz."""
    spectrum = np.fft.rfft(sound)
    hz = np.maximum(np.fft.rfftfreq(len(sound), 1 / RATE_HZ), 1)
    shape = 1 / np.sqrt(1 + (300 / hz) ** 8) / np.sqrt(1 + (hz / 5_000) ** 8)
    passed: Sound = np.fft.irfft(spectrum * shape, len(sound)).astype(np.float32)
    return passed


def in_a_valley(sound: Sound, *, metres: float, reverb_s: float, echo: float = 0.0) -> Sound:
    """As it arrives at a distance, with reverberation and the echo of a hillside 150 m behind."""
    tail = int(reverb_s * RATE_HZ)
    noise = np.random.default_rng(7).standard_normal(tail) * np.exp(-6.9 * np.arange(tail) / tail)
    once = noise / np.sqrt(np.square(noise).sum())
    once[0] += 1.0
    way = np.zeros(tail + int(300 / SPEED_OF_SOUND * RATE_HZ))
    way[:tail] += once
    way[-tail:] += echo * once
    size = 1 << (len(sound) + len(way)).bit_length()
    arrived = np.fft.irfft(np.fft.rfft(sound, size) * np.fft.rfft(way, size), size)[: len(sound)]
    return later(arrived.astype(np.float32), metres / SPEED_OF_SOUND)


def later(sound: Sound, seconds: float) -> Sound:
    """The same length, delayed."""
    frames = int(seconds * RATE_HZ)
    return np.concatenate([np.zeros(frames, np.float32), sound[: len(sound) - frames]])


def judged(recorded: Sound, captured: Sound, limits: Limits, *, gain_db: float = 0.0) -> Finding | None:
    """All whole windows, as a witness has them judged."""
    tally = Tally(limits)
    ours = bands_of(thin(_samples(recorded)))
    theirs = bands_of(thin(_samples(captured)))
    padded = np.concatenate([np.zeros((-limits.first_lag, theirs.shape[1]), np.float32), theirs])
    for first in range(0, len(ours) - WINDOW_FRAMES + 1, WINDOW_FRAMES):
        window = padded[first : first + WINDOW_FRAMES + limits.lags - 1]
        if len(window) == WINDOW_FRAMES + limits.lags - 1:
            tally.add(ours[first : first + WINDOW_FRAMES], window, gain_db=gain_db)
    return tally.finding()


def _samples(sound: Sound) -> NDArray[np.int16]:
    return np.clip(sound, -32_768, 32_767).astype(np.int16)


Way = Callable[[Sound], Sound]
WAYS: dict[str, Way] = {
    "as it is": lambda sound: sound,
    "10 dB over noise": lambda sound: with_noise(sound, 10),
    "0 dB over noise": lambda sound: with_noise(sound, 0),
    "horn": through_horn,
    "horn, 10 dB over noise, 30 m": lambda sound: with_noise(
        in_a_valley(through_horn(sound), metres=30, reverb_s=0.5), 10
    ),
    "horn, reverberation 1.5 s": lambda sound: in_a_valley(through_horn(sound), metres=0, reverb_s=1.5),
    "horn, echo of a hillside": lambda sound: in_a_valley(
        through_horn(sound), metres=0, reverb_s=0.5, echo=0.7
    ),
    "horn, 10 dB over noise, 300 m": lambda sound: with_noise(
        in_a_valley(through_horn(sound), metres=300, reverb_s=0.8), 10
    ),
    "clipped": lambda sound: np.clip(sound * 8, -8_000, 8_000),
}
"""What a right programme may go through."""
