"""The report of a month: what sounded, what nobody can know, what did not, and who was late."""

import re
from datetime import date
from typing import Any

from fastapi import APIRouter, Request, Response
from starlette.responses import StreamingResponse

from loa.controller.core.tree import AreaKind
from loa.controller.services.log_reports import MonthReport
from loa.controller.services.spreadsheets import Row, csv_file
from loa.controller.services.spreadsheets import Table as FileTable
from loa.controller.web import report_view as view
from loa.controller.web.bodies import Bodies
from loa.controller.web.catalogue import CLASSES, FIELDS
from loa.controller.web.console import Console, Visit, page_route
from loa.controller.web.localtime import today
from loa.controller.web.log_page import zone_of
from loa.controller.web.places import capital
from loa.controller.web.render import HEADERS
from loa.controller.web.words import _
from loa.protocol.ids import AreaId

MONTHS = 13
"""Months to choose from: this one and a year back."""
_MONTH = re.compile(r"(20\d\d)-(0[1-9]|1[0-2])")


def router(console: Console, _bodies: Bodies) -> APIRouter:
    """The report and its figures as a file."""
    routes = APIRouter(route_class=page_route(console), include_in_schema=False)

    @routes.get("/reports")
    def report(request: Request) -> Response:
        visit = console.visit(request)
        first, area = _asked(console, visit, request)
        return console.show("reports.html", visit, _context(console, visit, first, area), here="reports")

    @routes.get("/reports/file.csv")
    def file(request: Request) -> Response:
        visit = console.visit(request)
        first, area = _asked(console, visit, request)
        found = _find(console, visit, first, area)
        headers = dict(HEADERS) | {"content-disposition": f'attachment; filename="bao-cao-{first:%Y-%m}.csv"'}
        content = csv_file(_file(first, found, visit))
        return StreamingResponse(content, headers=headers, media_type="text/csv; charset=utf-8")

    return routes


def _asked(console: Console, visit: Visit, request: Request) -> tuple[date, AreaId | None]:
    """The month of the address, else the one that is running; the area, if one is named."""
    found = _MONTH.fullmatch(request.query_params.get("month", ""))
    day = today(console.controller.clock.now(), zone_of(visit))
    first = date(int(found[1]), int(found[2]), 1) if found else day.replace(day=1)
    area = request.query_params.get("area", "")
    return first, AreaId(area) if area else None


def _find(console: Console, visit: Visit, first: date, area: AreaId | None) -> MonthReport:
    with console.controller.db.look() as session:
        return console.controller.log_reports.month(session, visit.person, first, area=area)


def _context(console: Console, visit: Visit, first: date, area: AreaId | None) -> dict[str, Any]:
    report = _find(console, visit, first, area)
    month, places = report.month, visit.places
    late_title, late_bars = view.punctuality(month)
    query = f"month={first:%Y-%m}" + (f"&area={area}" if area else "")
    return {
        "heading": view.heading(first, month),
        "findings": view.findings(first, month),
        "place": capital(places.title(area)) if area and area in places else places.home_name,
        "month": f"{first:%Y-%m}",
        "months": _months(today(console.controller.clock.now(), zone_of(visit)), first),
        "area": area or "",
        "areas": [
            (id_, name) for id_, name in places.options() if places.tree.place(id_).kind is not AreaKind.NODE
        ],
        "bars": view.day_bars(first, report),
        "chart_width": report.days * view.STEP,
        "day_table": view.day_table(first, report),
        "totals": view.totals(month),
        "fields": view.minutes(month.field_ms, dict(FIELDS)),
        "classes": view.minutes(month.class_ms, dict(CLASSES)),
        "late_title": late_title,
        "late_bars": late_bars,
        "nodes": view.node_rows(month.nodes, _names(visit, report), report.days),
        "days": report.days,
        "is_empty": not month.standings,
        "csv_url": f"/reports/file.csv?{query}",
        "log_url": f"/log?day=&from={first:%Y-%m-%d}&to={first.replace(day=report.days):%Y-%m-%d}"
        + (f"&area={area}" if area else ""),
    }


def _names(visit: Visit, report: MonthReport) -> dict[str, str]:
    return {one.node: visit.places.name(AreaId(one.node)) for one in report.month.nodes}


def _months(day: date, shown: date) -> list[tuple[str, str]]:
    """The last year's, and the one that is shown, the newest first."""
    months = {shown.replace(day=1)}
    for back in range(MONTHS):
        index = day.year * 12 + day.month - 1 - back
        months.add(date(index // 12, index % 12 + 1, 1))
    return [(f"{one:%Y-%m}", f"{one.month}/{one.year}") for one in sorted(months, reverse=True)]


def _file(first: date, report: MonthReport, visit: Visit) -> FileTable:
    """All figures below each other: what they are about, which, how many."""
    month = report.month
    rows: list[Row] = []
    for table, name in ((view.totals(month), _("Kết quả")), (view.day_table(first, report), _("Ngày"))):
        for row in table.rows:
            rows += [
                (name, f"{row[0]} · {head}" if head != table.head[1] else row[0], value)
                for head, value in zip(table.head[1:], row[1:], strict=True)
            ]
    rows += [
        (_("Phút theo lĩnh vực"), one.name, one.value) for one in view.minutes(month.field_ms, dict(FIELDS))
    ]
    rows += [
        (_("Phút theo mức độ"), one.name, one.value) for one in view.minutes(month.class_ms, dict(CLASSES))
    ]
    rows += [(_("Trễ, giây"), one.name, one.value) for one in view.punctuality(month)[1]]
    names = _names(visit, report)
    rows += [(_("Cụm loa hay im"), names[one.node], one.failed) for one in month.nodes]
    return FileTable(name=_("Báo cáo"), header=(_("Mục"), _("Gồm"), _("Số")), widths=(24, 40, 12), rows=rows)
