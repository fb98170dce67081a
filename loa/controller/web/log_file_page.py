"""The log as a file: the page that asks which, the files, and the same two for programs."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel, Field
from starlette.datastructures import QueryParams
from starlette.responses import StreamingResponse

from loa.controller.services.spreadsheets import csv_file, xlsx_file
from loa.controller.store.tables import LogRow
from loa.controller.web.bodies import Bodies
from loa.controller.web.console import Console, Visit, page_route
from loa.controller.web.localtime import megabytes, today
from loa.controller.web.log_choice import (
    Chosen,
    area_of,
    chosen_of,
    day_span,
    filter_of,
    other_words,
    place_words,
)
from loa.controller.web.log_lines import Reader
from loa.controller.web.log_page import zone_of
from loa.controller.web.log_pdf import MOST_LINES, pdf_file
from loa.controller.web.log_sheet import Approvers, Office, Sheet, table_of
from loa.controller.web.render import HEADERS
from loa.controller.web.words import _, lazy, ngettext
from loa.protocol.ids import AreaId

FORMATS: Mapping[str, str] = {
    "xlsx": lazy("Excel (XLSX)"),
    "csv": lazy("CSV"),
    "pdf": lazy("PDF có quốc hiệu"),
}
TYPES = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "csv": "text/csv; charset=utf-8",
    "pdf": "application/pdf",
}
LINE_BYTES = {"xlsx": 60, "csv": 340, "pdf": 160}
"""Of a file, as measured; to tell beforehand how large it will be."""


class FileQuery(BaseModel):
    """Which lines, by the names of the console's own addresses; what is left out does not restrict."""

    day: Annotated[str, Field(description="`today`, `yesterday` or `week`; empty for all")] = ""
    since: Annotated[str, Field(alias="from", description="first local day, `2026-06-11`")] = ""
    until: Annotated[str, Field(alias="to", description="last local day")] = ""
    area: Annotated[str, Field(max_length=64)] = ""
    node: Annotated[str, Field(max_length=64)] = ""
    field: Annotated[str, Field(max_length=64)] = ""
    class_: Annotated[str, Field(alias="class", max_length=32)] = ""
    outcome: Annotated[str, Field(max_length=32, description="or `not_rendered`, `not_heard`")] = ""
    title: Annotated[str, Field(max_length=100, description="words of the title, with or without marks")] = ""
    order: Annotated[str, Field(description="`oldest` for the oldest first")] = ""
    hide: Annotated[bool, Field(description="personal names become offices")] = False


def router(console: Console, _bodies: Bodies) -> APIRouter:
    """Pages, and the routes of the API beside them, whose refusals are problems."""
    routes = APIRouter(route_class=page_route(console))

    @routes.get("/log/export", include_in_schema=False)
    def choose(request: Request) -> Response:
        return _show(console, console.visit(request), chosen_of(request.query_params))

    @routes.get("/log/export/file", include_in_schema=False)
    def file(request: Request) -> Response:
        query = request.query_params
        visit, chosen, kind = console.visit(request), chosen_of(query), query.get("format", "")
        if kind not in FORMATS:
            return _show(console, visit, chosen, error=_("Chọn dạng tệp"))
        export = _Export(console, visit, chosen, hide=query.get("hide") == "1")
        if kind == "pdf" and export.is_too_long:
            return _show(console, visit, chosen, kind="pdf", error=_too_long())
        return export.answer(kind)

    def log_csv(request: Request, query: Annotated[FileQuery, Query()]) -> Response:
        """Lines of the areas whose log the person may read, with reasons in words and local times."""
        return _for_programs(console, request, query).answer("csv")

    def log_xlsx(request: Request, query: Annotated[FileQuery, Query()]) -> Response:
        """As `log.csv`, as a workbook with the office's heading."""
        return _for_programs(console, request, query).answer("xlsx")

    for path, endpoint in (("/api/v1/log.csv", log_csv), ("/api/v1/log.xlsx", log_xlsx)):
        routes.add_api_route(
            path,
            endpoint,
            tags=["log"],
            response_class=StreamingResponse,
            responses=_ANSWERS,
            route_class_override=APIRoute,
        )
    return routes


