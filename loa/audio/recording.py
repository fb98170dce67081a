from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Limits:
    """What is taken. A sound may end `truncation_ms` (or 1 %, if that is more) before its declared end."""

    max_bytes: int = 500_000_000
    max_duration_ms: int = 4 * 3_600_000
    silence_dbfs: float = -60.0
    truncation_ms: int = 500
    timeout_s: float = 1800.0


class Caution(StrEnum):
    """A warning: the sound is taken, the person should know."""

    CLIPPED = "clipped"  # parts were recorded too loud and are distorted
    QUIET = "quiet"  # recorded so low that noise comes up with it
    LEVEL = "level"  # the loudness could not be brought to the target


@dataclass(frozen=True, slots=True)
class Inspection:
    """What a file holds, by decoding it whole.

    `declared_ms` is what the container claims (None when it claims nothing), `decoded_ms` what came out.
    `clipped_fraction` is the share of samples at full scale; loudness is EBU R128 integrated, in LUFS. Both
    and the peak are of the downmix to mono.
    """

    codec: str
    container: str
    channels: int
    sample_rate_hz: int
    size_bytes: int
    declared_ms: int | None
    decoded_ms: int
    peak_dbfs: float
    clipped_fraction: float
    loudness_lufs: float
    cautions: tuple[Caution, ...]


@dataclass(frozen=True, slots=True)
class Options:
    """How a sound is prepared. Bit rate in bits a second; loudness in LUFS; peak in dBTP."""

    chime: bool = False
    siren: bool = False
    """An alarm opens with a wail of the siren, in place of the chime."""
    closing: bool = False
    loudness_lufs: float = -18.0
    true_peak_dbtp: float = -1.5
    bitrate_bps: int = 32_000


@dataclass(frozen=True, slots=True)
class Prepared:
    """An Ogg/Opus file, mono, 48 kHz, ready for the nodes; named by `sha256` of its bytes.

    `duration_ms` counts decoded samples, chime and closing included. `loudness_lufs` and `true_peak_dbtp` are
    measured on the decoded result, `source` describes what went in. The same source and options give the same
    bytes.
    """

    path: Path
    sha256: str
    size_bytes: int
    duration_ms: int
    loudness_lufs: float
    true_peak_dbtp: float
    passes: int
    source: Inspection
    cautions: tuple[Caution, ...]
