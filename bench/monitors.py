"""What several sinks of one PulseAudio play, recorded by one process on one clock.

A null sink's samples run on the system's clock without a drift, so one number says where a recording lies in
time: the wall time of its first sample. The server tells it with every snapshot of its timing (write index,
latency of the monitor, time of the snapshot), each time a little late as threads are; the median of many is
good to some microseconds, which `skew` shows by its control.
"""

import ctypes
import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event, Thread
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.pulse import Pulse

RATE_HZ = 48_000
_FRAME_BYTES = 2
_FRAGMENT_MS = 10
_LOOK_S = 0.02
_SNAPSHOT_EVERY = 5
_READY_CONTEXT, _READY_STREAM = 4, 2
_AUTO_TIMING, _ADJUST_LATENCY = 0x8, 0x2000
_S16LE = 3
_UNSET = 0xFFFFFFFF

Samples = NDArray[np.int16]


@dataclass
class Recording:
    """Of one sink."""

    sink: str
    chunks: list[Samples] = field(default_factory=list)
    begins_s: list[float] = field(default_factory=list)
    """The wall time of its first sample, as each snapshot has it."""

    @property
    def begin_s(self) -> float:
        """The wall time (s since the epoch) of the first sample."""
        return statistics.median(self.begins_s)

    def samples(self) -> Samples:
        """Everything so far."""
        return np.concatenate(self.chunks) if self.chunks else np.zeros(0, np.int16)


@contextmanager
def recorded(served: Pulse, sinks: Sequence[str]) -> Iterator[list[Recording]]:
    """Record the monitors while the block lasts."""
    recorder = _Recorder(served.server, sinks)
    try:
        yield recorder.recordings
    finally:
        recorder.close()


class _Recorder:
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

    def _connect(self, server: str) -> Any:  # noqa: ANN401 -- an opaque pointer
        library = self._library
        api = library.pa_threaded_mainloop_get_api(self._loop)
        context = library.pa_context_new(api, b"monitors")
        assert library.pa_context_connect(context, server.encode(), 0, None) == 0
        assert library.pa_threaded_mainloop_start(self._loop) == 0
        self._wait(lambda: library.pa_context_get_state(context) == _READY_CONTEXT)
        return context

    def _record(self, sink: str) -> Any:  # noqa: ANN401 -- an opaque pointer
        library = self._library
        fragment = RATE_HZ * _FRAGMENT_MS // 1000 * _FRAME_BYTES
        attributes = _BufferAttributes(_UNSET, _UNSET, _UNSET, _UNSET, fragment)
        library.pa_threaded_mainloop_lock(self._loop)
        stream = library.pa_stream_new(
            self._context, sink.encode(), ctypes.byref(_SampleSpec(_S16LE, RATE_HZ, 1)), None
        )
        flags = _ADJUST_LATENCY
        assert (
            library.pa_stream_connect_record(
                stream, f"{sink}.monitor".encode(), ctypes.byref(attributes), flags
            )
            == 0
        )
        library.pa_threaded_mainloop_unlock(self._loop)
        self._wait(lambda: library.pa_stream_get_state(stream) == _READY_STREAM)
        return stream

    def _wait(self, is_so: Any) -> None:  # noqa: ANN401
        ends = time.monotonic() + 10
        while True:
            self._library.pa_threaded_mainloop_lock(self._loop)
            so = is_so()
            self._library.pa_threaded_mainloop_unlock(self._loop)
            if so:
                return
            assert time.monotonic() < ends
            time.sleep(0.01)

    def _run(self) -> None:
        number = 0
        while not self._closing.wait(_LOOK_S):
            self._library.pa_threaded_mainloop_lock(self._loop)
            for recording, stream in zip(self.recordings, self._streams, strict=True):
                self._read(recording, stream)
                if number % _SNAPSHOT_EVERY == 0:
                    self._look(recording, stream)
            self._library.pa_threaded_mainloop_unlock(self._loop)
            number += 1

    def _read(self, recording: Recording, stream: Any) -> None:  # noqa: ANN401
        data, size = ctypes.c_void_p(), ctypes.c_size_t()
        while self._library.pa_stream_readable_size(stream) > 0:
            assert self._library.pa_stream_peek(stream, ctypes.byref(data), ctypes.byref(size)) == 0
            if size.value == 0:
                return
            if data.value is None:
                chunk = np.zeros(size.value // _FRAME_BYTES, np.int16)
            else:
                chunk = np.frombuffer(ctypes.string_at(data.value, size.value), np.int16)
            recording.chunks.append(chunk)
            self._library.pa_stream_drop(stream)

    def _look(self, recording: Recording, stream: Any) -> None:  # noqa: ANN401
        info = self._library.pa_stream_get_timing_info(stream)
        if info:
            said = info.contents
            if not said.write_index_corrupt:
                at_s = said.seconds + said.microseconds / 1e6
                place_s = (
                    said.write_index / _FRAME_BYTES / RATE_HZ + (said.source_usec - said.sink_usec) / 1e6
                )
                if not getattr(recording, "last", None) == at_s:
                    recording.last = at_s
                    recording.begins_s.append(at_s - place_s)
                    recording.raw = getattr(recording, "raw", [])
                    recording.raw.append(
                        (said.sink_usec, said.source_usec, said.transport_usec, said.synchronized_clocks)
                    )
        operation = self._library.pa_stream_update_timing_info(stream, None, None)
        if operation:
            self._library.pa_operation_unref(operation)


class _SampleSpec(ctypes.Structure):
    _fields_ = (("format", ctypes.c_int), ("rate", ctypes.c_uint32), ("channels", ctypes.c_uint8))


class _BufferAttributes(ctypes.Structure):
    _fields_ = tuple(
        (name, ctypes.c_uint32) for name in ("maxlength", "tlength", "prebuf", "minreq", "fragsize")
    )


class _TimingInfo(ctypes.Structure):
    """pa_timing_info of pulse/def.h."""

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
        "pa_threaded_mainloop_new": (pointer, []),
        "pa_threaded_mainloop_get_api": (pointer, [pointer]),
        "pa_threaded_mainloop_start": (number, [pointer]),
        "pa_threaded_mainloop_stop": (None, [pointer]),
        "pa_threaded_mainloop_lock": (None, [pointer]),
        "pa_threaded_mainloop_unlock": (None, [pointer]),
        "pa_context_new": (pointer, [pointer, text]),
        "pa_context_connect": (number, [pointer, text, number, pointer]),
        "pa_context_get_state": (number, [pointer]),
        "pa_stream_new": (pointer, [pointer, text, pointer, pointer]),
        "pa_stream_connect_record": (number, [pointer, text, pointer, number]),
        "pa_stream_get_state": (number, [pointer]),
        "pa_stream_readable_size": (ctypes.c_size_t, [pointer]),
        "pa_stream_peek": (number, [pointer, pointer, pointer]),
        "pa_stream_drop": (number, [pointer]),
        "pa_stream_get_timing_info": (ctypes.POINTER(_TimingInfo), [pointer]),
        "pa_stream_update_timing_info": (pointer, [pointer, pointer, pointer]),
        "pa_operation_unref": (None, [pointer]),
    }
    for name, (result, arguments) in shapes.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library
