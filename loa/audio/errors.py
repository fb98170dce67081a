"""What can go wrong with sound.

::

    AudioError                    code, facts as attributes
    ├── Refused                   the input is to blame; the person can do something about it
    │   ├── Missing               there is no such file
    │   ├── Empty                 the file has no bytes, or the text no words
    │   ├── TooLarge              more bytes than the limit
    │   ├── NotAudio              not a sound in a format we take; playlists, scripts and archives too
    │   ├── Truncated             the sound ends before its declared end
    │   ├── TooLong               longer than the limit
    │   ├── Silent                nothing can be heard in it
    │   └── TextTooLong           more characters than the limit
    ├── ToolFailed                ffmpeg, espeak-ng or piper ended with an error
    │   └── ToolTimeout           … or did not end in time
    ├── ToolMissing               the program is not installed
    ├── VoiceUnknown              no such voice
    └── DiskFull                  the result did not fit on the disk
"""


class AudioError(Exception):
    """Root of the tree; `code` names the kind for catalogues and never changes."""

    code = "audio"


class Refused(AudioError):
    """The input cannot be broadcast as it is."""

    code = "refused"


class Missing(Refused):
    """There is no file under this name."""

    code = "missing"

    def __init__(self, name: str) -> None:
        super().__init__(f"there is no file {name}; upload it again")
        self.name = name


class Empty(Refused):
    """A file of no bytes or a text without words."""

    code = "empty"

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} is empty; give a recording or a text with content")
        self.name = name


class TooLarge(Refused):
    """More bytes than the limit."""

    code = "too_large"

    def __init__(self, size_bytes: int, limit_bytes: int) -> None:
        super().__init__(f"the file has {size_bytes} bytes, the limit is {limit_bytes}; shorten it")
        self.size_bytes = size_bytes
        self.limit_bytes = limit_bytes


class NotAudio(Refused):
    """No sound in a format that is taken; `detail` is the tool's own word on it."""

    code = "not_audio"

    def __init__(self, detail: str) -> None:
        super().__init__(f"not a sound we take ({detail}); give mp3, wav, ogg, flac, m4a, aac or amr")
        self.detail = detail


class Truncated(Refused):
    """The sound ends before the end that the file declares."""

    code = "truncated"

    def __init__(self, declared_ms: int, decoded_ms: int) -> None:
        super().__init__(f"the file declares {declared_ms} ms but holds {decoded_ms} ms; send it whole")
        self.declared_ms = declared_ms
        self.decoded_ms = decoded_ms


class TooLong(Refused):
    """Longer than the limit."""

    code = "too_long"

    def __init__(self, duration_ms: int, limit_ms: int) -> None:
        super().__init__(f"the sound lasts {duration_ms} ms, the limit is {limit_ms} ms; cut it")
        self.duration_ms = duration_ms
        self.limit_ms = limit_ms


class Silent(Refused):
    """Nothing in the sound can be heard."""

    code = "silent"

    def __init__(self, peak_db: float) -> None:
        super().__init__(f"the sound is silent (peak {peak_db:.1f} dBFS); check the microphone")
        self.peak_db = peak_db


class TextTooLong(Refused):
    """More characters than the limit."""

    code = "text_too_long"

    def __init__(self, characters: int, limit: int) -> None:
        super().__init__(f"the text has {characters} characters, the limit is {limit}; split it")
        self.characters = characters
        self.limit = limit


class ToolFailed(AudioError):
    """A program ended with an error; `detail` is the end of what it said."""

    code = "tool_failed"

    def __init__(self, tool: str, detail: str) -> None:
        super().__init__(f"{tool} failed: {detail}")
        self.tool = tool
        self.detail = detail


class ToolTimeout(ToolFailed):
    """A program was still running at its deadline and was ended."""

    code = "tool_timeout"

    def __init__(self, tool: str, limit_s: float) -> None:
        super().__init__(tool, f"not finished after {limit_s:.0f} s; try again when the machine is less busy")
        self.limit_s = limit_s


class ToolMissing(AudioError):
    """A program is not installed."""

    code = "tool_missing"

    def __init__(self, tool: str) -> None:
        super().__init__(f"{tool} is not installed; install the Debian package that holds it")
        self.tool = tool


class VoiceUnknown(AudioError):
    """The speaker has no such voice."""

    code = "voice_unknown"

    def __init__(self, voice: str, known: tuple[str, ...]) -> None:
        super().__init__(f"there is no voice {voice!r}; choose one of {', '.join(known)}")
        self.voice = voice
        self.known = known


class DiskFull(AudioError):
    """The result did not fit; nothing of it was left behind."""

    code = "disk_full"

    def __init__(self, path: str) -> None:
        super().__init__(f"no space left to write {path}; free some space and try again")
        self.path = path
