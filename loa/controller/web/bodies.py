"""Forms as they arrive: limited, parsed before the endpoint runs, and put away after it."""

from collections.abc import AsyncIterator

from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request

from loa.controller.errors import Invalid, TooLarge

MOST_FIELDS = 6_000
"""An area tree of a province is one field an area."""
PART_BYTES = 1_000_000
"""A text of 200,000 letters, each up to three bytes, and room."""
FORM_BYTES = 2_000_000


class Bodies:
    """Reads forms up to the limit of an upload."""

    def __init__(self, *, upload_bytes: int) -> None:
        self._upload_bytes = upload_bytes

    async def form(self, request: Request) -> AsyncIterator[FormData]:
        """A form, with a file in it if need be; a dependency of endpoints. Raises `TooLarge`."""
        declared = int(request.headers.get("content-length", "") or "-1")
        if declared < 0:
            raise Invalid("length_required", "send the form with its Content-Length, as browsers do")
        limit = self._upload_bytes + FORM_BYTES
        if declared > limit:
            raise TooLarge("too_large", f"the form has {declared} bytes, the limit is {limit}")
        async with request.form(max_files=1, max_fields=MOST_FIELDS, max_part_size=PART_BYTES) as form:
            yield form


def text_of(form: FormData, name: str) -> str:
    """The field's text, without the blanks around it; empty if it is not there."""
    value = form.get(name)
    return value.strip() if isinstance(value, str) else ""


def texts_of(form: FormData, name: str) -> tuple[str, ...]:
    """All texts of a field that may come several times."""
    return tuple(value.strip() for value in form.getlist(name) if isinstance(value, str))


def file_of(form: FormData, name: str) -> UploadFile | None:
    """The file, if the person chose one."""
    value = form.get(name)
    return value if isinstance(value, UploadFile) and value.filename else None
