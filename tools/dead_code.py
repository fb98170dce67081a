"""Ends with 1 when the folders named hold code that nothing uses. Tests do not count as use.

Vulture finds the names. What a framework calls by decorator or by name stands, with its reason, in
pyproject.toml ([tool.vulture]). Fields, imports and locals are left out: pydantic and dataclasses read fields
by reflection, and ruff knows the others.
"""

import os
import re
import sys
import tomllib
from pathlib import Path

from vulture.core import Vulture

KINDS = {"class", "function", "method", "property", "unreachable_code"}


def main(folders: list[str]) -> int:
    """Print each finding as `path:line: what`."""
    root = Path(__file__).parent.parent
    settings = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["vulture"]
    finder = Vulture(ignore_names=settings["ignore_names"], ignore_decorators=settings["ignore_decorators"])
    finder.scavenge([str(root / folder) for folder in folders], exclude=settings["exclude"])
    for template in root.glob("loa/**/*.html"):
        finder.used_names.update(spoken(template.read_text()))
    dead = [
        f"{os.path.relpath(item.filename)}:{item.first_lineno}: unused {item.typ} {item.name}"
        for item in finder.get_unused_code()
        if (item.typ in KINDS or is_constant(item.filename, item.first_lineno, item.name))
    ]
    print("\n".join(dead), end="\n" if dead else "", file=sys.stderr)
    return bool(dead)


def spoken(template: str) -> set[str]:
    """The names that a Jinja template uses, in `{{ … }}` and `{% … %}`."""
    return {
        name
        for code in re.findall(r"{[{%].*?[%}]}", template, re.DOTALL)
        for name in re.findall(r"\w+", code)
    }


def is_constant(path: Path, line: int, name: str) -> bool:
    """Whether the name is bound at the outer level of the module, in capitals."""
    return name.isupper() and Path(path).read_text().splitlines()[line - 1].startswith(name)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
