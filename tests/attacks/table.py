"""What a run prints: what was tried, what sounded, what was shown, and the verdict."""

from collections.abc import Sequence

from tests.attacks.suite import Result, Row

_HEAD = ("case", "tried", "sounded", "shown")


def page(result: Result) -> str:
    """Everything but the verdict."""
    lines = _aligned([_HEAD, *map(_cells, result.rows)])
    lines += [f"amiss at {row.case.name}: {row.fault}" for row in result.rows if row.fault]
    lines += [f"something else sounded: {one}" for one in result.unknown]
    return "\n".join(lines)


def broken_page(result: Result) -> str:
    """What sounded, or what else was harmed, where the checks were out."""
    rows = [(row.case.name, row.sounded or row.fault or "nothing") for row in result.rows]
    return "\n".join(_aligned([("case", "broken it sounded at"), *rows]))


def verdict(result: Result) -> str:
    """The last line."""
    return f"{len(result.rows)} tried, {result.sounded} sounded"


def _cells(row: Row) -> tuple[str, ...]:
    return row.case.name, row.case.tried, row.sounded or "nothing", row.shown or "-"


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
    return [
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]])
        for row in rows
    ]
