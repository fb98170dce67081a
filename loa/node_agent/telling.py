import logging
import secrets
from collections.abc import Callable
from importlib.metadata import version
from random import Random

from loa.node_agent import logs
from loa.node_agent.memory import Memory
from loa.node_agent.ports import Courier, Timekeeper
from loa.node_agent.voice import Voice
from loa.protocol.errors import TooLargeError
from loa.protocol.ids import AreaId, Nonce, OccurrenceId
from loa.protocol.programme import Config, NodeSettings
from loa.protocol.reports import Answer, Detail, Hello, Receipt, Reports, State
from loa.protocol.topics import Channel, Message, Topic
from loa.protocol.units import SizeBytes

MOST_REPORTS = 100
AGENT = version("loa")
_GATHER_S = 0.5
"""Reports that come together go together."""
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 10.0, 60.0
"""Without a receipt the same reports go again after this time, then twice as long each time."""
_FULL_EVERY_S = 3600.0
_LEAST_BETWEEN_STATES_S = 1.0

_log = logging.getLogger(__name__)


class Telling:
    """What the node says: hello, state, and the reports of its journal until a receipt covers them."""

    def __init__(
        self,
        *,
        voice: Voice,
        memory: Memory,
        courier: Courier,
        clock: Timekeeper,
        random: Random,
        sounding: Callable[[], OccurrenceId | None],
        missing: Callable[[], int],
        free_bytes: Callable[[], SizeBytes],
    ) -> None:
        self._voice = voice
        self._memory = memory
        self._writing = memory.writing
        self._courier = courier
        self._clock = clock
        self._random = random
        self._sounding = sounding
        self._missing = missing
        self._free_bytes = free_bytes
        self._connections = 0
        self._topics: tuple[str, ...] = ()
        self._listened_for: Config | None = None
        self._nonce: Nonce | None = None
        self._hello_at_s: float | None = None
        self._said: tuple[object, ...] = ()
        self._state_at_s = self._full_at_s = 0.0
        self._reports_at_s: float | None = None
        self._pause_s = _FIRST_PAUSE_S

    def turn(self) -> None:
        """Listen to the right topics, and say whatever is due."""
        self._listen()
        now_s = self._clock.monotonic()
        if self._courier.connections != self._connections:
            self._plan_hello(now_s)
        if not self._courier.is_connected:
            return
        if self._hello_at_s is not None:
            if now_s < self._hello_at_s:
                return
            self._say_hello()
        self._say_state(now_s)
        self._send_reports(now_s)

    def take(self, said: Answer | Receipt) -> None:
        """The controller's answer or receipt."""
        if isinstance(said, Receipt):
            self._take_receipt(said)
        elif said.nonce == self._nonce:
            self._nonce = None
            logs.say(_log, "answered", config=said.config, areas=len(said.current))

    def listen_anew(self) -> None:
        """Subscribe again at the next turn, so that what is retained comes again; and say hello."""
        self._topics = ()
        self._hello_at_s = self._clock.monotonic()

    def _listen(self) -> None:
        config = self._memory.config
        if self._topics and config is self._listened_for:
            return
        self._listened_for = config
        areas: tuple[AreaId, ...] = config.areas if config else ()
        own = [
            Topic(channel, self._voice.node) for channel in (Channel.CONFIG, Channel.ANSWER, Channel.RECEIPT)
        ]
        of_areas = [Topic(channel, area) for area in areas for channel in (Channel.URGENT, Channel.PROGRAMME)]
        topics = tuple(str(topic) for topic in (*own, *of_areas))
        if topics != self._topics:
            self._topics = topics
            self._courier.listen(topics)

    def _plan_hello(self, now_s: float) -> None:
        first = self._connections == 0
        self._connections = self._courier.connections
        settings = self._settings()
        wait_s = 0.0 if first else self._random.uniform(0, settings.reconnect_jitter_ms / 1000)
        self._hello_at_s = now_s + wait_s

    def _settings(self) -> NodeSettings:
        return self._memory.config.settings if self._memory.config else NodeSettings()

    def _say_hello(self) -> None:
        self._hello_at_s = None
        self._nonce = Nonce(secrets.token_hex(16))
        hello = Hello(
            node=self._voice.node,
            boot_id=self._voice.boot_id,
            journal_id=self._writing.journal_id,
            nonce=self._nonce,
            sent_at=self._clock.now(),
            clock=self._clock.state(),
            config=self._config_version(),
            held=self._memory.held,
            agent=AGENT,
            machine=self._voice.machine,
            card=self._voice.card,
        )
        self._send(Channel.HELLO, hello)
        self._said = ()
        self._full_at_s = self._state_at_s = 0.0
        self._reports_at_s = self._clock.monotonic()
        self._pause_s = _FIRST_PAUSE_S

    def _config_version(self) -> int:
        return self._memory.config.version if self._memory.config else 0

    def _say_state(self, now_s: float) -> None:
        facts = (self._sounding(), self._clock.state(), self._memory.revision, self._missing() > 0)
        full = now_s >= self._full_at_s or facts[2] != (self._said[2] if self._said else None)
        changed = (
            facts != self._said and now_s >= self._state_at_s - self._every_s() + _LEAST_BETWEEN_STATES_S
        )
        if not changed and now_s < self._state_at_s:
            return
        self._said = facts
        self._state_at_s = now_s + self._every_s()
        self._full_at_s = now_s + _FULL_EVERY_S if full else self._full_at_s
        self._send(Channel.STATE, self._state(full=full))

    def _every_s(self) -> float:
        return self._settings().state_every_ms / 1000

    def _state(self, *, full: bool) -> State:
        compact = State(
            node=self._voice.node,
            boot_id=self._voice.boot_id,
            at=self._clock.now(),
            detail=Detail.FULL if full else Detail.COMPACT,
            sounding=self._sounding(),
            clock=self._clock.state(),
            unsent=self._writing.count_unsent(),
            missing=self._missing(),
        )
        if not full:
            return compact
        more = {"config": self._config_version(), "held": self._memory.held}
        return compact.model_copy(update={**more, "free_bytes": self._free_bytes(), "agent": AGENT})

    def _send_reports(self, now_s: float) -> None:
        if self._memory.has_news and self._reports_at_s is None:
            self._reports_at_s = now_s + _GATHER_S
        self._memory.has_news = False
        if self._reports_at_s is None or now_s < self._reports_at_s:
            return
        if self._send_batch(MOST_REPORTS):
            self._reports_at_s = now_s + self._pause_s
            self._pause_s = min(2 * self._pause_s, _LONGEST_PAUSE_S)
        else:
            self._reports_at_s = None

    def _send_batch(self, limit: int) -> bool:
        """Send the first reports that no receipt covers; False if there are none."""
        unsent = self._writing.unsent(limit)
        if not unsent.reports:
            return False
        batch = Reports(node=self._voice.node, journal_id=unsent.journal_id, reports=unsent.reports)
        try:
            self._send(Channel.REPORTS, batch)
        except TooLargeError:
            return self._send_batch(len(unsent.reports) // 2)
        return True

    def _take_receipt(self, receipt: Receipt) -> None:
        self._writing.forget(receipt.journal_id, receipt.up_to)
        logs.say(_log, "receipt", journal=receipt.journal_id, up_to=receipt.up_to)
        self._pause_s = _FIRST_PAUSE_S
        self._reports_at_s = self._clock.monotonic()

    def _send(self, channel: Channel, message: Message) -> None:
        topic, payload = self._voice.sealed(channel, message)
        self._courier.send(str(topic), payload, retain=topic.row.retained)
