"""The updater over its real files: it trusts the release key that it pinned, and nobody's word."""

from pathlib import Path

import pytest

from loa.node_agent.adapters.update_files import (
    FOLDER,
    KEYS_FILE,
    LEDGER_FILE,
    FileDesk,
    FileSite,
    give_keys,
    this_machine,
)
from loa.node_agent.core.ledger import Ledger, Phase, Target, Word
from loa.node_agent.core.wish import Machine, target_of
from loa.node_agent.errors import InstallError
from loa.node_agent.update_service import Updater
from loa.protocol.ids import BootId
from loa.protocol.keys import SigningKey
from tests.fakes.node_world import FakeTime
from tests.fakes.update import FakeVersions
from tests.node_agent.makers import NOON
from tests.protocol.bundles import CONTENT, RELEASE_KEY, make_bundle, make_manifest, make_pointer

BOOT = BootId("a" * 32)
STRANGER = SigningKey.generate()


class Node:
    """The two folders, the agent's word in one of them, and the updater."""

    def __init__(self, folder: Path) -> None:
        self.root, self.data = folder / "opt", folder / "data"
        self.root.mkdir()
        self.data.mkdir()
        self.site, self.desk = FileSite(self.root, self.data), FileDesk(self.root, self.data)
        self.versions = FakeVersions("0.1.0")
        self.start()

    def start(self) -> None:
        self.updater = Updater(
            desk=self.desk,
            versions=self.versions,
            clock=FakeTime(NOON),
            boot_id=BOOT,
            is_alive=lambda pid: pid == 7,
        )

    def ask(self, bundle: bytes, version: str = "0.2.0") -> Target:
        """As an agent does, whether it is right or taken over."""
        target = target_of(make_pointer(bundle, version))
        self.site.place(target.sha256).write_bytes(bundle)
        self.site.say(Word(version="0.1.0", pid=7, boot_id=BOOT, wants=target))
        return target

    def ledger(self) -> Ledger:
        found = self.site.ledger()
        assert found is not None
        return found


@pytest.fixture
def node(tmp_path: Path) -> Node:
    node = Node(tmp_path)
    give_keys(node.data, [RELEASE_KEY.public.x])
    return node


def test_a_genuine_bundle_is_installed_beside_the_version_that_runs(node: Node) -> None:
    target = node.ask(make_bundle())
    assert node.updater.turn()
    assert not node.updater.turn(), "it waits for the agent to say that the moment is quiet"
    assert (node.ledger().phase, node.ledger().target) == (Phase.READY, target)
    assert node.versions.wheels == {"loa-0.2.0-py3-none-any.whl": CONTENT}
    assert node.versions.links == {"current": "0.1.0", "steady": "0.1.0"}


@pytest.mark.parametrize(
    ("bundle", "version", "why"),
    [
        (make_bundle(key=STRANGER), "0.2.0", "unknown_key"),
        (make_bundle(sealed=make_manifest().to_bytes()), "0.2.0", "malformed"),
        (make_bundle(contents=[CONTENT[::-1]]), "0.2.0", "wrong_digest"),
        (make_bundle(make_manifest("0.1.9")), "0.2.0", "misaddressed"),
        (make_bundle(make_manifest("0.1.0")), "0.1.0", "not above 0.1.0"),
    ],
    ids=["wrong key", "unsigned", "altered", "other version", "equal"],
)
def test_whatever_the_agent_says_nothing_else_is_installed(
    node: Node, bundle: bytes, version: str, why: str
) -> None:
    node.ask(bundle, version)
    node.updater.turn()
    node.updater.turn()
    (outcome,) = node.ledger().outcomes
    assert (outcome.outcome, outcome.runs) == ("refused", "0.1.0")
    assert why in outcome.detail
    assert (node.versions.here, node.ledger().phase) == ({"0.1.0"}, Phase.IDLE)


def test_a_key_that_is_given_later_is_not_believed(node: Node) -> None:
    node.updater.turn()
    give_keys(node.data, [STRANGER.public.x])
    node.start()
    node.ask(make_bundle(key=STRANGER))
    node.updater.turn()
    assert [one.outcome for one in node.ledger().outcomes] == ["refused"]
    (node.root / FOLDER / KEYS_FILE).unlink()
    node.ask(make_bundle(key=STRANGER, contents=[CONTENT]))
    node.start()
    node.updater.turn()
    assert (node.root / FOLDER / KEYS_FILE).exists(), "the owner's hand pins anew"


def test_without_a_key_nothing_is_installed(tmp_path: Path) -> None:
    node = Node(tmp_path)
    node.ask(make_bundle())
    node.updater.turn()
    assert [one.outcome for one in node.ledger().outcomes] == ["refused"]


def test_an_install_that_fails_leaves_what_runs_and_says_why(node: Node) -> None:
    node.versions.fails = InstallError("pip ended with 1: no wheel fits")
    node.ask(make_bundle())
    node.updater.turn()
    (outcome,) = node.ledger().outcomes
    assert (outcome.outcome, outcome.detail) == ("failed", "pip ended with 1: no wheel fits")
    assert node.versions.links["current"] == "0.1.0"


def test_room_is_looked_for_before_anything_is_unpacked(node: Node) -> None:
    node.versions.free = 10_000_000
    node.ask(make_bundle())
    node.updater.turn()
    (outcome,) = node.ledger().outcomes
    assert outcome.detail == "it needs 40 MB, 10 MB are free"


def test_what_was_being_installed_when_the_power_failed_is_installed_again(node: Node) -> None:
    node.ask(make_bundle())
    node.versions.fails = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        node.updater.turn()
    assert node.ledger().phase is Phase.INSTALLING
    node.versions.fails = None
    node.start()
    node.updater.turn()
    assert node.ledger().phase is Phase.READY


def test_a_ledger_that_cannot_be_read_is_begun_anew_over_what_runs(node: Node) -> None:
    node.updater.turn()
    (node.root / FOLDER / LEDGER_FILE).write_bytes(b"\0" * 100)
    node.start()
    node.updater.turn()
    assert (node.ledger().phase, node.ledger().steady) == (Phase.IDLE, "0.1.0")


def test_files_say_who_may_read_them(node: Node) -> None:
    """The updater is another user, in the agent's group; the agent may read what the updater writes."""
    target = node.ask(make_bundle())
    node.updater.turn()
    node.site.manifest(target.sha256)
    modes = {path.name: path.stat().st_mode & 0o777 for path in (node.data / FOLDER).iterdir()}
    assert modes == {"agent.json": 0o640, "release-keys.json": 0o640, f"{target.sha256}.bundle": 0o640}
    assert (node.data / FOLDER).stat().st_mode & 0o777 == 0o750
    assert (node.root / FOLDER / LEDGER_FILE).stat().st_mode & 0o777 == 0o644


def test_this_machine_is_named_as_wheels_name_it() -> None:
    found = this_machine()
    assert isinstance(found, Machine)
    assert found.python.count(".") == 1
    assert found.machine in {"x86_64", "aarch64", "armv7l", "armv6l", "i686"}
