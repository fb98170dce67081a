"""A node's machine as it is installed: versions beside each other, an agent, and one who plays systemd."""

import shutil
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from loa.controller.bundles import build_release
from loa.node_agent.adapters.clock import SystemTime
from loa.node_agent.adapters.update_files import FileDesk
from loa.node_agent.adapters.versions import VenvVersions
from loa.node_agent.core.ledger import Ledger, Phase
from loa.node_agent.update_service import Updater, unpack
from loa.node_agent.updater import boot_id, is_alive
from loa.protocol.bundle import read_manifest
from loa.protocol.keys import KeyRing, SigningKey
from tests.waiting import wait_for

SOURCE = Path(__file__).parents[2]
Change = Callable[[Path], None]


class HastyTime:
    """A `Clock` with the machine's own time, that can be let jump where a test would wait."""

    def __init__(self) -> None:
        self._real = SystemTime()
        self.ahead_s = 0.0

    def now(self) -> datetime:
        return self._real.now()

    def monotonic(self) -> float:
        return self._real.monotonic() + self.ahead_s


class Machine:
    """An enrolled node whose agent and updater are real; the updater runs in this process, turn by turn."""

    def __init__(self, folder: Path) -> None:
        self.root, self.data = folder / "opt", folder / "data"
        self.log = folder / "node.log"
        self.clock = HastyTime()
        self.desk = FileDesk(self.root, self.data)
        self.versions = VenvVersions(self.root)
        self._sink = folder / "heard.wav"
        self._updater: Updater | None = None
        self._agent: subprocess.Popen[bytes] | None = None
        self._restarted_ns = 0

    def install_first(self, bundle: Path, key: SigningKey, folder: Path) -> None:
        """As the installer does."""
        ring = KeyRing([key.public])
        self.root.mkdir(parents=True)
        wheels = folder / "first"
        wheels.mkdir()
        with bundle.open("rb") as file:
            manifest = read_manifest(file, ring)
        unpack(bundle, ring, wheels, manifest)
        self.versions.install(manifest, wheels)
        self.versions.point(current=manifest.version, steady=manifest.version)

    def enrol(self, base_url: str, code: str) -> None:
        program = self.root / "current" / "bin" / "loa-node"
        command = [str(program), "enrol", base_url, code, "--data", str(self.data)]
        subprocess.run(command, check=True, capture_output=True, timeout=120)

    def ledger(self) -> Ledger:
        found = self.desk.ledger()
        assert found is not None
        return found

    def runs(self) -> str:
        return self.versions.current()

    def is_on_trial(self, version: str) -> bool:
        """The new version was started and has said so."""
        word = self.desk.word()
        return self.ledger().phase is Phase.TRIAL and word is not None and word.version == version

    def tend(self) -> None:
        """What systemd does: start what ended, restart what is to be restarted, run the updater."""
        if self._agent is not None and self._agent.poll() is not None:
            self._agent = None
        request = self.root / "update" / "restart"
        asked_ns = request.stat().st_mtime_ns if request.exists() else 0
        if asked_ns != self._restarted_ns:
            self._restarted_ns = asked_ns
            self.stop()
        if self._agent is None:
            self._start()
        self._updater = self._updater or self._make_updater()
        self._updater.turn()

    def forget_updater(self) -> None:
        """As when its process ends and begins anew: it knows what is on its disk."""
        self._updater = None

    def tends_until(self, look: Callable[[], bool], *, what: str, within_s: float = 120) -> None:
        def tended() -> bool:
            self.tend()
            return look()

        wait_for(tended, what=f"{what}, see {self.log}", within_s=within_s)

    def stop(self) -> None:
        if self._agent is not None:
            self._agent.kill()
            self._agent.wait(10)
            self._agent = None

    def _start(self) -> None:
        program = self.root / "current" / "bin" / "loa-node"
        command = [str(program), "run", "--data", str(self.data), "--sink", f"wav:{self._sink}"]
        with self.log.open("ab") as log:
            self._agent = subprocess.Popen(
                command,
                stdout=log,
                stderr=log,
                env={"PATH": "/usr/bin:/bin", "LOA_NODE_VERSIONS": str(self.root)},
            )

    def _make_updater(self) -> Updater:
        return Updater(
            desk=self.desk, versions=self.versions, clock=self.clock, boot_id=boot_id(), is_alive=is_alive
        )


def build_wheels(folder: Path, version: str, change: Change | None = None) -> Path:
    """A wheel of the present source under another version, and one that leads to our own libraries."""
    source, wheels = folder / f"source-{version}", folder / f"wheels-{version}"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(SOURCE / "loa", source / "loa", ignore=ignored)
    for name in ("README.md", "LICENSE"):
        shutil.copy(SOURCE / name, source / name)
    text = (SOURCE / "pyproject.toml").read_text()
    lines = [
        f'version = "{version}"' if line.startswith("version = ") else line for line in text.splitlines()
    ]
    (source / "pyproject.toml").write_text("\n".join(lines))
    if change is not None:
        change(source)
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(wheels)]
    subprocess.run(build, cwd=source, check=True, capture_output=True, timeout=120)
    _environment_wheel(wheels)
    return wheels


def build_bundle(folder: Path, version: str, key_file: Path, change: Change | None = None) -> Path:
    out = folder / f"loa-{version}.bundle"
    wheels = build_wheels(folder, version, change)
    now = SystemTime().now()
    build_release(wheels, key_file, out, now=now, min_agent="0.0.0", urgent_after_ms=None)
    return out


def make_mute(source: Path) -> None:
    """The agent runs and listens, and nothing that it says goes out."""
    telling = source / "loa" / "node_agent" / "telling.py"
    text = telling.read_text()
    said = "        self._courier.send(str(topic), payload, retain=topic.row.retained)\n"
    assert text.count(said) == 1
    telling.write_text(text.replace(said, "        del topic, payload\n"))


def _environment_wheel(folder: Path) -> None:
    """There is no index here: the libraries of the tests stand in for those that a real bundle holds."""
    name, libraries = "loa_test_environment-1", sysconfig.get_path("purelib")
    info = f"{name}.dist-info"
    files = {
        "loa_test_environment.pth": f"{libraries}\n",
        f"{info}/METADATA": "Metadata-Version: 2.1\nName: loa-test-environment\nVersion: 1\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{path},,\n" for path in (*files, f"{info}/RECORD"))
    with zipfile.ZipFile(folder / f"{name}-py3-none-any.whl", "w") as wheel:
        for path, content in {**files, f"{info}/RECORD": record}.items():
            wheel.writestr(path, content)
