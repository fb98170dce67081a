"""What several sinks of one PulseAudio play, recorded by one process on one clock.

A null sink's samples run on the system's clock without drift, so one number says where a recording lies in
time: the wall time of its first sample. The server tells it with every snapshot of its timing (samples given,
what the sink has rendered ahead, time of the snapshot), now and then a little late, as threads are. The
median of many is good to some hundredths of a millisecond, which the figure `skew` shows by its control.
"""

import ctypes
import statistics
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event, Thread
from typing import Any

import numpy as np

from loa.audio.mixer import Samples
from loa.audio.player import RATE_HZ
from tests.pulse import Pulse
from tests.waiting import wait_for

_FRAME_BYTES = 2
_FRAGMENT_BYTES = RATE_HZ // 100 * _FRAME_BYTES
"""10 ms: the sinks render no further ahead, so that what is recorded is what sounds."""
_LOOK_S = 0.02
_SNAPSHOT_EVERY = 5
_AROUND_S = 5.0
"""Snapshots around an instant say where the samples of that instant lie."""


@dataclass(frozen=True, slots=True)
class _Snapshot:
    frames: int
    begin_s: float
    """The wall time of the first sample, by this snapshot."""


@dataclass
class Recording:
    """Of one sink; grows while it is recorded."""

    sink: str
    chunks: list[Samples] = field(default_factory=list)
    snapshots: list[_Snapshot] = field(default_factory=list)

    def all(self) -> Samples:
        """Everything so far."""
        return np.concatenate(self.chunks)

    def begin_s(self, around_s: float) -> float:
        """The wall time of the first sample, as it holds around an instant: a sink may have slipped."""
        near = [one for one in self.snapshots if abs(self._at(one) - around_s) < _AROUND_S]
        return statistics.median(one.begin_s for one in near or self.snapshots)

    def _at(self, one: _Snapshot) -> float:
        return one.begin_s + one.frames / RATE_HZ


@contextmanager
def recorded(served: Pulse, sinks: Sequence[str]) -> Iterator[list[Recording]]:
    """Record the monitors while the block lasts."""
    recorder = _Recorder(served.server, sinks)
    try:
        yield recorder.recordings
    finally:
        recorder.close()


