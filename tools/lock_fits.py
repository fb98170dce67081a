"""Ends with 1 when a lock file does not fit pyproject.toml, or they each other; needs no network."""

import re
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

PIN = re.compile(r"^(?P<name>[a-z0-9._-]+)(?:\[[^]]*])?==(?P<version>[^ ;]+)", re.IGNORECASE)


def main() -> int:
    """Print each misfit on a line of its own."""
    root = Path(__file__).parent.parent
    pyproject = tomllib.loads((root / "pyproject.toml").read_text())
    whole = entries((root / "requirements.lock").read_text())
    nodes = entries((root / "requirements-node.lock").read_text())
    extras = pyproject["project"]["optional-dependencies"]
    misfits = [
        *judge(requirements(pyproject, extras), whole),
        *judge(requirements(pyproject, ["node", "gpio"]), nodes),
    ]
    misfits += [f"{name}: nodes have another than the rest" for name in differing(nodes, whole)]
    print("\n".join(misfits), end="\n" if misfits else "", file=sys.stderr)
    if misfits:
        print("the lock files do not fit pyproject.toml: run `make lock`, commit all", file=sys.stderr)
    return bool(misfits)


def requirements(pyproject: dict[str, dict[str, object]], extras: Iterable[str]) -> list[Requirement]:
    """Every direct requirement, these extras included; one name may stand in several extras."""
    project = pyproject["project"]
    lines: list[str] = [*project["dependencies"]]  # type: ignore[misc]  # TOML is untyped
    for extra in extras:
        lines.extend(project["optional-dependencies"][extra])  # type: ignore[index]  # as above
    return [Requirement(line) for line in lines]


def differing(nodes: dict[str, tuple[str, str]], whole: dict[str, tuple[str, str]]) -> list[str]:
    """The names of which a node would get another version than the one that was tested."""
    return sorted(name for name, (version, _) in nodes.items() if whole.get(name, ("", ""))[0] != version)


def entries(lock: str) -> dict[str, tuple[str, str]]:
    """Each pinned name with its versions and all the lines that belong to it."""
    found: dict[str, tuple[str, str]] = {}
    for entry in re.split(r"\n(?=\S)", lock):
        if pin := PIN.match(entry):
            found[canonicalize_name(pin["name"])] = (pin["version"], entry)
    return found


def judge(wanted: list[Requirement], pinned: dict[str, tuple[str, str]]) -> list[str]:
    """What is absent, too old or new, without a hash, or pinned without being wanted."""
    names = {canonicalize_name(requirement.name) for requirement in wanted}
    absent = [f"{name}: not in the lock file" for name in sorted(names - pinned.keys())]
    outside = [
        f"{requirement}: the lock file has {pinned[name][0]}"
        for requirement in wanted
        if (name := canonicalize_name(requirement.name)) in pinned
        and Version(pinned[name][0]) not in requirement.specifier
    ]
    unhashed = [
        f"{name}: has no hash" for name, (_, entry) in pinned.items() if "--hash=sha256:" not in entry
    ]
    unwanted = [
        f"{name}: no longer asked for by pyproject.toml"
        for name, (_, entry) in pinned.items()
        if re.search(r"loa \(pyproject\.toml\)", entry) and name not in names
    ]
    return absent + outside + unhashed + unwanted


if __name__ == "__main__":
    sys.exit(main())
