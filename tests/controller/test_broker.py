import os
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from loa.controller.adapters.broker import FileBroker
from loa.controller.adapters.courier import BrokerAddress
from loa.controller.core.broker_rules import BrokerUser, Listener, acl_text
from loa.controller.core.certificates import Authority
from loa.controller.errors import Unavailable
from tests.certificates import Issuer, context_of
from tests.controller.brokers import Plain, RealBroker, plain_client, real_broker, trust_of, user_of
from tests.loopback import free_port
from tests.waiting import wait_for

URGENT = "loa/v1/areas/thon-1/urgent"
OTHER = "loa/v1/areas/thon-2/urgent"
TIMED_OUT = 27
"""With which mosquitto_sub ends when nothing came in its time, as one who got in."""


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


def by_another_authority(real: RealBroker, folder: Path) -> BrokerAddress:
    stranger = Issuer(folder, Authority.make(datetime.now(UTC)))
    return replace(real.address(), certificate=stranger.client("loa-1"))


def by_a_server(real: RealBroker, folder: Path) -> BrokerAddress:
    """With what the broker shows itself, which is no client's."""
    return replace(real.address(), certificate=folder / "server.pem")


@pytest.mark.parametrize("stranger", [by_another_authority, by_a_server])
def test_strangers_do_not_get_in(
    tmp_path: Path, stranger: Callable[[RealBroker, Path], BrokerAddress]
) -> None:
    with (
        real_broker(tmp_path, user_of("loa-1", "thon-1")) as real,
        plain_client(stranger(real, tmp_path)) as client,
    ):
        assert client.refused
        assert not client.client.is_connected()


def test_nobody_gets_in_without_a_certificate_or_without_tls(tmp_path: Path) -> None:
    with real_broker(tmp_path, user_of("loa-1", "thon-1")) as real:
        bare = ["mosquitto_sub", "-h", real.host, "-p", str(real.port), "-t", URGENT, "-W", "5", "-C", "1"]
        authority = tmp_path / "authority.crt"
        tls = ["--cafile", str(authority)]
        for more in ([], tls, [*tls, "-u", "loa-1", "-P", "x"]):
            done = subprocess.run([*bare, *more], capture_output=True, check=False, timeout=20)
            assert done.returncode not in {0, TIMED_OUT}


def test_a_client_speaks_tls_1_3_or_not_at_all(tmp_path: Path) -> None:
    with real_broker(tmp_path, user_of("loa-1", "thon-1")) as real:
        address = real.address("loa-1")
        context = context_of(address.authority, address.certificate)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        with socket.create_connection((real.host, real.port)) as plain, pytest.raises(ssl.SSLError):
            context.wrap_socket(plain, server_hostname=real.host)


def test_nobody_ends_the_connection_of_another_by_its_client_id(tmp_path: Path) -> None:
    with (
        real_broker(tmp_path, user_of("loa-1", "thon-1"), user_of("loa-2", "thon-1")) as real,
        plain_client(real.address()) as controller,
        plain_client(real.address("loa-1")) as node,
    ):
        node.subscribe(URGENT)
        mallory = real.address("loa-2")
        call = ["mosquitto_pub", "-h", real.host, "-p", str(real.port), "-i", "loa-1", "-t", "x", "-m", "x"]
        trusted = ["--cafile", str(tmp_path / "authority.crt"), "--cert", str(mallory.certificate)]
        subprocess.run([*call, *trusted, "--key", str(mallory.certificate)], check=True, timeout=20)
        controller.publish(URGENT, b"still here")
        wait_for(lambda: bool(node.heard), what="the message")
        assert not node.refused


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


