"""The benchmark's wire: what it counts is what the kernel sent, and what it leads through stays whole."""

import socket
from pathlib import Path
from threading import Thread

import pytest

from bench.certificates import make_chain
from bench.tunnel import HEADERS_BYTES, Ends, Tally, Tunnel, _packets, tunnels
from tests.waiting import wait_for

RECORD_BYTES = 22
"""TLS 1.3 adds to each record: header, type of content, tag (RFC 8446, section 5.2)."""


def echo(server: socket.socket) -> None:
    """Give everything back, one connection at a time."""
    while True:
        try:
            connection, _ = server.accept()
        except OSError:
            return
        with connection:
            while chunk := connection.recv(65_536):
                connection.sendall(chunk)


def exchange(client: socket.socket, content: bytes) -> None:
    client.sendall(content)
    back = b""
    while len(back) < len(content):
        back += client.recv(65_536)
    assert back == content


def settled(tunnel: Tunnel) -> Tally:
    """Once the last acknowledgement has gone."""
    seen = [tunnel.tally()]

    def is_still() -> bool:
        seen.append(tunnel.tally())
        return len(seen) > 10 and len(set(seen[-10:])) == 1

    wait_for(is_still, what="the wire is still")
    return seen[-1]


def test_a_small_exchange_costs_two_records_and_three_segments(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        Thread(target=echo, args=(server,), daemon=True).start()
        ours, theirs = make_chain(tmp_path)
        with tunnels((server.getsockname()[1], Ends(out=ours, inside=theirs))) as (tunnel,):
            with socket.create_connection(("127.0.0.1", tunnel.port)) as client:
                for _ in range(20):  # at first the kernel acknowledges everything at once
                    exchange(client, b"warm")
                before = settled(tunnel)
                exchange(client, b"x" * 400)
                spent = settled(tunnel) - before
            wait_for(lambda: tunnel.tally().segments > before.segments + 4, what="the good-bye is counted")
    assert spent.tls_bytes == 2 * (400 + RECORD_BYTES)
    assert spent.segments in {3, 4}, "there, back, acknowledged; perhaps acknowledged alone"
    assert spent.on_wire_bytes == spent.tls_bytes + spent.segments * HEADERS_BYTES
    assert before.connections == 1
    assert 2_000 < before.tls_bytes - 40 * (4 + RECORD_BYTES) < 6_000, "a handshake with a chain of two"


@pytest.mark.parametrize(
    ("chunk", "packets"),
    [
        (b"\xc0\x00", [(12, b"")]),
        (b"\xc0\x00\x40\x02\x00\x07", [(12, b""), (4, b"\x00\x07")]),
        (b"\x32\x81\x01" + b"y" * 129, [(3, b"y" * 129)]),
        (b"\x32\x05abc", []),
        (b"", []),
    ],
)
def test_mqtt_packets_are_told_apart(chunk: bytes, packets: list[tuple[int, bytes]]) -> None:
    assert list(_packets(chunk)) == packets
