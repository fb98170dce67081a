"""What a newcomer meets on a machine where not everything is there, by programs that only play Debian's."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
REAL = ("bash", "env", "dirname", "awk", "cat", "mkdir", "tail", "rm", "tee", "chmod")


class Machine:
    """A PATH of its own; `apt-get` notes how it was called."""

    def __init__(self, folder: Path) -> None:
        self.bin = folder / "bin"
        self.calls = folder / "calls"
        self.policy = folder / "policy-rc.d"
        self.bin.mkdir()
        for name in REAL:
            (self.bin / name).symlink_to(shutil.which(name) or name)
        (self.bin / "python3").symlink_to(sys.executable)
        self.has("dpkg-query", 'for last; do :; done; [ "$last" = ffmpeg ] && echo installed')
        self.has("id", "echo 0")

    def has(self, name: str, script: str) -> None:
        program = self.bin / name
        program.write_text(f"#!/bin/bash\n{script}\n")
        program.chmod(0o755)

    def set_up(self, *sections: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [ROOT / "tools/setup.sh", *sections],
            env={"PATH": str(self.bin), "CALLS": str(self.calls), "POLICY": str(self.policy), **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_where_apt_is_absent_the_packages_are_named(machine: Machine) -> None:
    done = machine.set_up("run")
    assert done.returncode == 1
    assert "there is no apt-get here" in done.stderr
    assert (
        "apt-get install --no-install-recommends espeak-ng mosquitto libportaudio2 libsndfile1\n"
        in done.stderr
    )


def test_who_may_not_install_is_told_what_to_ask_for(machine: Machine) -> None:
    machine.has("apt-get", "exit 0")
    machine.has("id", "echo 1000")
    done = machine.set_up("run")
    assert done.returncode == 1
    assert "needs root, and there is no sudo" in done.stderr
    machine.has("sudo", "exit 1")
    assert "sudo refused" in machine.set_up("run").stderr


def test_nothing_is_asked_for_when_nothing_is_missing(machine: Machine) -> None:
    machine.has("dpkg-query", "echo installed")
    done = machine.set_up("python", "run", "test")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_another_system_can_say_that_it_is_ready(machine: Machine) -> None:
    assert machine.set_up("run", SYSTEM="ready").returncode == 0


def test_a_python_that_is_too_old_is_named(machine: Machine) -> None:
    machine.has("python2", "[ $1 = -V ] && echo Python 2.7; exit 1")
    done = machine.set_up("run", PYTHON="python2")
    assert done.returncode == 1
    assert "Loa needs Python 3.11, 3.12 or 3.13; python2 is Python 2.7" in done.stderr


def test_only_what_is_missing_is_installed_and_no_service_starts(machine: Machine) -> None:
    machine.has("apt-get", 'echo "$1 ${@: -3}" >>"$CALLS"; "$POLICY" || echo denied >>"$CALLS"')
    machine.has("systemctl", 'echo "systemctl $1 ${@: -1}" >>"$CALLS"')
    assert machine.set_up("run").returncode == 0
    calls = machine.calls.read_text().splitlines()
    assert calls[-3:] == [
        "install mosquitto libportaudio2 libsndfile1",
        "denied",
        "systemctl disable mosquitto",
    ]
    assert not machine.policy.exists()


def test_a_policy_of_the_machine_is_left_as_it_is(machine: Machine) -> None:
    machine.has("apt-get", "exit 0")
    machine.policy.write_text("theirs")
    assert machine.set_up("run").returncode == 0
    assert machine.policy.read_text() == "theirs"