def test_a_stolen_node_is_out_on_its_open_connection_and_does_not_come_back(tmp_path: Path) -> None:
    """Seen by an ordinary client with the stolen key, under a client id of its own choice."""
    with (
        real_broker(tmp_path, user_of("loa-1", "thon-1"), user_of("loa-2", "thon-1")) as real,
        plain_client(real.address()) as controller,
        plain_client(real.address("loa-2")) as other,
    ):
        other.subscribe(URGENT)
        stolen = real.address("loa-1")
        command = ["mosquitto_sub", "-h", real.host, "-p", str(real.port), "-i", "thief", "-t", URGENT]
        trusted = ["--cafile", str(tmp_path / "authority.crt"), "--cert", str(stolen.certificate)]
        command += [*trusted, "--key", str(stolen.certificate)]
        with ended_at_last(command) as thief:
            assert thief.stdout is not None
            for number in range(100):
                controller.publish(URGENT, b"before %d\n" % number, retain=True)
                wait_for(lambda: bool(other.heard), what="the message at another node")
                if thief.stdout.readline().startswith(b"before"):
                    break
            real.revoke(stolen)
            count = len(other.heard)
            controller.publish(URGENT, b"after\n")
            wait_for(lambda: len(other.heard) > count, what="the message at another node")
            wait_for(lambda: thief.poll() is not None, what="the end of the stolen connection", within_s=60)
            assert b"after" not in thief.stdout.read()
        again = subprocess.run([*command, "-W", "5"], capture_output=True, check=False, timeout=20)
        assert again.returncode not in {0, TIMED_OUT}
        assert b"after" not in again.stdout


def test_who_cannot_be_thrown_out_at_once_is_by_a_later_sweep(tmp_path: Path) -> None:
    with (
        real_broker(tmp_path, user_of("loa-1", "thon-1")) as real,
        plain_client(real.address("loa-1")) as node,
    ):
        real.hosts[:] = ["127.0.0.77"]
        real.revoke(real.address("loa-1"))
        assert node.client.is_connected()
        real.hosts[:] = [real.host]
        real.broker.sweep()
        wait_for(lambda: bool(node.refused), what="the end of its connection")


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
        assert set(modes.values()) == {0o600}
        assert {"acl", "mosquitto.conf", "server.pem", "authority.crt", "revoked.crl"} <= modes.keys()


def test_without_a_database_the_last_files_stay_until_it_is_back(tmp_path: Path) -> None:
    """Who was out stays out; a first start without a database is none."""
    users, is_away = [user_of("loa-1", "xa")], True

    def known() -> list[BrokerUser]:
        if is_away:
            raise Unavailable("database", "it does not answer")
        return users

    listeners = [Listener("127.0.0.1", free_port("127.0.0.1"))]
    trust = trust_of(["127.0.0.1"], [])
    broker = FileBroker(folder=tmp_path, listeners=listeners, users=known, trust=trust)
    with pytest.raises(Unavailable):
        broker.start()
    is_away = False
    broker.start()
    before = (tmp_path / "acl").read_text()
    is_away, users = True, [user_of("loa-2", "xa")]
    again = FileBroker(folder=tmp_path, listeners=listeners, users=known, trust=trust)
    again.start()
    assert (tmp_path / "acl").read_text() == before
    is_away = False
    again.sweep()
    assert "user loa-2" in (tmp_path / "acl").read_text()


def test_the_access_list_has_a_block_for_each_user_and_no_patterns() -> None:
    text = acl_text([user_of("loa-1", "xa"), user_of("loa-2", "xa")])
    assert text.count("user ") == 2
    assert "pattern" not in text
    assert "%" not in text
    assert "+" not in text
    assert "topic read loa/v1/areas/xa/programme" in text
    assert "topic write loa/v1/nodes/loa-1/hello" in text
    assert "topic write loa/v1/areas" not in text


@contextmanager
def ended_at_last(command: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    """The running command; who is not out by then is ended after the block."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        try:
            yield process
        finally:
            process.kill()


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
from tests.controller.brokers import trust_of
broker = ChildBroker(
    folder=Path({folder!r}),
    listeners=[Listener("127.0.0.1", {port})],
    users=lambda: [],
    trust=trust_of(["127.0.0.1"], []),
)
broker.start()
print("ready", flush=True)
threading.Event().wait()
"""
