import fcntl
import os
import subprocess
from pathlib import Path

import numpy as np

from loa.audio.mixer import Samples
from loa.audio.player import RATE_HZ

_PIPE_BYTES = 512 * 1024
"""The pipe is the ring: 5.4 s of sound, held by the kernel."""
_FORMATS = "ogg,wav,mp3,flac"


class DecodedFile:
    """A recording decoded ahead by an ffmpeg of its own, from a frame on; a `Sound`.

    The decoder runs until the pipe between is full, so memory is bounded whatever the recording's length.
    Raises OSError when there is no such file or no decoder.
    """

    def __init__(self, path: Path, first_frame: int) -> None:
        if not path.is_file():
            raise FileNotFoundError(f"there is no file {path}")
        self._path = path
        self._position = first_frame
        self._rest = b""
        self._end_of_pipe = False
        self._process = subprocess.Popen(
            _command(path, first_frame),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
        )
        self._pipe = -1 if self._process.stdout is None else self._process.stdout.fileno()
        os.set_blocking(self._pipe, False)
        try:
            fcntl.fcntl(self._pipe, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        except (
            PermissionError
        ):  # the user's pipes are at their limit; the default of 64 KiB still holds 0.7 s
            return

    @property
    def position(self) -> int:
        """Number of the next frame within the recording."""
        return self._position

    @property
    def ended(self) -> bool:
        """Whether everything was read and the decoder is gone."""
        return self._end_of_pipe and self._process.poll() is not None

    @property
    def failure(self) -> str | None:
        """What is wrong with the file, once ended."""
        if self._process.poll() in {None, 0}:
            return None
        return f"{self._path} cannot be decoded (ffmpeg ended with {self._process.returncode})"

    def read(self, frames: int) -> Samples:
        """The next frames that are ready, at most `frames`; never waits."""
        try:
            block = os.read(self._pipe, 2 * frames - len(self._rest)) if not self._end_of_pipe else b""
            self._end_of_pipe = not block
        except BlockingIOError:
            block = b""
        block = self._rest + block
        whole = len(block) // 2 * 2
        self._rest = block[whole:]
        self._position += whole // 2
        return np.frombuffer(block[:whole], np.int16)

    def close(self) -> None:
        """End the decoder; idempotent."""
        self._process.kill()
        self._process.wait()
        self._end_of_pipe = True
        if self._process.stdout is not None:
            self._process.stdout.close()


def _command(path: Path, first_frame: int) -> list[str]:
    return [
        *("ffmpeg", "-nostdin", "-v", "fatal", "-threads", "1"),
        *("-protocol_whitelist", "file", "-format_whitelist", _FORMATS),
        *("-ss", f"{first_frame / RATE_HZ:.6f}", "-i", f"file:{path}"),
        *("-map", "0:a:0", "-f", "s16le", "-ac", "1", "-ar", str(RATE_HZ), "pipe:1"),
    ]