@dataclass
class _Export:
    """One file for one person."""

    console: Console
    visit: Visit
    chosen: Chosen
    hide: bool

    def __post_init__(self) -> None:
        tz = zone_of(self.visit)
        now = self.console.controller.clock.now()
        self._reader = Reader(now=now, tz=tz)
        self._day = today(now, tz)
        wanted = filter_of(self.chosen, self._day, tz)
        batches = self.console.controller.log.batches(self.visit.person, wanted, area=area_of(self.chosen))
        self._first = next(batches)  # what is refused must be so before the file begins
        self._later = batches

    @property
    def is_too_long(self) -> bool:
        """For a paper; reads no more lines than a paper may have."""
        if len(self._first) < MOST_LINES:
            return False
        return bool(next(self._later, []))

    def answer(self, kind: str) -> Response:
        """The file."""
        name = f"nhat-ky-phat-{self._day:%Y-%m-%d}.{kind}"
        headers = dict(HEADERS) | {"content-disposition": f'attachment; filename="{name}"'}
        if kind == "pdf":
            sheet = self._sheet()
            content = pdf_file(self._office(), self._subject(), sheet.rows([self._first]))
            return Response(content, headers=headers, media_type=TYPES[kind])
        return StreamingResponse(self._stream(kind), headers=headers, media_type=TYPES[kind])

    def _stream(self, kind: str) -> Iterator[bytes]:
        batches: Iterable[list[LogRow]] = chain([self._first], self._later)
        self._first = []
        table = table_of(self._office(), self._subject(), self._sheet().rows(batches))
        return csv_file(table) if kind == "csv" else xlsx_file(table)

    def _sheet(self) -> Sheet:
        return Sheet(self._reader, self.visit, Approvers(self.console, self.visit, hide=self.hide))

    def _office(self) -> Office:
        area, places = AreaId(self.chosen.area), self.visit.places
        home = area if area in places else next(iter(places.roots), None)
        place = places.name(home) if home else places.home_name
        name = place_words(Chosen(area=self.chosen.area), places)
        return Office(name, place, self._day)

    def _subject(self) -> str:
        return subject_of(self.chosen, self.visit)


def subject_of(chosen: Chosen, visit: Visit) -> str:
    """What the file holds, in a sentence's middle."""
    words = [place_words(chosen, visit.places), day_span(chosen), *other_words(chosen)]
    return " · ".join(words)


def _for_programs(console: Console, request: Request, query: FileQuery) -> _Export:
    given = query.model_dump(by_alias=True, exclude={"hide"})
    return _Export(console, console.visit(request), chosen_of(QueryParams(given)), hide=query.hide)


def _too_long() -> str:
    return _(
        "PDF có nhiều nhất %(most)s dòng, bộ lọc này có nhiều hơn. Chọn ít ngày hơn, hoặc tải Excel.",
        most=f"{MOST_LINES:,}".replace(",", "."),
    )


def _show(console: Console, visit: Visit, chosen: Chosen, *, kind: str = "xlsx", error: str = "") -> Response:
    tz = zone_of(visit)
    wanted = filter_of(chosen, today(console.controller.clock.now(), tz), tz)
    with console.controller.db.look() as session:
        page = console.controller.log.page(
            session, visit.person, wanted, area=area_of(chosen), cursor=None, limit=1
        )
    context = {
        "heading": _heading(page.total),
        "size": "" if page.total is None else megabytes(page.total * LINE_BYTES[kind] + 6_000),
        "is_empty": page.total == 0,
        "subject": subject_of(chosen, visit),
        "formats": list(FORMATS.items()),
        "kind": kind,
        "chosen": chosen,
        "errors": {"format": error} if error else {},
        "back_url": chosen.url(),
    }
    return console.show("log_export.html", visit, context, here="log", status=422 if error else 200)


def _heading(total: int | None) -> str:
    if total is None:
        return _("Xuất nhật ký phát")
    return ngettext("Xuất %(num)s dòng", "Xuất %(num)s dòng", total)


_PROBLEM = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"description": "The file, as it is made", "content": {"application/octet-stream": {}}},
    401: {"description": "Nobody is signed in", "content": _PROBLEM},
    404: {"description": "No such area", "content": _PROBLEM},
    422: {"description": "A filter is malformed", "content": _PROBLEM},
}
