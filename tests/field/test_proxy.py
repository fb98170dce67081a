"""The bad network of the campaign is as bad as it says, and no worse."""

import random
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from tests.field.proxy import SLOW, Flow, Link, Network, Weather
from tests.waiting import wait_for


@pytest.fixture
def link() -> Iterator[Link]:
    """To somebody who says everything back."""
    with socket.create_server(("127.0.0.1", 0)) as server, Network(random.Random(1)) as network:
        threading.Thread(target=_echo_all, args=(server,), daemon=True).start()
        yield network.link(server.getsockname())


def _echo_all(server: socket.socket) -> None:
    while True:
        try:
            peer, _ = server.accept()
        except OSError:
            return
        threading.Thread(target=_echo, args=(peer,), daemon=True).start()


def _echo(peer: socket.socket) -> None:
    with peer:
        try:
            while said := peer.recv(4096):
                peer.sendall(said)
        except OSError:
            return


def _connect(link: Link) -> socket.socket:
    return socket.create_connection(("127.0.0.1", link.port), timeout=10)


def _hear(peer: socket.socket, count: int) -> bytes:
    heard = b""
    while len(heard) < count and (more := peer.recv(count - len(heard))):
        heard += more
    return heard


def _is_silent(peer: socket.socket, for_s: float) -> bool:
    peer.settimeout(for_s)
    try:
        return peer.recv(1) is None
    except TimeoutError:
        return True
    finally:
        peer.settimeout(10)


def test_in_fair_weather_everything_comes_back_and_ends_are_passed_on(link: Link) -> None:
    said = random.Random(2).randbytes(100_000)
    with _connect(link) as peer:
        threading.Thread(target=peer.sendall, args=(said,)).start()
        assert _hear(peer, len(said)) == said
        peer.shutdown(socket.SHUT_WR)
        assert peer.recv(1) == b""


def test_a_slow_link_delays_and_lets_through_so_many_bytes_a_second(link: Link) -> None:
    link.become(SLOW)
    with _connect(link) as peer:
        began_s = time.monotonic()
        peer.sendall(b"x")
        _hear(peer, 1)
        assert 0.4 <= time.monotonic() - began_s < 1.5  # twice 300 ± 100 ms
        began_s = time.monotonic()
        peer.sendall(bytes(8000))
        _hear(peer, 8000)
        assert 1.3 <= time.monotonic() - began_s < 4  # 64 kbit/s


def test_what_is_stalled_comes_in_order_once_it_flows(link: Link) -> None:
    with _connect(link) as peer:
        peer.sendall(b"one")
        assert _hear(peer, 3) == b"one"
        link.become(Weather(Flow.STALLED))
        peer.sendall(b"two")
        peer.sendall(b"three")
        assert _is_silent(peer, 0.3)
        link.become(Weather())
        assert _hear(peer, 8) == b"twothree"


def test_a_half_open_connection_swallows_and_stays_dead(link: Link) -> None:
    with _connect(link) as peer:
        link.become(Weather(Flow.HALF_OPEN))
        peer.sendall(b"lost")
        with _connect(link) as late:
            late.sendall(b"lost")
            assert _is_silent(peer, 0.3)
            assert _is_silent(late, 0.1)
            link.become(Weather())
            peer.sendall(b"still")
            assert _is_silent(peer, 0.3)
            link.reset(dead_only=True)
            assert _is_reset(peer)
            assert _is_reset(late)


def test_a_reset_spares_what_is_dead_no_more(link: Link) -> None:
    with _connect(link) as peer:
        peer.sendall(b"x")
        assert _hear(peer, 1) == b"x"
        link.reset(dead_only=True)
        peer.sendall(b"y")
        assert _hear(peer, 1) == b"y"
        link.reset()
        assert _is_reset(peer)


def test_a_cut_resets_what_is_there_and_what_comes(link: Link) -> None:
    with _connect(link) as peer:
        peer.sendall(b"x")
        assert _hear(peer, 1) == b"x"
        link.become(Weather(Flow.CUT))
        assert _is_reset(peer)
    wait_for(lambda: _is_refused(link), what="new connections are reset")
    link.become(Weather())
    with _connect(link) as peer:
        peer.sendall(b"x")
        assert _hear(peer, 1) == b"x"


def _is_reset(peer: socket.socket) -> bool:
    try:
        return peer.recv(1) is None
    except ConnectionResetError:
        return True


def _is_refused(link: Link) -> bool:
    try:
        with _connect(link) as peer:
            return _is_reset(peer)
    except ConnectionResetError:
        return True
