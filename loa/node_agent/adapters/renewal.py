from collections.abc import Callable
from pathlib import Path
from threading import Event

from loa.node_agent.adapters.enrolment import Certified, keep_certificate, renew_after
from loa.node_agent.adapters.tls import web_context
from loa.node_agent.adapters.web import ask
from loa.node_agent.ports import Timekeeper
from loa.protocol.ids import NodeId
from loa.protocol.keys import SigningKey
from loa.protocol.proof import answer
from loa.protocol.wire import Wire


class Renewal:
    """The next certificate, over HTTP: that needs neither the broker nor the last certificate nor a clock.

    It is wanted when it is due by our clock, and when the broker turned us away: our clock may be wrong, and
    then the broker is the first to know that a certificate is over.
    """

    def __init__(
        self,
        base_url: Callable[[], str],
        *,
        node: NodeId,
        key: SigningKey,
        authority: str,
        data: Path,
        clock: Timekeeper,
    ) -> None:
        self._base_url = base_url
        self._node = node
        self._key = key
        self._authority = authority
        self._data = data
        self._clock = clock
        self._turned_away = Event()

    def turned_away(self) -> None:
        """The broker ended a connection before it was one; from any thread."""
        self._turned_away.set()

    def is_wanted(self) -> bool:
        """Whether to ask for the next certificate now; also where the disk has none that can be read."""
        at = renew_after(self._data)
        return self._turned_away.is_set() or at is None or self._clock.now() >= at

    def do(self) -> None:
        """Put the next one in its place; the key stays. Raises `WebError`, `ProtocolError`, OSError."""
        self._turned_away.clear()
        url = f"{self._base_url().rstrip('/')}/api/v1/nodes/{self._node}/certificate"
        context = web_context(self._authority)
        said = _Challenge.from_bytes(ask("POST", url + "/challenge", None, context))
        proof = answer(said.challenge, key=self._key)
        made = Certified.from_bytes(ask("POST", url, {"proof": proof}, context))
        keep_certificate(self._data, made)


class _Challenge(Wire):
    challenge: str
