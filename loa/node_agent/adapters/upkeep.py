import logging
import random
from dataclasses import dataclass
from queue import Queue
from threading import Event, Thread
from typing import Protocol

from loa.node_agent.adapters.address_book import AddressBook
from loa.node_agent.adapters.renewal import Renewal
from loa.node_agent.adapters.web import WebError
from loa.node_agent.ports import Arrival, Crashed, Timekeeper
from loa.protocol.errors import ProtocolError
from loa.protocol.programme import Address

LOOK_EVERY_S = 60.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 30.0, 3_600.0
"""Between one attempt and the next."""
_CLOSE_S = 0.6

_log = logging.getLogger(__name__)


class Errand(Protocol):
    """Something to be done over the network now and then, until it is done."""

    def is_wanted(self) -> bool:
        """Whether it is to be done now."""
        ...

    def do(self) -> None:
        """Do it. Raises `WebError`, `ProtocolError`, OSError."""
        ...


@dataclass(slots=True)
class _Pause:
    pause_s: float = 0.0
    not_before_s: float = 0.0


class Maintenance:
    """`Upkeep` by two errands, each tried not sooner after an attempt than in a growing pause."""

    def __init__(
        self, book: AddressBook, renewal: Renewal, *, inbox: Queue[Arrival], clock: Timekeeper
    ) -> None:
        self._book = book
        self._renewal = renewal
        self._pauses: list[tuple[Errand, _Pause]] = [(renewal, _Pause()), (book, _Pause())]
        self._inbox = inbox
        self._clock = clock
        self._random = random.SystemRandom()
        self._closed = False
        self._heard: Address | None = None
        self._woken = Event()
        self._thread = Thread(target=self._run, name="loa-upkeep", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def turned_away(self) -> None:
        """The broker ended a connection before it was one; from any thread."""
        self._renewal.turned_away()
        self._woken.set()

    def follow(self, heard: Address | None) -> None:
        """See `Upkeep.follow`."""
        if heard != self._heard:
            self._heard = heard
            self._book.follow(heard)
            self._woken.set()

    def close(self) -> None:
        """End the thread, or leave it to end with the process."""
        self._closed = True
        self._woken.set()
        if self._thread.is_alive():
            self._thread.join(_CLOSE_S)

    def _run(self) -> None:
        try:
            while not self._closed:
                self._woken.clear()
                self.look()
                self._woken.wait(LOOK_EVERY_S)
        except Exception as error:  # noqa: BLE001 -- the root of a thread; the agent ends with it
            self._inbox.put(Crashed("upkeep", error))

    def look(self) -> None:
        """Do what is wanted and not too soon."""
        for errand, pause in self._pauses:
            if self._clock.monotonic() >= pause.not_before_s and errand.is_wanted():
                self._try(errand, pause)

    def _try(self, errand: Errand, pause: _Pause) -> None:
        name = type(errand).__name__
        try:
            errand.do()
        except (WebError, ProtocolError, OSError) as error:
            _log.warning("event=errand_failed errand=%s detail=%r", name, str(error))
            pause.pause_s = min(max(2 * pause.pause_s, FIRST_PAUSE_S), LONGEST_PAUSE_S)
        else:
            _log.info("event=errand_done errand=%s", name)
            pause.pause_s = FIRST_PAUSE_S
        spread = self._random.uniform(0.5, 1)
        pause.not_before_s = self._clock.monotonic() + pause.pause_s * spread
