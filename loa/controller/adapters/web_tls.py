"""The certificate that browsers and nodes see: our authority's, or one from files that others renew."""

import ssl
from pathlib import Path

import structlog

from loa.controller.adapters.pem_files import PemFile
from loa.controller.errors import Unavailable

_log = structlog.get_logger(__name__)


class WebTls:
    """Follows its files: a renewed certificate is shown to whoever connects from then on."""

    def __init__(self, *, certificate: Path, key: Path, pem: PemFile | None) -> None:
        self._certificate = certificate
        self._key = key
        self._pem = pem
        self._shown_ns: int | None = None
        self.context = _server_context()
        self.context.sni_callback = self._choose
        self._current = self.context

    def start(self) -> None:
        """Have a certificate to show; raises `Unavailable` with what to do."""
        try:
            self._make_current()
            self.context.load_cert_chain(self._certificate, self._key)
            self._follow()
        except OSError as error:
            raise Unavailable(
                "no_certificate",
                f"{self._certificate}, {self._key}: {error}; set LOA_HTTP_CERTIFICATE and LOA_HTTP_KEY",
            ) from error

    def keep(self) -> None:
        """Renew our own, and take up what is new in the files; what can't be read leaves the last one."""
        try:
            self._make_current()
            self._follow()
        except OSError as error:
            _log.error("http.certificate_unreadable", file=str(self._certificate), why=str(error))

    def _make_current(self) -> None:
        if self._pem is not None:
            self._pem.keep()

    def _follow(self) -> None:
        written_ns = self._certificate.stat().st_mtime_ns
        if written_ns == self._shown_ns:
            return
        fresh = _server_context()
        fresh.load_cert_chain(self._certificate, self._key)
        self._current, self._shown_ns = fresh, written_ns
        _log.info("http.certificate", file=str(self._certificate))

    def _choose(self, tls: ssl.SSLObject | ssl.SSLSocket, _name: str | None, _outer: ssl.SSLContext) -> None:
        """Called in each handshake; the context in use is never changed under the hands of others."""
        tls.context = self._current


def _server_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
