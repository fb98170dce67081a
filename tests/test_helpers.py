"""The helpers of the tests keep their word too."""

import asyncio
import socket
from collections.abc import Callable

import pytest

from tests.waiting import eventually, wait_for


@pytest.mark.parametrize(("host", "family"), [("127.0.0.1", socket.AF_INET), ("::1", socket.AF_INET6)])
def test_a_free_port_can_be_listened_on(
    free_port: Callable[[str], int], host: str, family: socket.AddressFamily
) -> None:
    port = free_port(host)
    with socket.socket(family) as server:
        server.bind((host, port))
        server.listen()
        with socket.create_connection((host, port), timeout=5):
            pass


def test_waiting_gives_what_was_found() -> None:
    answers = iter([None, False, "here"])
    assert wait_for(lambda: next(answers), what="an answer") == "here"


def test_waiting_ends_when_the_time_is_up() -> None:
    with pytest.raises(AssertionError, match=r"not within 0\.05 s: the moon"):
        wait_for(lambda: None, what="the moon", within_s=0.05)


def test_waiting_lets_the_event_loop_go_on() -> None:
    async def wait() -> bool:
        event = asyncio.Event()
        asyncio.get_running_loop().call_soon(event.set)
        return await eventually(event.is_set, what="the event")

    assert asyncio.run(wait()) is True
