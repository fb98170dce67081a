"""The house rules that no linter knows: how long functions and modules are, and what happens at import."""

import ast
import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PRODUCT = sorted((ROOT / "loa").rglob("*.py"))
EVERYTHING = sorted(
    path for folder in ("loa", "tests", "bench", "tools") for path in (ROOT / folder).rglob("*.py")
)

MEDIAN_LINES = 10
MOST_LINES = 30
MOST_SHARE = 0.9
FUNCTION_LINES = 50
MODULE_LINES = 500


@dataclass(frozen=True, slots=True)
class Function:
    where: str
    lines: int


def functions(path: Path) -> Iterator[Function]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            where = f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
            yield Function(where, node.end_lineno - node.lineno + 1)


def lengths(paths: list[Path]) -> list[int]:
    return [function.lines for path in paths for function in functions(path)]


def test_no_function_is_longer_than_a_screen() -> None:
    long = [
        f"{f.where}: {f.lines} lines"
        for path in EVERYTHING
        for f in functions(path)
        if f.lines > FUNCTION_LINES
    ]
    assert not long, "\n".join(long)


@pytest.mark.parametrize("folder", ["loa", "tests"])
def test_functions_are_short(folder: str) -> None:
    found = lengths(sorted((ROOT / folder).rglob("*.py")))
    assert statistics.median(found) <= MEDIAN_LINES
    assert sum(lines < MOST_LINES for lines in found) >= MOST_SHARE * len(found)


def test_modules_are_short() -> None:
    counted = ((path, len(path.read_text().splitlines())) for path in EVERYTHING)
    long = [f"{path.relative_to(ROOT)}: {lines} lines" for path, lines in counted if lines > MODULE_LINES]
    assert not long, "\n".join(long)


def test_init_files_are_empty() -> None:
    assert not [str(path) for path in EVERYTHING if path.name == "__init__.py" and path.read_text()]


def test_every_package_of_the_product_has_an_init_file() -> None:
    folders = {path.parent for path in PRODUCT}
    assert not [str(folder) for folder in folders if not (folder / "__init__.py").exists()]


def test_nothing_is_called_for_its_effect_at_import() -> None:
    """A bare call at the top of a module is I/O, registration or a hidden singleton; `main` alone acts."""
    acting = [
        f"{path.relative_to(ROOT)}:{statement.lineno}"
        for path in PRODUCT
        for statement in ast.parse(path.read_text()).body
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call | ast.Await)
    ]
    assert not acting, "\n".join(acting)


def test_tests_mirror_the_packages() -> None:
    """A folder of tests without a package of that name is one of the few kinds that need a whole system."""
    packages = {path.name for path in (ROOT / "loa").iterdir() if (path / "__init__.py").exists()}
    kinds = {"contract", "fakes", "flow", "field", "attacks", "browser", "fuzz"}
    folders = {path.name for path in (ROOT / "tests").iterdir() if path.is_dir() and any(path.glob("*.py"))}
    assert folders <= packages | kinds
    assert packages <= {path.parent.name for path in (ROOT / "tests").rglob("test_*.py")}
