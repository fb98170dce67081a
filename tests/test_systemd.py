"""The units are sound, hardened, and start what is installed. No running systemd is needed."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from loa.node_agent.adapters.update_files import FOLDER, KEYS_FILE, RESTART_FILE, WORD_FILE

ROOT = Path(__file__).parent.parent
UNITS = sorted((ROOT / "systemd").glob("*.service"))
PATHS = sorted((ROOT / "systemd").glob("*.path"))
NAMES = [unit.name for unit in UNITS]
LASTING = ["loa-broker.service", "loa-controller.service", "loa-node.service"]
PASSING = ["loa-node-restart.service", "loa-node-update.service"]
"""They do what a path unit wakes them for, and end."""
MOST_EXPOSURE = 2.0


def systemd(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


@pytest.fixture
def copies(tmp_path: Path) -> Path:
    """The units with programs that exist here, since verify looks for them."""
    for unit in (*UNITS, *PATHS):
        text = re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", unit.read_text(), flags=re.MULTILINE)
        (tmp_path / unit.name).write_text(text)
    return tmp_path


def test_there_is_a_unit_for_each_part() -> None:
    assert sorted(NAMES) == sorted([*LASTING, *PASSING])


def test_systemd_understands_every_line(copies: Path) -> None:
    done = systemd("systemd-analyze", "verify", "--man=no", *sorted(copies.iterdir()))
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", NAMES)
def test_a_service_that_is_taken_over_reaches_little(copies: Path, name: str) -> None:
    """Exposure by systemd's own count, from 0 (nothing) to 10 (everything); 9.6 without hardening."""
    done = systemd("systemd-analyze", "security", "--offline=true", "--no-pager", copies / name)
    exposure = re.search(r"Overall exposure level for \S+: ([\d.]+)", done.stdout)
    assert exposure, done.stdout + done.stderr
    assert float(exposure[1]) <= MOST_EXPOSURE


@pytest.mark.parametrize("name", LASTING)
def test_a_service_starts_again_for_ever(name: str) -> None:
    lines = (ROOT / "systemd" / name).read_text().splitlines()
    assert {"Restart=always", "StartLimitIntervalSec=0"} <= set(lines)


def test_what_a_file_wakes_has_the_unit_that_watches_the_file() -> None:
    watched = {path.stem: path.read_text() for path in PATHS}
    assert sorted(f"{name}.service" for name in watched) == PASSING
    assert f"PathChanged=/opt/loa/{FOLDER}/{RESTART_FILE}" in watched["loa-node-restart"].splitlines()
    for file in (WORD_FILE, KEYS_FILE):
        assert f"PathChanged=/var/lib/loa/{FOLDER}/{file}" in watched["loa-node-update"].splitlines()


def test_the_updater_goes_on_with_a_trial_after_its_own_end() -> None:
    lines = (ROOT / "systemd/loa-node-update.service").read_text().splitlines()
    assert {"Restart=on-failure", "StartLimitIntervalSec=0", "WantedBy=multi-user.target"} <= set(lines)


def test_an_agent_cannot_write_what_it_runs_nor_the_updater_what_the_agent_says() -> None:
    units = {unit.name: unit.read_text().splitlines() for unit in UNITS}
    assert {"User=loa", "ProtectSystem=strict"} <= set(units["loa-node.service"])
    assert not [line for line in units["loa-node.service"] if line.startswith("ReadWritePaths")]
    updater = units["loa-node-update.service"]
    assert {"User=loa-update", "ProtectSystem=strict", "PrivateNetwork=yes"} <= set(updater)
    assert [line for line in updater if line.startswith("ReadWritePaths")] == ["ReadWritePaths=/opt/loa"]


def test_units_start_the_programs_that_are_installed() -> None:
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    started = {
        match[1]
        for unit in UNITS
        for match in re.finditer(
            r"^ExecStart=/opt/loa/(?:venv|current|steady)/bin/(\S+)", unit.read_text(), re.MULTILINE
        )
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


def test_the_node_may_read_how_its_clock_is_kept_and_not_set_it() -> None:
    lines = (ROOT / "systemd/loa-node.service").read_text().splitlines()
    assert "ProtectClock=yes" not in lines, "it forbids adjtimex"
    assert "CapabilityBoundingSet=" in lines
    filters = [line.partition("=")[2] for line in lines if line.startswith("SystemCallFilter=")]
    assert filters[-1].split()[0] == "adjtimex", "what is said last holds"


def test_the_user_of_the_services_can_be_made() -> None:
    done = systemd("systemd-sysusers", "--dry-run", ROOT / "systemd/loa.sysusers.conf")
    assert done.returncode == 0, done.stderr
