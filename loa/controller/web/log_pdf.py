"""The log as a paper: A4 across, the office's heading, the table, the lines to sign."""

import io
from collections.abc import Iterable, Sequence
from pathlib import Path

from reportlab.lib.pagesizes import A4, landscape
from reportlab.lib.units import mm
from reportlab.lib.utils import simpleSplit
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from loa.controller.services.spreadsheets import Row
from loa.controller.web.log_sheet import MOTTO, Office
from loa.controller.web.words import _, lazy

MOST_LINES = 2_000
"""A paper that nobody reads to its end; a hundred pages."""
FONTS = Path(__file__).parent / "fonts"
PLAIN, BOLD = "loa-400", "loa-600"
SIZE, LEADING = 8.5, 11.5
WIDTH, HEIGHT = landscape(A4)
EDGE = 15 * mm
PAD = 2 * mm
COLUMNS = (
    (lazy("Thời gian"), 30 * mm),
    (lazy("Bản tin"), 60 * mm),
    (lazy("Cụm loa"), 50 * mm),
    (lazy("Bằng chứng"), 45 * mm),
    (lazy("Kết quả"), 55 * mm),
    (lazy("Người duyệt"), 27 * mm),
)


def pdf_file(office: Office, subject: str, rows: Iterable[Row]) -> bytes:
    """The paper of these rows, which are those of the other files."""
    paper = _Paper(office, subject)
    for row in rows:
        paper.add(_cells(row))
    return paper.finish()


def _cells(row: Row) -> Sequence[str]:
    """Fewer columns than a file has: a paper is narrow."""
    weekday, day, clock, title, field, class_, node, place = (str(cell) for cell in row[:8])
    rungs = [str(cell) for cell in row[9:13]]
    names = (_("lên lịch"), _("nhận"), _("phát"), _("nghe"))
    proof = " · ".join(f"{name}: {mark}" for name, mark in zip(names, rungs, strict=True))
    return (
        f"{weekday}\n{day} {clock}",
        f"{title}\n{field} · {class_}",
        f"{node}\n{place.rpartition(' / ')[2]}",
        proof,
        f"{row[13]}\n{row[14]}",
        str(row[19]),
    )


class _Paper:
    def __init__(self, office: Office, subject: str) -> None:
        _register()
        self._buffer = io.BytesIO()
        self._canvas = Canvas(self._buffer, pagesize=(WIDTH, HEIGHT), pageCompression=1)
        self._canvas.setTitle(subject)
        self._pages = 1
        self._y = self._heading(office, subject)
        self._header()

    def add(self, cells: Sequence[str]) -> None:
        """A row, on the next page if there is no room for it."""
        texts = [_lines(cell, width) for cell, (_name, width) in zip(cells, COLUMNS, strict=True)]
        height = max(len(lines) for lines in texts) * LEADING + PAD
        if self._y - height < EDGE + 2 * LEADING:
            self._turn()
        self._row(texts, PLAIN, height)

    def finish(self) -> bytes:
        """The lines to sign, and the file."""
        if self._y < EDGE + 35 * mm:
            self._turn(header=False)
        left, right, y = EDGE + 45 * mm, WIDTH - EDGE - 45 * mm, self._y - 10 * mm
        self._centred(left, y, _("NGƯỜI LẬP"), BOLD)
        self._centred(left, y - LEADING, _("(Ký, ghi rõ họ tên)"), PLAIN)
        self._centred(right, y, _("THỦ TRƯỞNG ĐƠN VỊ"), BOLD)
        self._centred(right, y - LEADING, _("(Ký, đóng dấu)"), PLAIN)
        self._number()
        self._canvas.save()
        return self._buffer.getvalue()

    def _heading(self, office: Office, subject: str) -> float:
        """The office at the left, the motto at the right; where the table begins."""
        left, right, y = EDGE + 45 * mm, WIDTH - EDGE - 55 * mm, HEIGHT - EDGE
        self._centred(left, y, office.name.upper(), BOLD, size=11)
        self._centred(left, y - 15, _("ĐÀI TRUYỀN THANH"), BOLD, size=11)
        self._centred(right, y, MOTTO[0], BOLD, size=11)
        self._centred(right, y - 15, MOTTO[1], BOLD, size=11)
        for middle, width in ((left, 30 * mm), (right, 45 * mm)):
            self._canvas.line(middle - width / 2, y - 20, middle + width / 2, y - 20)
        self._centred(right, y - 36, office.dated, PLAIN, size=10)
        self._centred(WIDTH / 2, y - 66, _("NHẬT KÝ PHÁT THANH"), BOLD, size=14)
        for line in simpleSplit(subject, PLAIN, 10, WIDTH - 2 * EDGE):
            self._centred(WIDTH / 2, y - 84, line, PLAIN, size=10)
            y -= 14
        return y - 84

    def _header(self) -> None:
        texts = [_lines(str(name), width, BOLD) for name, width in COLUMNS]
        self._row(texts, BOLD, LEADING + PAD)

    def _row(self, texts: Sequence[Sequence[str]], font: str, height: float) -> None:
        self._canvas.setFont(font, SIZE)
        x = EDGE
        for lines, (_name, width) in zip(texts, COLUMNS, strict=True):
            for number, line in enumerate(lines):
                self._canvas.drawString(x, self._y - SIZE - number * LEADING, line)
            x += width
        self._y -= height
        self._canvas.setLineWidth(0.4)
        self._canvas.line(EDGE, self._y + PAD / 2, WIDTH - EDGE, self._y + PAD / 2)

    def _turn(self, *, header: bool = True) -> None:
        self._number()
        self._canvas.showPage()
        self._pages += 1
        self._y = HEIGHT - EDGE
        if header:
            self._header()

    def _number(self) -> None:
        self._centred(WIDTH / 2, EDGE / 2, _("Trang %(number)s", number=self._pages), PLAIN)

    def _centred(self, x: float, y: float, text: str, font: str, *, size: float = SIZE) -> None:
        self._canvas.setFont(font, size)
        self._canvas.drawCentredString(x, y, text)


def _lines(text: str, width: float, font: str = PLAIN) -> list[str]:
    return [line for part in text.split("\n") for line in simpleSplit(part, font, SIZE, width - PAD)]


def _register() -> None:
    """Once a process; the fonts' letters that are used are embedded."""
    known = pdfmetrics.getRegisteredFontNames()
    for name, file in ((PLAIN, "be-vietnam-pro-400.ttf"), (BOLD, "be-vietnam-pro-600.ttf")):
        if name not in known:
            pdfmetrics.registerFont(TTFont(name, str(FONTS / file)))
