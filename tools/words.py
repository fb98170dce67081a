"""Ends with 1 when a tracked file holds words that do not belong in a clean tree."""

import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Rule:
    """A pattern that may not stand in files whose names match, and why."""

    pattern: str
    why: str
    files: str = r""
    spared: str = r"^tools/words\.py$"


RULES = (
    Rule(r"\b(TODO|FIXME|XXX)\b", "do it now, or leave it out"),
    Rule(r"^(<{7}|>{7}) ", "a merge was left half done"),
    Rule(r"# noqa(?!: [A-Z0-9, ]+\S* +(#|-|—) ?\S)", "name the rule and the reason", r"\.py$"),
    Rule(r"# type: ignore(?!\[[a-z, -]+\]  # )", "name the error and the reason", r"\.py$"),
    Rule(r"/(work|home|Users|root)/\w", "a path of one person's machine"),
    Rule(r"(?i)\b(issue|ticket) #?\d", "a reader of the code cannot open it", r"\.(py|md|sh|toml)$"),
    Rule(r"\.\./(shared|\.\.)", "a path outside this repository"),
    Rule(r"(?i)https?://(cdn|unpkg|fonts\.g)", "nothing is fetched at run time"),
    Rule(r"\bunittest\.mock\b|\bmonkeypatch\.setattr\b", "fakes, not patches", r"^tests/"),
    Rule(
        r"\bsleep\((?!0\))",
        "wait for an event: tests/waiting.py",
        r"^tests/",
        r"^tests/(waiting|field/(proxy|test_clock)|flow/simulated_days/sitecustomize)\.py$",
    ),
)


def main() -> int:
    """Print each finding as `path:line: why: text`."""
    root = Path(__file__).parent.parent
    found = [finding for path in tracked(root) for finding in judge(path, root)]
    print("\n".join(found), end="\n" if found else "", file=sys.stderr)
    return bool(found)


def tracked(root: Path) -> list[str]:
    """The files that git knows, or would take in."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        check=True,
        capture_output=True,
        text=True,
    )
    own = {"LICENSE", "requirements.lock", "requirements-node.lock"}
    return [
        name for name in listed.stdout.split("\0") if name and name not in own and (root / name).is_file()
    ]


def judge(name: str, root: Path) -> list[str]:
    """What the rules find in one file; binary files and vendored assets are none of ours."""
    rules = [rule for rule in RULES if re.search(rule.files, name) and not re.search(rule.spared, name)]
    try:
        lines = (root / name).read_text().splitlines()
    except UnicodeDecodeError:
        return []
    return [
        f"{name}:{number}: {rule.why}: {line.strip()[:90]}"
        for number, line in enumerate(lines, 1)
        for rule in rules
        if re.search(rule.pattern, line)
    ]


if __name__ == "__main__":
    sys.exit(main())
