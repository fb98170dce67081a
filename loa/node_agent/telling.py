import logging
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from random import Random

from loa.node_agent import logs
from loa.node_agent.core.presses import holding
from loa.node_agent.core.rhythm import Rhythm
from loa.node_agent.memory import Memory
from loa.node_agent.nonces import Nonces
from loa.node_agent.ports import Courier, NodeClock
from loa.node_agent.vitals import Vitals
from loa.node_agent.voice import Voice
from loa.protocol.errors import TooLargeError
from loa.protocol.ids import AreaId, Nonce, OccurrenceId
from loa.protocol.programme import Config, NodeSettings
from loa.protocol.reports import Answer, Detail, Hello, Output, Receipt, Reports, State, Stopped
from loa.protocol.topics import Channel, Message, Topic
from loa.protocol.units import SizeBytes

MOST_REPORTS = 100
AGENT = version("loa")
_GATHER_S = 0.5
"""Reports that come together go together."""
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 10.0, 60.0
"""Without a receipt the same reports go again after this time, then twice as long each time."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Answered:
    """A genuine answer to a nonce of ours, and how long ago that was sent."""

    answer: Answer
    round_trip_s: float
    """What it took on the way there and back."""
    came_s: float
    """When it came, by the boot time."""


class Telling:
    """What the node says: hello, state, and the reports of its journal until a receipt covers them."""

    def __init__(
        self,
        *,
        voice: Voice,
        memory: Memory,
        courier: Courier,
        clock: NodeClock,
        random: Random,
        sounding: Callable[[], OccurrenceId | None],
        siren_for: Callable[[], OccurrenceId | None],
        output: Callable[[], Output],
        missing: Callable[[], int],
        without_room: Callable[[], int],
        free_bytes: Callable[[], SizeBytes],
        vitals: Vitals,
    ) -> None:
        self._voice = voice
        self._memory = memory
        self._writing = memory.writing
        self._courier = courier
        self._clock = clock
        self._random = random
        self._sounding = sounding
        self._siren_for = siren_for
        self._output = output
        self._missing = missing
        self._without_room = without_room
        self._free_bytes = free_bytes
        self._vitals = vitals
        self._rhythm = Rhythm(random)
        self._connections = 0
        self._topics: tuple[str, ...] = ()
        self._listened_for: Config | None = None
        self._nonces = Nonces()
        self._hello_at_s: float | None = None
        self._reports_at_s: float | None = None
        self._pause_s = _FIRST_PAUSE_S

    def turn(self) -> None:
        """Listen to the right topics, and say whatever is due."""
        self._vitals.turn()
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

    def take(self, said: Answer | Receipt, came_s: float) -> Answered | None:
        """The controller's answer or receipt; handed back if it answers a nonce of ours, once.

        `came_s` is the boot time at which it came.
        """
        if isinstance(said, Receipt):
            self._take_receipt(said)
            return None
        passed_s = self._nonces.answered(said.nonce, came_s)
        if passed_s is None:
            logs.say(_log, "answer_to_nobody")
            return None
        round_trip_s = max(0.0, passed_s - said.waited_us / 1_000_000)
        logs.say(
            _log, "answered", config=said.config, areas=len(said.current), in_ms=round(round_trip_s * 1e3)
        )
        return Answered(said, round_trip_s, came_s)

    def ask(self) -> bool:
        """Say hello now because the time is needed; False if one is on its way, or the link is down."""
        is_new = self._courier.connections != self._connections
        if is_new or not self._courier.is_connected or self._nonces.is_waiting(self._clock.monotonic()):
            return False
        self._send_hello()
        return True

    def close(self) -> None:
        """Keep what was counted; idempotent."""
        self._vitals.close()

    def listen_anew(self) -> None:
        """Subscribe again at the next turn, so that what is retained comes again; and say hello."""
        self._topics = ()
        self._hello_at_s = self._clock.monotonic()

    def _listen(self) -> None:
        config = self._memory.config
        if self._topics and config is self._listened_for:
            return
        if config and self._listened_for and config.papers != self._listened_for.papers:
            self.listen_anew()
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
        self._send_hello()
        self._rhythm.begin_anew()
        self._reports_at_s = self._clock.monotonic()
        self._pause_s = _FIRST_PAUSE_S

    def _send_hello(self) -> None:
        nonce = self._nonces.make(self._clock.monotonic())
        hello = Hello(
            node=self._voice.node,
            boot_id=self._voice.boot_id,
            journal_id=self._writing.journal_id,
            nonce=nonce,
            sent_at=self._clock.now(),
            clock=self._clock.state(),
            config=self._config_version(),
            held=self._memory.held,
            agent=AGENT,
            machine=self._voice.machine,
            card=self._voice.card,
        )
        self._send(Channel.HELLO, hello, nonce)

    def _config_version(self) -> int:
        return self._memory.config.version if self._memory.config else 0

    def _say_state(self, now_s: float) -> None:
        lacking = self._missing() > 0, self._without_room() > 0
        output = self._ill_output(), holding(self._memory.presses)
        light = (self._sounding(), self._siren_for(), self._clock.state(), lacking, output)
        weighty = (self._memory.revision, self._vitals.concerns)
        every_s = self._settings().state_every_ms / 1000
        detail = self._rhythm.due(now_s, light=light, weighty=weighty, every_s=every_s)
        if detail is not None:
            self._send(Channel.STATE, self._state(detail))

    def _state(self, detail: Detail) -> State:
        compact = State(
            node=self._voice.node,
            boot_id=self._voice.boot_id,
            at=self._clock.now(),
            detail=detail,
            sounding=self._sounding(),
            siren_for=self._siren_for(),
            clock=self._clock.state(),
            clock_source=self._clock.reading().source,
            unsent=self._writing.count_unsent(),
            missing=self._missing(),
            without_room=self._without_room(),
            output=self._told_output(detail),
            stopped=self._stopped(),
        )
        if detail is not Detail.FULL:
            return compact
        more = {"config": self._config_version(), "held": self._memory.held, "health": self._vitals.health()}
        return compact.model_copy(update={**more, "free_bytes": self._free_bytes(), "agent": AGENT})

    def _told_output(self, detail: Detail) -> Output | None:
        """In full always, else where there is something to tell."""
        output = self._output()
        return output if detail is Detail.FULL or self._ill_output() or output.underflows else None

    def _ill_output(self) -> tuple[bool, bool] | None:
        """What is wrong with the output, None if nothing is; underflows alone are no news."""
        output = self._output()
        is_well = output.is_open and not output.sync_degraded
        return None if is_well else (output.is_open, output.sync_degraded)

    def _stopped(self) -> Stopped | None:
        press = holding(self._memory.presses)
        return None if press is None else Stopped(id=press.id, at=press.at)

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
        batch = Reports(
            node=self._voice.node, journal_id=unsent.journal_id, chain=unsent.chain, reports=unsent.reports
        )
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

    def _send(self, channel: Channel, message: Message, nonce: Nonce | None = None) -> None:
        topic, payload = self._voice.sealed(channel, message)
        if nonce is not None:
            self._nonces.leaves(nonce, self._clock.monotonic())
        self._courier.send(str(topic), payload, retain=topic.row.retained)
