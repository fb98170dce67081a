"""The certificate that browsers see, with real handshakes."""

import os
import socket
import ssl
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from threading import Thread

import pytest
from cryptography import x509

from loa.controller.adapters.pem_files import PemFile, write_private
from loa.controller.adapters.web_tls import WebTls
from loa.controller.core.certificates import LEAF_LASTS, RENEW_BEFORE, KeyPair
from loa.controller.errors import Unavailable
from tests.controller.factories import AUTHORITY
from tests.fakes.controller import START, FakeClock

HOST = "loa.example"


def make(days: int = 0) -> KeyPair:
    return AUTHORITY.make_server([HOST], START + timedelta(days=days))


def put(path: Path, pair: KeyPair, written_s: int) -> None:
    """As certbot replaces a file, at another second."""
    write_private(path, pair.key + pair.leaf.pem)
    os.utime(path, (written_s, written_s))


class Door:
    """Serves handshakes, and looks at what is shown."""

    def __init__(self, tls: WebTls) -> None:
        self._tls = tls
        self._server = socket.create_server(("127.0.0.1", 0))
        Thread(target=self._serve, daemon=True).start()

    def shown(self) -> str:
        """The serial number of the certificate that whoever connects now is shown."""
        context = ssl.create_default_context(cadata=AUTHORITY.pem)
        context.verify_flags |= 0x200000  # the tests' own time is another than the machine's
        with (
            socket.create_connection(self._server.getsockname(), timeout=10) as plain,
            context.wrap_socket(plain, server_hostname=HOST) as shaken,
        ):
            found = shaken.getpeercert(binary_form=True)
        assert found is not None
        return f"{x509.load_der_x509_certificate(found).serial_number:x}"

    def close(self) -> None:
        self._server.close()

    def _serve(self) -> None:
        while True:
            try:
                plain, _ = self._server.accept()
            except OSError:
                return
            self._tls.context.wrap_socket(plain, server_side=True).close()


@pytest.fixture
def supplied(tmp_path: Path) -> Path:
    return tmp_path / "supplied.pem"


@pytest.fixture
def door(supplied: Path) -> Iterator[Door]:
    put(supplied, make(), written_s=1)
    tls = WebTls(certificate=supplied, key=supplied, pem=None)
    tls.start()
    opened = Door(tls)
    yield opened
    opened.close()


def test_a_supplied_certificate_that_was_renewed_is_shown_to_whoever_comes_next(
    door: Door, supplied: Path
) -> None:
    before, renewed = door.shown(), make(days=60)
    put(supplied, renewed, written_s=2)
    assert door.shown() == before
    door._tls.keep()
    assert door.shown() == renewed.leaf.serial != before


def test_a_file_that_holds_no_certificate_leaves_the_last_one(door: Door, supplied: Path) -> None:
    before = door.shown()
    supplied.write_text("nothing")
    os.utime(supplied, (3, 3))
    door._tls.keep()
    assert door.shown() == before


@pytest.mark.parametrize("content", [None, "nothing"])
def test_without_a_certificate_there_is_no_start(supplied: Path, content: str | None) -> None:
    if content is not None:
        supplied.write_text(content)
    with pytest.raises(Unavailable, match="LOA_HTTP_CERTIFICATE"):
        WebTls(certificate=supplied, key=supplied, pem=None).start()


def test_our_own_is_renewed_a_month_before_it_is_over(tmp_path: Path) -> None:
    clock, made = FakeClock(), []

    def pair(now: object) -> KeyPair:
        made.append(now)
        return AUTHORITY.make_server([HOST], clock.now())

    pem = PemFile(tmp_path / "issuer" / "web.pem", make=pair, clock=clock)
    pem.keep()
    clock.forward(days=(LEAF_LASTS - RENEW_BEFORE).days, hours=-1)
    pem.keep()
    assert len(made) == 1
    clock.forward(hours=1)
    pem.keep()
    assert len(made) == 2
    assert (pem.path.stat().st_mode & 0o077, pem.path.parent.stat().st_mode & 0o077) == (0, 0)