class _Recorder:
    """A client of the server; a thread takes what comes, under the lock of libpulse's own thread."""

    def __init__(self, server: str, sinks: Sequence[str]) -> None:
        self.recordings = [Recording(sink) for sink in sinks]
        self._library = _library()
        self._loop = self._library.pa_threaded_mainloop_new()
        self._context = self._connect(server)
        self._streams = [self._record(sink) for sink in sinks]
        self._closing = Event()
        self._thread = Thread(target=self._run, name="monitors", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._closing.set()
        self._thread.join()
        self._library.pa_threaded_mainloop_stop(self._loop)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self._library.pa_threaded_mainloop_lock(self._loop)
        try:
            yield
        finally:
            self._library.pa_threaded_mainloop_unlock(self._loop)

    def _connect(self, server: str) -> int:
        library = self._library
        api = library.pa_threaded_mainloop_get_api(self._loop)
        context: int = library.pa_context_new(api, b"monitors")
        assert library.pa_context_connect(context, server.encode(), 0, None) == 0
        assert library.pa_threaded_mainloop_start(self._loop) == 0
        self._wait(lambda: library.pa_context_get_state(context) == _CONTEXT_READY)
        return context

    def _record(self, sink: str) -> int:
        library, shape = self._library, _SampleSpec(_S16LE, RATE_HZ, 1)
        buffers = _BufferAttributes(_UNSET, _UNSET, _UNSET, _UNSET, _FRAGMENT_BYTES)
        with self._locked():
            stream: int = library.pa_stream_new(self._context, sink.encode(), ctypes.byref(shape), None)
            source = f"{sink}.monitor".encode()
            refused = library.pa_stream_connect_record(stream, source, ctypes.byref(buffers), _ADJUST_LATENCY)
        assert not refused
        self._wait(lambda: library.pa_stream_get_state(stream) == _STREAM_READY)
        return stream

    def _wait(self, is_so: Callable[[], bool]) -> None:
        def look() -> bool:
            with self._locked():
                return is_so()

        wait_for(look, what="PulseAudio takes the recorder")

    def _run(self) -> None:
        looks = 0
        while not self._closing.wait(_LOOK_S):
            with self._locked():
                for recording, stream in zip(self.recordings, self._streams, strict=True):
                    self._take(recording, stream)
                    if looks % _SNAPSHOT_EVERY == 0:
                        self._look(recording, stream)
            looks += 1

    def _take(self, recording: Recording, stream: int) -> None:
        data, size = ctypes.c_void_p(), ctypes.c_size_t()
        while self._library.pa_stream_readable_size(stream) > 0:
            assert self._library.pa_stream_peek(stream, ctypes.byref(data), ctypes.byref(size)) == 0
            if not size.value:
                return
            hole = np.zeros(size.value // _FRAME_BYTES, np.int16)
            given = np.frombuffer(ctypes.string_at(data.value, size.value), np.int16) if data.value else hole
            recording.chunks.append(given)
            self._library.pa_stream_drop(stream)

    def _look(self, recording: Recording, stream: int) -> None:
        """Note the snapshot that came since, and ask for another."""
        found = self._library.pa_stream_get_timing_info(stream)
        if found and not found.contents.write_index_corrupt:
            said: _TimingInfo = found.contents
            frames = said.write_index // _FRAME_BYTES
            ahead_s = (said.sink_usec - said.source_usec) / 1e6
            at_s = said.seconds + said.microseconds / 1e6
            recording.snapshots.append(_Snapshot(frames, at_s - frames / RATE_HZ + ahead_s))
        operation = self._library.pa_stream_update_timing_info(stream, None, None)
        if operation:
            self._library.pa_operation_unref(operation)


# What of libpulse is used; pulse/def.h and pulse/sample.h name the numbers.
_CONTEXT_READY, _STREAM_READY = 4, 2
_ADJUST_LATENCY = 0x2000
_S16LE = 3
_UNSET = 0xFFFFFFFF


class _SampleSpec(ctypes.Structure):
    _fields_ = (("format", ctypes.c_int), ("rate", ctypes.c_uint32), ("channels", ctypes.c_uint8))


class _BufferAttributes(ctypes.Structure):
    _fields_ = tuple(
        (name, ctypes.c_uint32) for name in ("maxlength", "tlength", "prebuf", "minreq", "fragsize")
    )


class _TimingInfo(ctypes.Structure):
    _fields_ = (
        ("seconds", ctypes.c_long),
        ("microseconds", ctypes.c_long),
        ("synchronized_clocks", ctypes.c_int),
        ("sink_usec", ctypes.c_uint64),
        ("source_usec", ctypes.c_uint64),
        ("transport_usec", ctypes.c_uint64),
        ("playing", ctypes.c_int),
        ("write_index_corrupt", ctypes.c_int),
        ("write_index", ctypes.c_int64),
        ("read_index_corrupt", ctypes.c_int),
        ("read_index", ctypes.c_int64),
        ("configured_sink_usec", ctypes.c_uint64),
        ("configured_source_usec", ctypes.c_uint64),
        ("since_underrun", ctypes.c_int64),
    )


def _library() -> Any:  # noqa: ANN401 -- ctypes types no functions
    library = ctypes.CDLL("libpulse.so.0")
    pointer, number, text = ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p
    shapes = {
        "threaded_mainloop_new": (pointer, []),
        "threaded_mainloop_get_api": (pointer, [pointer]),
        "threaded_mainloop_start": (number, [pointer]),
        "threaded_mainloop_stop": (None, [pointer]),
        "threaded_mainloop_lock": (None, [pointer]),
        "threaded_mainloop_unlock": (None, [pointer]),
        "context_new": (pointer, [pointer, text]),
        "context_connect": (number, [pointer, text, number, pointer]),
        "context_get_state": (number, [pointer]),
        "stream_new": (pointer, [pointer, text, pointer, pointer]),
        "stream_connect_record": (number, [pointer, text, pointer, number]),
        "stream_get_state": (number, [pointer]),
        "stream_readable_size": (ctypes.c_size_t, [pointer]),
        "stream_peek": (number, [pointer, pointer, pointer]),
        "stream_drop": (number, [pointer]),
        "stream_get_timing_info": (ctypes.POINTER(_TimingInfo), [pointer]),
        "stream_update_timing_info": (pointer, [pointer, pointer, pointer]),
        "operation_unref": (None, [pointer]),
    }
    for name, (result, arguments) in shapes.items():
        function = getattr(library, f"pa_{name}")
        function.restype, function.argtypes = result, arguments
    return library
