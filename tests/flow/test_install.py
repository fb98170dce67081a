"""A node installed into a bare Debian root, twice, and enrolled there: `make try-install`."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
SUITE = "bookworm"
CARRIED = ("etc/apt", "etc/pip.conf", "etc/resolv.conf", "etc/hosts", "etc/ssl/certs/ca-certificates.crt")
"""How this machine reaches its package indexes."""
MOUNTED = ("proc", "sys", "dev", "dev/pts")
CODE = "-".join(["AAAA"] * 8)
PROXIES = ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "no_proxy", "NO_PROXY", "PIP_INDEX_URL")
MINUTES = 60
LISTED = "find /opt/loa /etc/loa /var/lib/loa -printf '%p %l %u %m %T@\\n' | sort"

pytestmark = [pytest.mark.install, pytest.mark.timeout(30 * MINUTES)]


class Bare:
    """A Debian of nothing but the base, python3 and systemd, with a copy of the checkout."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def run(self, command: str, *, check: bool = True) -> subprocess.CompletedProcess[str]:
        kept = {name: os.environ[name] for name in PROXIES if name in os.environ}
        plain = {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "LANG": "C.UTF-8", "HOME": "/"}
        done = subprocess.run(
            ["chroot", self.root, "/bin/bash", "-c", f"cd /srv/loa && {command}"],
            env={**plain, **kept},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=20 * MINUTES,
        )
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bare]:
    if os.geteuid() != 0 or shutil.which("debootstrap") is None:
        pytest.skip("needs root and the package debootstrap")
    root = tmp_path_factory.mktemp("bare") / "root"
    include = "--include=python3,make,ca-certificates,systemd"
    subprocess.run(
        ["debootstrap", "--variant=minbase", include, SUITE, root, *_mirror()],
        check=True,
        stdout=subprocess.DEVNULL,
        timeout=20 * MINUTES,
    )
    for name in CARRIED:
        _carry(Path("/") / name, root / name)
    subprocess.run(["git", "clone", "--quiet", ROOT, root / "srv/loa"], check=True)
    mounted = [name for name in MOUNTED if not (root / name).is_mount()]
    try:
        for name in mounted:
            subprocess.run(["mount", "--bind", f"/{name}", root / name], check=True)
        yield Bare(root)
    finally:
        for name in reversed(mounted):
            subprocess.run(["umount", "-l", root / name], check=False)


def test_a_bare_machine_becomes_a_node(bare: Bare) -> None:
    said = bare.run("make install-node").stdout
    assert "Next, with the code that the console shows: loa-node enrol <url> <code>" in said
    assert bare.run("stat -c '%U %a' /var/lib/loa").stdout == "loa 750\n"
    assert bare.run("readlink -e /opt/loa/current").stdout.startswith("/opt/loa/versions/")
    assert bare.run("systemctl is-enabled loa-node").stdout == "enabled\n"
    verified = bare.run("systemd-analyze verify --man=no /etc/systemd/system/loa-node.service")
    assert verified.stderr == ""
    status = bare.run("loa-node status", check=False)
    assert status.returncode == 2
    assert "run `loa-node enrol <url> <code>`" in status.stderr


def test_installing_again_changes_nothing(bare: Bare) -> None:
    bare.run("echo 'LOA_NODE_LOG_LEVEL=DEBUG' >>/etc/loa/node.env && touch /var/lib/loa/kept")
    before = bare.run(LISTED).stdout
    said = bare.run("make install-node").stdout
    assert "Installing" not in said
    assert bare.run(LISTED).stdout == before
    assert "LOA_NODE_LOG_LEVEL=DEBUG" in bare.run("cat /etc/loa/node.env").stdout


def test_the_command_acts_as_the_user_of_the_service(bare: Bare) -> None:
    done = bare.run(f"loa-node enrol https://127.0.0.1:9 {CODE}", check=False)
    assert done.returncode == 1
    assert "check the address and the network" in done.stderr
    assert bare.run("stat -c '%U %a' /var/lib/loa/node.key").stdout == "loa 600\n"


def _mirror() -> list[str]:
    """Where this machine has its Debian from."""
    for source in sorted(Path("/etc/apt").rglob("*.sources")):
        for line in source.read_text().splitlines():
            if line.startswith("URIs:"):
                return [line.split()[1]]
    return []


def _carry(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(source, target, symlinks=True)
    elif source.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        shutil.copy(source, target)
