import base64
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from loa.controller.core.broker_rules import acl_text, hash_password, passwords_text
from tests.controller.brokers import SALT, Plain, plain_client, real_broker, user_of
from tests.loopback import free_port
from tests.waiting import wait_for

URGENT = "loa/v1/areas/thon-1/urgent"
OTHER = "loa/v1/areas/thon-2/urgent"


def is_open(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_node_reads_its_own_topics_and_no_others(tmp_path: Path, host: str) -> None:
    nodes = (user_of("loa-1", "xa", "thon-1"), user_of("loa-2", "xa", "thon-2"))
    with (
        real_broker(tmp_path, *nodes, host=host) as real,
        plain_client(real.address()) as controller,
        plain_client(real.address("loa-1")) as node,
    ):
        node.subscribe(URGENT, OTHER, "loa/v1/nodes/loa-2/answer", "#")
        controller.publish(OTHER, b"for the others")
        controller.publish("loa/v1/nodes/loa-2/answer", b"for the other")
        controller.publish(URGENT, b"for us")
        wait_for(lambda: bool(node.payloads(URGENT)), what="our own message")
        assert {topic for topic, _ in node.heard} == {URGENT}


def test_a_node_writes_its_own_topics_and_no_others(tmp_path: Path) -> None:
    with (
        real_broker(tmp_path, user_of("loa-1", "thon-1"), user_of("loa-2", "thon-1")) as real,
        plain_client(real.address()) as controller,
        plain_client(real.address("loa-1")) as node,
    ):
        controller.subscribe("loa/v1/nodes/+/state", "loa/v1/nodes/+/reports")
        with plain_client(real.address("loa-2")) as neighbour:
            neighbour.subscribe(URGENT)
            node.publish("loa/v1/nodes/loa-2/state", b"forged")
            node.publish(URGENT, b"forged")
            node.publish("loa/v1/nodes/loa-1/reports", b"true")
            wait_for(lambda: bool(controller.heard), what="the node's own report")
            controller.publish(URGENT, b"genuine")
            wait_for(lambda: bool(neighbour.heard), what="the controller's message")
            assert controller.heard == [("loa/v1/nodes/loa-1/reports", b"true")]
            assert neighbour.heard == [(URGENT, b"genuine")]


@pytest.mark.parametrize(("name", "password"), [("loa-1", "wrong"), ("stranger", "pw-stranger"), ("", "")])
def test_strangers_do_not_get_in(tmp_path: Path, name: str, password: str) -> None:
    with real_broker(tmp_path, user_of("loa-1", "thon-1")) as real:
        address = real.address()
        wrong = type(address)(host=real.host, port=real.port, username=name, password=password)
        with plain_client(wrong, name="plain") as client:
            assert client.refused
            assert not client.client.is_connected()


def test_an_area_is_given_and_taken_on_an_open_connection(tmp_path: Path) -> None:
    with (
        real_broker(tmp_path, user_of("loa-1", "thon-1")) as real,
        plain_client(real.address()) as controller,
        plain_client(real.address("loa-1")) as node,
    ):
        node.subscribe(URGENT)
        real.users["loa-1"] = user_of("loa-1", "thon-2")
        real.broker.refresh()
        wait_for(lambda: _hears(controller, node, OTHER), what="the new area")
        before = len(node.payloads(URGENT))
        controller.publish(URGENT, b"not any more")
        controller.publish(OTHER, b"last")
        wait_for(lambda: b"last" in node.payloads(OTHER), what="the last message")
        assert len(node.payloads(URGENT)) == before
        assert node.client.is_connected()


def test_a_removed_node_hears_nothing_more_on_its_open_connection(tmp_path: Path) -> None:
    with (
        real_broker(tmp_path, user_of("loa-1", "thon-1"), user_of("loa-2", "thon-1")) as real,
        plain_client(real.address()) as controller,
        plain_client(real.address("loa-1")) as node,
    ):
        node.subscribe(URGENT)
        del real.users["loa-1"]
        real.broker.refresh()
        wait_for(lambda: not node.client.is_connected(), what="the end of its connection")
        with plain_client(real.address("loa-2")) as other:
            other.subscribe(URGENT)
            controller.publish(URGENT, b"after")
            wait_for(lambda: bool(other.heard), what="the message at another node")
        assert not node.heard


def test_a_broker_that_dies_is_started_again(tmp_path: Path) -> None:
    with real_broker(tmp_path, user_of("loa-1", "thon-1")) as real:
        first = real.broker.pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        wait_for(lambda: real.broker.pid not in {None, first}, what="another broker")
        wait_for(lambda: is_open(real.host, real.port), what="its listener")


def test_no_broker_outlives_a_killed_controller(tmp_path: Path) -> None:
    port = free_port()
    script = tmp_path / "controller.py"
    script.write_text(_CONTROLLER.format(folder=str(tmp_path / "broker"), port=port))
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert "ready\n" in process.stdout
        process.send_signal(signal.SIGKILL)
    wait_for(lambda: not is_open("127.0.0.1", port), what="the end of the broker")


def test_files_are_for_the_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "broker"
    with real_broker(folder, user_of("loa-1", "thon-1")):
        modes = {path.name: path.stat().st_mode & 0o777 for path in folder.glob("*") if path.suffix != ".pid"}
        assert modes["passwords"] == modes["acl"] == modes["mosquitto.conf"] == 0o600


def test_the_access_list_has_a_block_for_each_user_and_no_patterns() -> None:
    text = acl_text([user_of("loa-1", "xa"), user_of("loa-2", "xa")])
    assert text.count("user ") == 2
    assert "pattern" not in text
    assert "%" not in text
    assert "+" not in text
    assert "topic read loa/v1/areas/xa/programme" in text
    assert "topic write loa/v1/nodes/loa-1/hello" in text
    assert "topic write loa/v1/areas" not in text


def test_passwords_are_hashed_as_mosquitto_does(tmp_path: Path) -> None:
    file = tmp_path / "pw"
    subprocess.run(["mosquitto_passwd", "-b", "-c", str(file), "loa-1", "bí mật"], check=True)
    name, hashed = file.read_text().strip().split(":")
    _, _, rounds, salt, _ = hashed.split("$")
    assert rounds == "101"
    assert hash_password("bí mật", base64.b64decode(salt)) == hashed
    assert passwords_text([user_of(name)]).startswith("loa-1:$7$101$")
    assert hash_password("bí mật", SALT) != hashed


def _hears(controller: Plain, node: Plain, topic: str) -> bool:
    """Subscribe and publish anew: until the broker has read its files, both come to nothing."""
    node.subscribe(topic)
    controller.publish(topic, b"is this yours?")
    return bool(node.payloads(topic))


_CONTROLLER = """
import sys, threading
from pathlib import Path
from loa.controller.adapters.broker import ChildBroker
from loa.controller.core.broker_rules import Listener
broker = ChildBroker(folder=Path({folder!r}), listeners=[Listener("127.0.0.1", {port})], users=lambda: [])
broker.start()
print("ready", flush=True)
threading.Event().wait()
"""
