import socket
from pathlib import Path

from loa.node_agent.adapters.enrolment import Enrolment, keep_enrolment
from loa.node_agent.adapters.tls import Pass, broker_context, web_context
from loa.node_agent.adapters.web import ask
from loa.protocol.programme import Address

WITHIN_S = 5.0
UNKNOWN_VERSION = b"\x10\x0e\x00\x04MQTT\x09\x02\x00\x3c\x00\x02no"
"""A CONNECT of a version that no broker speaks, and the answer of MQTT 3.1.1, 3.1.2.2, to it."""
VERSION_REFUSED = b"\x20\x02\x00\x01"


class NotLetInError(OSError):
    """The broker ended the connection instead of answering."""


class AddressBook:
    """Where controller and broker are. A new place counts once both were found there and proved who they are.

    Until then, and if they never are, the old one goes on. Read from any thread, changed by one.
    """

    def __init__(self, enrolment: Enrolment, *, shows: Pass, data: Path) -> None:
        self._enrolment = enrolment
        self._shows = shows
        self._data = data
        self._heard: Address | None = None

    @property
    def here(self) -> Address:
        """Where they are found now."""
        return self._enrolment.address

    def follow(self, heard: Address | None) -> None:
        """What the controller says of itself; None is nothing new."""
        self._heard = heard

    def is_wanted(self) -> bool:
        """Whether there is another place to try."""
        return self._heard is not None and self._heard != (self._enrolment.told or self.here)

    def do(self) -> None:
        """Try the new place, and keep it. Raises `WebError`, OSError."""
        heard = self._heard
        if heard is None:
            return
        ask("GET", heard.base_url.rstrip("/") + "/healthz", None, web_context(self._enrolment.authority))
        knock(heard.mqtt_host, heard.mqtt_port, self._shows)
        moved = self._enrolment.at(heard)
        keep_enrolment(self._data, moved)
        self._enrolment = moved


def knock(host: str, port: int, shows: Pass) -> None:
    """Return if the broker is ours and takes our certificate. Raises OSError.

    It is asked in a version of MQTT that it does not speak: a real login would end the agent's connection.
    """
    name = host.strip("[]")
    context = broker_context(shows.authority)
    context.load_cert_chain(shows.certificate, shows.key)
    with (
        socket.create_connection((name, port), timeout=WITHIN_S) as plain,
        context.wrap_socket(plain, server_hostname=name) as tls,
    ):
        tls.sendall(UNKNOWN_VERSION)
        if tls.recv(len(VERSION_REFUSED)) != VERSION_REFUSED:
            raise NotLetInError("it ends the connection")
