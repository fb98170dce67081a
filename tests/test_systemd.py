"""The units are sound, hardened, and start what is installed. No running systemd is needed."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
UNITS = sorted((ROOT / "systemd").glob("*.service"))
NAMES = [unit.name for unit in UNITS]
MOST_EXPOSURE = 2.0


def systemd(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


@pytest.fixture
def copies(tmp_path: Path) -> Path:
    """The units with programs that exist here, since verify looks for them."""
    for unit in UNITS:
        text = re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", unit.read_text(), flags=re.MULTILINE)
        (tmp_path / unit.name).write_text(text)
    return tmp_path


def test_there_is_a_unit_for_each_part() -> None:
    assert NAMES == ["loa-broker.service", "loa-controller.service", "loa-node.service"]


def test_systemd_understands_every_line(copies: Path) -> None:
    done = systemd("systemd-analyze", "verify", "--man=no", *sorted(copies.glob("*.service")))
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", NAMES)
def test_a_service_that_is_taken_over_reaches_little(copies: Path, name: str) -> None:
    """Exposure by systemd's own count, from 0 (nothing) to 10 (everything); 9.6 without hardening."""
    done = systemd("systemd-analyze", "security", "--offline=true", "--no-pager", copies / name)
    exposure = re.search(r"Overall exposure level for \S+: ([\d.]+)", done.stdout)
    assert exposure, done.stdout + done.stderr
    assert float(exposure[1]) <= MOST_EXPOSURE


@pytest.mark.parametrize("name", NAMES)
def test_a_service_starts_again_for_ever(name: str) -> None:
    lines = (ROOT / "systemd" / name).read_text().splitlines()
    assert {"Restart=always", "StartLimitIntervalSec=0"} <= set(lines)


def test_units_start_the_programs_that_are_installed() -> None:
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    started = {
        match[1]
        for unit in UNITS
        for match in re.finditer(r"^ExecStart=/opt/loa/venv/bin/(\S+)", unit.read_text(), re.MULTILINE)
    }
    assert started == set(scripts)


def test_the_node_may_use_the_sound_card_and_gpio_and_no_other_device() -> None:
    lines = (ROOT / "systemd/loa-node.service").read_text().splitlines()
    devices = [line for line in lines if line.startswith(("Device", "SupplementaryGroups"))]
    assert devices == [
        "SupplementaryGroups=audio",
        "DevicePolicy=closed",
        "DeviceAllow=char-alsa rw",
        "DeviceAllow=char-gpiochip rw",
    ]


def test_the_user_of_the_services_can_be_made() -> None:
    done = systemd("systemd-sysusers", "--dry-run", ROOT / "systemd/loa.sysusers.conf")
    assert done.returncode == 0, done.stderr
