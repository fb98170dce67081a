"""A whole agent on fakes, in simulated time: what is told and what is sounded, second by second."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from queue import Empty, Queue
from random import Random

from loa.audio.deck import OpenSound
from loa.audio.decoder import DecodedFile
from loa.node_agent.adapters.disk import SqliteDisk
from loa.node_agent.core.belief import Belief
from loa.node_agent.errors import GpioError
from loa.node_agent.fetching import Fetching
from loa.node_agent.intake import Intake
from loa.node_agent.memory import Memory
from loa.node_agent.ports import Arrival, Fetched, FetchTrouble, Job
from loa.node_agent.runner import Agent
from loa.node_agent.self_test import SelfTest
from loa.node_agent.sounding import Sounding
from loa.node_agent.stopping import Stopping
from loa.node_agent.telling import Telling
from loa.node_agent.timing import Timing
from loa.node_agent.updating import Updating
from loa.node_agent.vitals import Vitals
from loa.node_agent.voice import Voice
from loa.node_agent.wired import Wired
from loa.node_agent.wiring import Wiring
from loa.node_agent.witness import Listener, Witness
from loa.protocol.codec import decode, encode, pack
from loa.protocol.ids import BootId, JournalId, RecordingId, sha256_hex
from loa.protocol.keys import KeyRing, PublicKey, SigningKey
from loa.protocol.programme import Config, ConfigPointer, Programme, ProgrammePointer, Urgent
from loa.protocol.reports import (
    PlayReport,
    ProblemReport,
    Receipt,
    RefusalReport,
    Report,
    Reports,
    SelfTestReport,
)
from loa.protocol.topics import Channel, Message, Topic
from loa.protocol.units import SizeBytes
from tests.fakes.gpio import FakeRelay, FakeSwitch
from tests.fakes.node_disk import FakeDisk
from tests.fakes.node_world import (
    FakeBroker,
    FakeCourier,
    FakeDownloads,
    FakeRecordings,
    FakeSensors,
    FakeTime,
    FakeUpkeep,
    FakeUsageKeeper,
    FakeWatchdog,
    WorldClock,
)
from tests.fakes.player import FakePlayer
from tests.fakes.update import FakeSite
from tests.node_agent.makers import KEY, NODE, RING

STEP = timedelta(milliseconds=250)
NODE_KEY = SigningKey.generate()


class World:
    """Everything around an agent; survives its restarts."""

    def __init__(
        self, folder: Path, now: datetime, *, wiring: Wiring | None = None, has_gpio: bool = True
    ) -> None:
        self.folder = folder
        self.clock: WorldClock = self.make_clock(now)
        self.broker = FakeBroker()
        self.disk: FakeDisk | SqliteDisk = FakeDisk()
        self.recordings = FakeRecordings(folder / "recordings")
        self.sensors, self.usage = FakeSensors(), FakeUsageKeeper()
        self.bodies: dict[str, bytes] = {}
        self.on_offer: set[RecordingId] = set()
        self.root: PublicKey | None = None
        """What the agent was enrolled with; counts from the next restart on."""
        self.listeners: list[Listener] = []
        """Ears of the agent; they count from the next restart on."""
        self.open_sound: OpenSound = DecodedFile
        self.gives_receipts = True
        self.wiring = wiring or Wiring()
        self.has_gpio = has_gpio
        self.relay = FakeRelay(self.clock)
        self.switches: list[FakeSwitch] = []
        self.site = FakeSite(folder)
        self.runs = "0.1.0"
        self._reports: dict[tuple[JournalId, int], Report] = {}
        self._read = 0
        self.restart()

    def make_clock(self, now: datetime) -> WorldClock:
        """One that NTP keeps, unless somebody tries another."""
        return FakeTime(now)

    def restart(self) -> None:
        """As after a loss of power: only the disk stays."""
        self.switches.clear()
        self.broker.couriers.clear()
        self.inbox: Queue[Arrival] = Queue(1_000)
        self.player = FakePlayer(self.clock.now())
        self.downloads = FakeDownloads()
        self.watchdog = FakeWatchdog()
        self.upkeep = FakeUpkeep()
        courier = FakeCourier(self.broker, inbox=self.inbox, clock=self.clock)
        self.memory = Memory(disk=self.disk, clock=self.clock)
        self.intake = Intake(
            memory=self.memory,
            belief=Belief(node=NODE, keys=RING, root=self.root),
            folder=self.folder,
            clock=self.clock,
            random=Random(1),
        )
        self.sounding = self._make_sounding()
        self.updating = self._make_updating(courier)
        self.fetching = Fetching(
            memory=self.memory,
            intake=self.intake,
            sounding=self.sounding,
            recordings=self.recordings,
            downloads=self.downloads,
            clock=self.clock,
            random=Random(1),
            after_all=self.updating.jobs,
        )
        self.telling = self._make_telling(courier)
        self.wired: Wired = self._make_wired()
        self.stopping = Stopping(memory=self.memory, hush=self.sounding.hush, clock=self.clock)
        timing = Timing(
            clock=self.clock,
            memory=self.memory,
            sounding=self.sounding,
            telling=self.telling,
            random=Random(1),
        )
        self.agent = self._make_agent(timing, courier)
        self.agent.recover()

    def _make_sounding(self) -> Sounding:
        witness = Witness(listeners=self.listeners, open_sound=self.open_sound, clock=self.clock)
        path = self.folder / "self-test.wav"
        return Sounding(
            memory=self.memory,
            recordings=self.recordings,
            open_player=lambda: self.wired.amplified(self.player),
            clock=self.clock,
            witness=witness,
            self_test=SelfTest(memory=self.memory, witness=witness, clock=self.clock, path=path),
        )

    def _make_agent(self, timing: Timing, courier: FakeCourier) -> Agent:
        return Agent(
            timing=timing,
            inbox=self.inbox,
            memory=self.memory,
            disk=self.disk,
            intake=self.intake,
            sounding=self.sounding,
            fetching=self.fetching,
            telling=self.telling,
            stopping=self.stopping,
            wired=self.wired,
            updating=self.updating,
            upkeep=self.upkeep,
            courier=courier,
            downloads=self.downloads,
            clock=self.clock,
            watchdog=self.watchdog,
        )

    def _make_wired(self) -> Wired:
        return Wired(
            self.wiring,
            open_relay=lambda _pin, _active_low: self.relay,
            open_switch=self._open_switch,
            inbox=self.inbox,
            clock=self.clock,
        )

    def _open_switch(self, pin: int, pressed: Callable[[], None]) -> FakeSwitch:
        if not self.has_gpio:
            raise GpioError(pin, "no such chip")
        return FakeSwitch(pressed, self.switches)

    def _make_telling(self, courier: FakeCourier) -> Telling:
        voice = Voice(node=NODE, boot_id=BootId("0" * 32), key=NODE_KEY, clock=self.clock)
        vitals = Vitals(
            sensors=self.sensors,
            keeper=self.usage,
            memory=self.memory,
            clock=self.clock,
            boot_id=voice.boot_id,
            free_bytes=self.recordings.free_bytes,
        )
        return Telling(
            voice=voice,
            memory=self.memory,
            courier=courier,
            clock=self.clock,
            random=Random(1),
            sounding=lambda: self.sounding.sounding,
            siren_for=lambda: self.sounding.siren_for,
            output=lambda: self.sounding.output_watch.output,
            missing=lambda: self.fetching.missing,
            without_room=lambda: self.fetching.without_room,
            free_bytes=self.recordings.free_bytes,
            vitals=vitals,
        )

    def _make_updating(self, courier: FakeCourier) -> Updating:
        return Updating(
            memory=self.memory,
            site=self.site,
            node=NODE,
            runs=self.runs,
            boot_id=BootId("0" * 32),
            pid=1,
            clock=self.clock,
            random=Random(1),
            plan=lambda: self.sounding.plan,
            sounding=lambda: self.sounding.sounding,
            is_connected=lambda: courier.is_connected,
        )

    def go(self, to: datetime, *, step: timedelta = STEP) -> None:
        """Let time pass, turn by turn."""
        while self.clock.now() < to:
            self.clock.go(min(to, self.clock.now() + step))
            self.turn()

    def turn(self) -> None:
        self.player.advance(self.clock.now())
        self._deliver()
        self.agent.turn()
        if self.gives_receipts and self.memory.writing.count_unsent() and self.reports():
            for journal_id, number in list(self._reports):
                self.give_receipt(number, journal_id)

    def sleep_until(self, to: datetime) -> None:
        """The node is off; time passes without it."""
        self.clock.go(to)

    # The controller's side.

    def configure(self, config: Config) -> None:
        digest, size_bytes = self._serve(pack(config, KEY))
        pointer = ConfigPointer(
            node=NODE,
            version=config.version,
            sha256=digest,
            size_bytes=size_bytes,
            issued_at=config.issued_at,
        )
        self.publish(Topic(Channel.CONFIG, NODE), pointer)
        self.settle()

    def issue(self, programme: Programme) -> None:
        self.publish(Topic(Channel.PROGRAMME, programme.area), self._point(programme))
        self.settle()

    def urge(self, urgent: Urgent) -> None:
        self.publish(Topic(Channel.URGENT, urgent.area), urgent)
        self.settle()

    def publish(self, topic: Topic, message: Message) -> None:
        self.broker.publish(str(topic), encode(topic, message, KEY), retain=True)

    def settle(self) -> None:
        """Turns enough for pointer, body and plan, without time."""
        for _ in range(4):
            self.turn()

    def offer(self, recording: RecordingId) -> None:
        """From now on it can be fetched."""
        self.on_offer.add(recording)

    def reports(self) -> list[Report]:
        """All that were sent so far; what is sent again must say the same."""
        keys = KeyRing([NODE_KEY.public])
        topic = Topic(Channel.REPORTS, NODE)
        sent, self._read = self.broker.published[self._read :], len(self.broker.published)
        for batch in (decode(topic, payload, keys) for name, payload in sent if name == str(topic)):
            assert isinstance(batch, Reports)
            for report in batch.reports:
                assert self._reports.setdefault((batch.journal_id, report.number), report) == report
        return list(self._reports.values())

    def plays(self) -> list[PlayReport]:
        return [report for report in self.reports() if isinstance(report, PlayReport)]

    def refusals(self) -> list[RefusalReport]:
        return [report for report in self.reports() if isinstance(report, RefusalReport)]

    def problems(self) -> list[ProblemReport]:
        return [report for report in self.reports() if isinstance(report, ProblemReport)]

    def self_tests(self) -> list[SelfTestReport]:
        return [report for report in self.reports() if isinstance(report, SelfTestReport)]

    def give_receipt(self, up_to: int, journal_id: JournalId | None = None) -> None:
        journal_id = journal_id or self.disk.journal_id
        receipt = Receipt(node=NODE, journal_id=journal_id, up_to=up_to, at=self.clock.now())
        self.publish(Topic(Channel.RECEIPT, NODE), receipt)
        self._deliver()

    def said(self, urgent: Urgent, programme: Programme) -> list[tuple[str, bytes]]:
        """Genuine messages by topic, as a broker that somebody took over could hand them to anybody."""
        messages: list[tuple[Channel, Urgent | ProgrammePointer]] = [
            (Channel.URGENT, urgent),
            (Channel.PROGRAMME, self._point(programme)),
        ]
        topics = [(Topic(channel, message.area), message) for channel, message in messages]
        return [(str(topic), encode(topic, message, KEY)) for topic, message in topics]

    def _point(self, programme: Programme) -> ProgrammePointer:
        digest, size_bytes = self._serve(pack(programme, KEY))
        return ProgrammePointer(
            area=programme.area,
            version=programme.version,
            sha256=digest,
            size_bytes=size_bytes,
            issued_at=programme.issued_at,
        )

    def _serve(self, packed: bytes) -> tuple[str, SizeBytes]:
        digest = sha256_hex(packed)
        self.bodies[digest] = packed
        return digest, SizeBytes(len(packed))

    def _deliver(self) -> None:
        """Downloads come at once, if anybody offers them; then the agent takes everything."""
        for job in list(self.downloads.jobs):
            self._fetch(job)
        while True:
            try:
                self.agent.take(self.inbox.get_nowait())
            except Empty:
                return

    def _fetch(self, job: Job) -> None:
        at = self.clock.now()
        if job.sha256 in self.bodies:
            job.into.write_bytes(self.bodies[job.sha256])
            self.inbox.put(Fetched(job, job.into, at))
        elif job.sha256 in self.on_offer:
            self.recordings.sizes[RecordingId(job.sha256)] = job.size_bytes
            self.recordings.damaged.discard(RecordingId(job.sha256))
            self.inbox.put(Fetched(job, job.into, at))
        self.downloads.jobs.remove(job)

    def trouble(self, job: Job, error: Exception, attempt: int = 1) -> None:
        self.inbox.put(FetchTrouble(job, error, attempt, self.clock.now()))
