import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from loa.node_agent.adapters.update_files import sync_folder
from loa.node_agent.errors import InstallError, NoVersionError
from loa.protocol.release import Manifest

_INSTALL_S = 900
_CHECK_S = 120
_MOST_WORDS = 400


class VenvVersions:
    """`Versions` as environments `<root>/versions/<version>`, with the links `current` and `steady`.

    The programs in an environment name its own interpreter, not a link: what an agent imports late is of its
    own version, though `current` leads elsewhere by then.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._folder = root / "versions"

    def current(self) -> str:
        """See `Versions.current`."""
        try:
            return (self._root / "current").readlink().name
        except OSError as error:
            raise NoVersionError(str(self._root / "current"), str(error)) from error

    def point(self, *, current: str | None, steady: str) -> None:
        """See `Versions.point`."""
        if current is not None:
            self._link("current", current)
        self._link("steady", steady)

    def install(self, manifest: Manifest, wheels: Path) -> None:
        """See `Versions.install`. From the wheels alone, each held to its digest; then it looks at itself."""
        venv = self._folder / manifest.version
        shutil.rmtree(venv, ignore_errors=True)
        _run([sys.executable, "-m", "venv", str(venv)], _INSTALL_S)
        listed = wheels / "requirements.txt"
        listed.write_text(_requirements(manifest))
        pip = [str(venv / "bin" / "python"), "-m", "pip", "--isolated", "--disable-pip-version-check"]
        offline = ["--quiet", "--no-index", "--no-deps", "--no-cache-dir", "--require-hashes"]
        from_here = ["--find-links", str(wheels), "-r", str(listed)]
        _run([*pip, "install", *offline, *from_here], _INSTALL_S)
        found = _run([str(venv / "bin" / "loa-node"), "check-release"], _CHECK_S)
        if found.split()[:1] != [manifest.version]:
            raise InstallError(f"the bundle says version {manifest.version}, it holds {found.strip()[:100]}")
        os.sync()

    def keep_only(self, versions: Iterable[str]) -> None:
        """See `Versions.keep_only`."""
        kept = set(versions)
        for path in self._folder.iterdir():
            if path.name not in kept:
                shutil.rmtree(path, ignore_errors=True)

    def free_bytes(self) -> int:
        """See `Versions.free_bytes`."""
        return shutil.disk_usage(self._root).free

    def _link(self, name: str, version: str) -> None:
        link, target = self._root / name, Path("versions") / version
        if link.is_symlink() and link.readlink() == target:
            return
        part = link.with_name(f".{name}.part")
        part.unlink(missing_ok=True)
        part.symlink_to(target)
        part.replace(link)
        sync_folder(self._root)


def _requirements(manifest: Manifest) -> str:
    """One line a distribution, with the digests of all its wheels: pip takes the one that fits."""
    lines: dict[str, str] = {}
    for wheel in manifest.wheels:
        line = lines.get(wheel.distribution, f"{wheel.distribution}=={wheel.version}")
        lines[wheel.distribution] = f"{line} --hash=sha256:{wheel.sha256}"
    return "\n".join(lines.values()) + "\n"


def _run(command: Sequence[str], within_s: int) -> str:
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=within_s, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise InstallError(str(error)[:_MOST_WORDS]) from error
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip())[-_MOST_WORDS:]
        raise InstallError(f"{Path(command[0]).name} ended with {done.returncode}: {said}")
    return done.stdout
