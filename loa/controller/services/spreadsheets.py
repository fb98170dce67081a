"""Tables as files, row by row: what is written leaves at once, so that memory stays the same over any length.

An XLSX is a zip of XML parts (ECMA-376). Its zip can be sent while it is made, since sizes may follow the
content; libraries write it to a file first, and let the person wait for the end of it.
"""

import csv
import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

Cell = str | int | float
Row = Sequence[Cell]
BOM = "\ufeff"
"""Tells Excel that the file is UTF-8."""
ROWS_OF_A_SHEET = 1_000_000
"""Excel ends at 1,048,576."""
_ROWS_AT_ONCE = 500
_MOST_LETTERS = 32_767
"""Of a cell of Excel."""
_RISKY = ("=", "+", "-", "@", "\t", "\r")
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table with what stands above and below it."""

    name: str
    """Of the sheet."""
    above: Sequence[Row] = ()
    header: Row
    widths: Sequence[int]
    """Of the columns, in letters."""
    rows: Iterable[Row]
    below: Sequence[Row] = ()


def csv_file(table: Table) -> Iterator[bytes]:
    """Header and rows, without what is above and below; no cell can act as a formula."""
    text = io.StringIO()
    writer = csv.writer(text)
    text.write(BOM)
    writer.writerow(table.header)
    for number, row in enumerate(table.rows, 1):
        writer.writerow([_harmless(cell) for cell in row])
        if number % _ROWS_AT_ONCE == 0:
            yield _taken(text)
    yield _taken(text)


def xlsx_file(table: Table, *, rows_of_a_sheet: int = ROWS_OF_A_SHEET) -> Iterator[bytes]:
    """A workbook; one sheet for each million rows."""
    pipe = _Pipe()
    rows = iter(table.rows)
    sheets = 0
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED, compresslevel=5) as book:
        more = True
        while more:
            sheets += 1
            with book.open(f"xl/worksheets/sheet{sheets}.xml", "w", force_zip64=True) as part:
                sheet = _Sheet(table, rows, room=rows_of_a_sheet)
                for text in sheet.parts(is_first=sheets == 1):
                    part.write(text.encode())
                    yield pipe.take()
            more = sheet.is_full
        for path, text in _frame(table.name, sheets):
            book.writestr(path, text)
    yield pipe.take()


class _Sheet:
    """Takes its rows from those that are left."""

    def __init__(self, table: Table, rows: Iterator[Row], *, room: int) -> None:
        self._table = table
        self._rows = rows
        self._room = room
        self.is_full = False
        """Rows may be left for another sheet."""

    def parts(self, *, is_first: bool) -> Iterator[str]:
        """The sheet's XML."""
        table = self._table
        above = len(table.above) if is_first else 0
        yield _HEAD + _view(above + 1) + _columns(table.widths) + "<sheetData>"
        if is_first:
            yield "".join(_xml_row(row, style=_BOLD) for row in table.above)
        yield _xml_row(table.header, style=_HEADER)
        waiting: list[str] = []
        for number in range(self._room):
            row = next(self._rows, None)
            if row is None:
                break
            waiting.append(_xml_row(row))
            if number % _ROWS_AT_ONCE == _ROWS_AT_ONCE - 1:
                yield "".join(waiting)
                waiting.clear()
        else:
            self.is_full = True
        waiting += [_xml_row(row, style=_BOLD) for row in (() if self.is_full else table.below)]
        yield "".join(waiting) + "</sheetData></worksheet>"


class _Pipe(io.RawIOBase):
    """What a zip is written to; it cannot be wound back, and forgets what was taken."""

    def __init__(self) -> None:
        self._chunks: list[bytes] = []

    def write(self, data: object) -> int:
        chunk = bytes(data)  # type: ignore[call-overload]  # whatever has bytes, as io says
        self._chunks.append(chunk)
        return len(chunk)

    def take(self) -> bytes:
        taken = b"".join(self._chunks)
        self._chunks.clear()
        return taken


def _taken(text: io.StringIO) -> bytes:
    taken = text.getvalue().encode()
    text.seek(0)
    text.truncate()
    return taken


