"""A multipart upload, written to its place while it comes in: nothing of it is kept in memory."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.concurrency import run_in_threadpool

from loa.controller.errors import Invalid

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

MOST_FIELD_BYTES = 1_024
MOST_PARTS = 8


class Sink(Protocol):
    """Where the file goes."""

    def write(self, content: bytes) -> None:
        """The next bytes of it."""
        ...


@dataclass(slots=True)
class _Part:
    name: str = ""
    header: bytearray = field(default_factory=bytearray)
    value: bytearray = field(default_factory=bytearray)
    disposition: bytes = b""


async def receive(request: Request, sink: Sink) -> dict[str, str]:
    """Write the part `file` to the sink and return the other fields; raises `Invalid` for another body."""
    form = _Form(sink)
    parser = MultipartParser(_boundary(request), form.callbacks())
    async for chunk in request.stream():
        await run_in_threadpool(_feed, parser, chunk)
    await run_in_threadpool(_end, parser)
    if not form.has_file:
        raise Invalid("file_missing", "send the sound as the part `file` of a multipart/form-data body")
    return form.fields


def _feed(parser: MultipartParser, chunk: bytes) -> None:
    try:
        parser.write(chunk)
    except FormParserError as error:
        raise Invalid("bad_form", f"the body is no multipart/form-data: {error}") from error


def _end(parser: MultipartParser) -> None:
    try:
        parser.finalize()
    except FormParserError as error:
        raise Invalid("bad_form", f"the body is no multipart/form-data: {error}") from error


def _boundary(request: Request) -> bytes:
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    if kind != b"multipart/form-data" or b"boundary" not in options:
        raise Invalid("bad_form", "send the sound as multipart/form-data")
    return options[b"boundary"]


class _Form:
    """What the parser calls."""

    def __init__(self, sink: Sink) -> None:
        self.fields: dict[str, str] = {}
        self.has_file = False
        self._sink = sink
        self._part = _Part()
        self._parts = 0

    def callbacks(self) -> "MultipartCallbacks":
        """By the names that the parser knows."""
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._header_field,
            "on_header_value": self._header_value,
            "on_header_end": self._header_end,
            "on_headers_finished": self._headers_finished,
            "on_part_data": self._data,
            "on_part_end": self._end,
        }

    def _begin(self) -> None:
        self._parts += 1
        if self._parts > MOST_PARTS:
            raise Invalid("bad_form", f"the form has more than {MOST_PARTS} parts")
        self._part = _Part()

    def _header_field(self, content: bytes, start: int, end: int) -> None:
        self._part.header += content[start:end].lower()

    def _header_value(self, content: bytes, start: int, end: int) -> None:
        self._part.value += content[start:end]

    def _header_end(self) -> None:
        if self._part.header == b"content-disposition":
            self._part.disposition = bytes(self._part.value)
        self._part.header.clear()
        self._part.value.clear()

    def _headers_finished(self) -> None:
        options = parse_options_header(self._part.disposition)[1]
        self._part.name = options.get(b"name", b"").decode(errors="replace")
        if self._part.name == "file":
            if self.has_file:
                raise Invalid("bad_form", "send one file at a time")
            self.has_file = True

    def _data(self, content: bytes, start: int, end: int) -> None:
        if self._part.name == "file":
            self._sink.write(content[start:end])
            return
        self._part.value += content[start:end]
        if len(self._part.value) > MOST_FIELD_BYTES:
            raise Invalid("bad_form", f"the field {self._part.name!r} is too long")

    def _end(self) -> None:
        if self._part.name != "file":
            self.fields[self._part.name] = self._part.value.decode(errors="replace")
