import os
import socket

_INTERVAL_S = 1.0


class ServiceManager:
    """`Watchdog` towards systemd, by the datagrams of sd_notify(3); silent where nobody listens.

    Twenty lines instead of a package, since the protocol is one datagram and is kept stable for ever.
    """

    def __init__(self) -> None:
        address = os.environ.get("NOTIFY_SOCKET", "")
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self._socket.setblocking(False)
        self._fed_at_s = -_INTERVAL_S

    def ready(self) -> None:
        """See `Watchdog.ready`."""
        self._say(b"READY=1")

    def alive(self, now_s: float) -> None:
        """See `Watchdog.alive`; told at most once a second."""
        if now_s - self._fed_at_s >= _INTERVAL_S:
            self._fed_at_s = now_s
            self._say(b"WATCHDOG=1")

    def stopping(self) -> None:
        """See `Watchdog.stopping`."""
        self._say(b"STOPPING=1")
        self._socket.close()

    def _say(self, words: bytes) -> None:
        if not self._address:
            return
        try:
            self._socket.sendto(words, self._address)
        except OSError:  # nobody listens any more, or its queue is full: systemd judges by what it hears
            return
