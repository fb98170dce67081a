import ctypes
import os
from pathlib import Path
from typing import Any

import numpy as np

from loa.audio.decoder import DecodedFile
from loa.audio.mixer import Samples, Sound
from loa.audio.player import RATE_HZ

_LIBRARY = "libsndfile.so.1"
_READ_ONLY = 0x10
_FROM_START = 0


def open_sound(path: Path, first_frame: int) -> Sound:
    """A recording from a frame on: decoded in this process where libsndfile can, else by an ffmpeg beside it.

    An ffmpeg takes 50 MB while a recording sounds, libsndfile 2. Raises OSError if there is no such file.
    """
    try:
        return SoundFile(path, first_frame)
    except UnsuitableError:
        return DecodedFile(path, first_frame)


class UnsuitableError(Exception):
    """libsndfile is not there, or the file is none that it decodes to 48 kHz mono."""


class SoundFile:
    """A `Sound` decoded by libsndfile, which Debian's ffmpeg brings along; for one thread at a time.

    Only for files whose digest was verified: the decoder runs in this process. The system is asked to have
    the file in memory when it sounds.
    """

    def __init__(self, path: Path, first_frame: int) -> None:
        self._library = _library()
        self._path = path
        self.position = first_frame
        self.ended = False
        self.failure: str | None = None
        self._handle = self._open(path, first_frame)

    def read(self, frames: int) -> Samples:
        """See `Sound.read`."""
        block = np.empty(frames, np.int16)
        if self._handle is None:
            return block[:0]
        read = int(self._library.sf_readf_short(self._handle, block.ctypes.data, frames))
        self.position += read
        if read < frames:
            self.ended = True
            if error := self._library.sf_error(self._handle):
                self.failure = f"{self._path} cannot be decoded (libsndfile error {error})"
        return block[:read]

    def close(self) -> None:
        """See `Sound.close`; idempotent."""
        handle, self._handle = self._handle, None
        if handle is not None:
            self._library.sf_close(handle)

    def _open(self, path: Path, first_frame: int) -> int | None:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        os.posix_fadvise(file, 0, 0, os.POSIX_FADV_WILLNEED)
        info = _Info()
        handle: int | None = self._library.sf_open_fd(file, _READ_ONLY, ctypes.byref(info), 1)
        if handle is None:
            raise UnsuitableError(str(path))
        if (info.samplerate, info.channels) != (RATE_HZ, 1):
            self._library.sf_close(handle)
            raise UnsuitableError(str(path))
        first_frame = min(first_frame, info.frames)
        if self._library.sf_seek(handle, first_frame, _FROM_START) != first_frame:
            self._library.sf_close(handle)
            raise UnsuitableError(str(path))
        return handle


class _Info(ctypes.Structure):
    """SF_INFO of sndfile.h."""

    _fields_ = (
        ("frames", ctypes.c_int64),
        ("samplerate", ctypes.c_int),
        ("channels", ctypes.c_int),
        ("format", ctypes.c_int),
        ("sections", ctypes.c_int),
        ("seekable", ctypes.c_int),
    )


def _library() -> Any:  # noqa: ANN401 -- ctypes types no functions
    try:
        library = ctypes.CDLL(_LIBRARY)
    except OSError as error:
        raise UnsuitableError(_LIBRARY) from error
    library.sf_open_fd.restype = ctypes.c_void_p
    library.sf_open_fd.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_void_p, ctypes.c_int]
    library.sf_seek.restype = ctypes.c_int64
    library.sf_seek.argtypes = [ctypes.c_void_p, ctypes.c_int64, ctypes.c_int]
    library.sf_readf_short.restype = ctypes.c_int64
    library.sf_readf_short.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64]
    library.sf_error.argtypes = [ctypes.c_void_p]
    library.sf_close.argtypes = [ctypes.c_void_p]
    return library
