"""Tables as files: they open, they hold what was put in, and they never hold a file in memory."""

import csv
import io
import tracemalloc
from collections.abc import Iterable, Iterator
from random import Random

import openpyxl
import pytest

from loa.controller.services.spreadsheets import Cell, Row, Table, csv_file, xlsx_file

STRANGE = (
    "=1+1",
    "+84",
    "-1",
    "@x",
    "\tx",
    'a "b", c',
    "dòng\nhai",
    "<b>&",
    "Ễ Ộ ự",
    "\x00\x0b",
    "x" * 40_000,
)


def table(rows: Iterable[Row]) -> Table:
    return Table(
        name="Nhật ký: tháng 5/6",
        above=(("trên",),),
        header=("một", "hai"),
        widths=(10, 20),
        rows=rows,
        below=(("dưới",),),
    )


def sheets(content: bytes) -> dict[str, list[tuple[object, ...]]]:
    book = openpyxl.load_workbook(io.BytesIO(content))
    return {sheet.title: list(sheet.iter_rows(values_only=True)) for sheet in book.worksheets}


def test_a_workbook_holds_texts_as_they_are_and_numbers_as_numbers() -> None:
    found = sheets(b"".join(xlsx_file(table([(cell, 1.5) for cell in STRANGE]))))
    ((title, rows),) = found.items()
    assert title == "Nhật ký  tháng 5 6"
    assert rows[0] == ("trên", None)
    assert rows[1] == ("một", "hai")
    texts: list[object] = [row[0] for row in rows[2:-1]]
    assert texts == [*STRANGE[:-2], "", "x" * 32_767]
    assert {row[1] for row in rows[2:-1]} == {1.5}
    assert rows[-1] == ("dưới", None)


@pytest.mark.parametrize(("count", "sizes"), [(0, [0]), (2, [2]), (3, [3, 0]), (4, [3, 1]), (7, [3, 3, 1])])
def test_more_rows_than_a_sheet_has_go_on_in_the_next(count: int, sizes: list[int]) -> None:
    rows = [(f"hàng {number}", number) for number in range(count)]
    found = sheets(b"".join(xlsx_file(table(rows), rows_of_a_sheet=3)))
    taken = [[row for row in sheet if str(row[0]).startswith("hàng")] for sheet in found.values()]
    assert [len(sheet) for sheet in taken] == sizes
    assert [row[1] for sheet in taken for row in sheet] == list(range(count))
    assert all(("một", "hai") in sheet for sheet in found.values())


def test_no_cell_of_a_csv_begins_a_formula() -> None:
    content = b"".join(csv_file(table([(cell, 2) for cell in STRANGE]))).decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(content, newline="")))
    assert rows[0] == ["một", "hai"]
    assert [row[0] for row in rows[1:6]] == [f"'{cell}" for cell in STRANGE[:5]]
    assert [row[0] for row in rows[6:9]] == ['a "b", c', "dòng\nhai", "<b>&"]


@pytest.mark.parametrize("make", [csv_file, xlsx_file])
def test_memory_stays_the_same_however_long_the_table(make: object) -> None:
    assert callable(make)

    def rows() -> Iterator[tuple[Cell, ...]]:
        dice = Random(1)
        for number in range(100_000):
            yield f"Thu phí {dice.getrandbits(128):x}", number

    size = 0
    tracemalloc.start()
    for chunk in make(table(rows())):
        size += len(chunk)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert size > 1_600_000
    assert peak < 800_000


def test_the_first_bytes_leave_before_the_last_row_is_made() -> None:
    made = 0

    def rows() -> Iterator[tuple[Cell, ...]]:
        nonlocal made
        for made in range(10_000):
            yield "a", made

    first = next(chunk for chunk in csv_file(table(rows())) if chunk)
    assert first
    assert made < 1_000