def _harmless(cell: Cell) -> Cell:
    """Spreadsheets run what begins like a formula, even when it was typed as a title."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_RISKY) else cell


def _xml_row(row: Row, *, style: int = 0) -> str:
    return "<row>" + "".join(_xml_cell(cell, style) for cell in row) + "</row>"


def _xml_cell(cell: Cell, style: int) -> str:
    styled = f' s="{style}"' if style else ""
    if isinstance(cell, int | float):
        return f"<c{styled}><v>{cell}</v></c>"
    if not cell:
        return f"<c{styled}/>"
    text = escape(_UNPRINTABLE.sub("", cell)[:_MOST_LETTERS])
    return f'<c{styled} t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>'


def _view(rows: int) -> str:
    """The header stays in sight."""
    pane = f'<pane ySplit="{rows}" topLeftCell="A{rows + 1}" activePane="bottomLeft" state="frozen"/>'
    return f'<sheetViews><sheetView workbookViewId="0">{pane}</sheetView></sheetViews>'


def _columns(widths: Sequence[int]) -> str:
    columns = (
        f'<col min="{number}" max="{number}" width="{width}" customWidth="1"/>'
        for number, width in enumerate(widths, 1)
    )
    return "<cols>" + "".join(columns) + "</cols>"


def _frame(name: str, sheets: int) -> Iterator[tuple[str, str]]:
    """The parts of the zip that hold the sheets together."""
    numbers = range(1, sheets + 1)
    title = escape(_UNPRINTABLE.sub("", re.sub(r"[\[\]:*?/\\]", " ", name))[:24], {'"': "&quot;"})
    names = [title if sheets == 1 else f"{title} {number}" for number in numbers]
    listed = "".join(
        f'<sheet name="{one}" sheetId="{number}" r:id="r{number}"/>'
        for number, one in zip(numbers, names, strict=True)
    )
    links = "".join(
        f'<Relationship Id="r{number}" Type="{_RELATION}/worksheet" Target="worksheets/sheet{number}.xml"/>'
        for number in numbers
    )
    types = "".join(
        f'<Override PartName="/xl/worksheets/sheet{number}.xml" ContentType="{_TYPE}.worksheet+xml"/>'
        for number in numbers
    )
    styles = f'<Relationship Id="styles" Type="{_RELATION}/styles" Target="styles.xml"/>'
    yield (
        "xl/workbook.xml",
        f'{_XML}<workbook xmlns="{_MAIN}" xmlns:r="{_RELATION}"><sheets>{listed}</sheets></workbook>',
    )
    yield (
        "xl/_rels/workbook.xml.rels",
        f'{_XML}<Relationships xmlns="{_PACKAGE}">{links}{styles}</Relationships>',
    )
    yield "xl/styles.xml", _STYLES
    book = f'<Relationship Id="book" Type="{_RELATION}/officeDocument" Target="xl/workbook.xml"/>'
    yield "_rels/.rels", f'{_XML}<Relationships xmlns="{_PACKAGE}">{book}</Relationships>'
    yield "[Content_Types].xml", f'{_XML}<Types xmlns="{_TYPES}">{_DEFAULTS}{types}</Types>'


_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATION = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_TYPES = "http://schemas.openxmlformats.org/package/2006/content-types"
_DEFAULTS = (
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPE}.sheet.main+xml"/>'
    f'<Override PartName="/xl/styles.xml" ContentType="{_TYPE}.styles+xml"/>'
)
_HEAD = f'{_XML}<worksheet xmlns="{_MAIN}">'
_BOLD, _HEADER = 1, 2
_STYLES = (
    f'{_XML}<styleSheet xmlns="{_MAIN}">'
    '<fonts count="2"><font><sz val="11"/><name val="Calibri"/></font>'
    '<font><b/><sz val="11"/><name val="Calibri"/></font></fonts>'
    '<fills count="3"><fill><patternFill patternType="none"/></fill>'
    '<fill><patternFill patternType="gray125"/></fill>'
    '<fill><patternFill patternType="solid"><fgColor rgb="FFF1ECE3"/></patternFill></fill></fills>'
    '<borders count="1"><border/></borders>'
    '<cellStyleXfs count="1"><xf/></cellStyleXfs>'
    '<cellXfs count="3"><xf/><xf fontId="1" applyFont="1"/>'
    '<xf fontId="1" fillId="2" applyFont="1" applyFill="1"/></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
)
