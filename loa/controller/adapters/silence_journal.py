"""Silences in a file of their own: a line each, on the disk before anybody hears of it."""

import os
import threading
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

import structlog

from loa.controller.ports import AreaSilence
from loa.protocol.errors import MalformedError
from loa.protocol.ids import AreaId
from loa.protocol.programme import Silence
from loa.protocol.wire import Wire

_log = structlog.get_logger(__name__)


class _Line(Wire):
    area: AreaId
    silence: Silence


class FileSilenceJournal:
    """`loa.controller.ports.SilenceJournal`. One process may hold it; a torn last line is cut off."""

    def __init__(self, path: Path) -> None:
        """Reads what is there; raises OSError."""
        self._lock = threading.Lock()
        self._by_area: defaultdict[AreaId, list[Silence]] = defaultdict(list)
        self._all: list[AreaSilence] = []
        self._highest = 0
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        _sync_folder(path.parent)
        self._size = self._load(path)

    def close(self) -> None:
        """Close the file; nothing can be appended afterwards."""
        os.close(self._file)

    def append(self, area: AreaId, silence: Silence) -> AreaSilence:
        """Give it the next counter and return once it is on the disk. Raises OSError if it cannot be."""
        with self._lock:
            numbered = silence.model_copy(update={"counter": self._highest + 1})
            self._write(_Line(area=area, silence=numbered).to_bytes() + b"\n")
            return self._note(area, numbered)

    def of(self, area: AreaId, at: datetime) -> list[Silence]:
        """The silences of the area that end after `at`, by counter."""
        with self._lock:
            return [one for one in self._by_area.get(area, ()) if one.until_at > at]

    def after(self, counter: int) -> list[AreaSilence]:
        """Those numbered higher than `counter`, in order."""
        with self._lock:
            return [one for one in self._all if one.silence.counter > counter]

    def adopt(self, silences: Iterable[AreaSilence]) -> None:
        """Take in those that it lacks, as after the loss of its disk. Raises OSError."""
        with self._lock:
            there = {one.silence.id for one in self._all}
            for one in silences:
                if one.silence.id not in there:
                    self._write(_Line(area=one.area, silence=one.silence).to_bytes() + b"\n")
                    self._note(one.area, one.silence)

    def _write(self, line: bytes) -> None:
        try:
            _write_whole(self._file, line)
            os.fsync(self._file)
        except OSError:
            os.ftruncate(self._file, self._size)
            raise
        self._size += len(line)

    def _note(self, area: AreaId, silence: Silence) -> AreaSilence:
        noted = AreaSilence(area, silence)
        self._highest = max(self._highest, silence.counter)
        self._by_area[area].append(silence)
        self._all.append(noted)
        return noted

    def _load(self, path: Path) -> int:
        """Returns how many bytes are whole lines."""
        content = path.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        if len(whole) < len(content):
            _log.warning("silence_journal.torn_line_cut", bytes=len(content) - len(whole))
            os.ftruncate(self._file, len(whole))
        for number, line in enumerate(whole.splitlines(), 1):
            try:
                read = _Line.from_bytes(line)
            except MalformedError as error:
                _log.error("silence_journal.bad_line", line=number, why=str(error))
            else:
                self._note(read.area, read.silence)
        return len(whole)


def _write_whole(file: int, line: bytes) -> None:
    written = os.write(file, line)
    if written != len(line):
        raise OSError(f"only {written} of {len(line)} bytes fitted; free space on the disk")


def _sync_folder(folder: Path) -> None:
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
