"""A whole agent on fakes, in simulated time: what is told and what is sounded, second by second."""

from datetime import datetime, timedelta
from pathlib import Path
from queue import Empty, Queue
from random import Random

from loa.audio.deck import OpenSound
from loa.audio.decoder import DecodedFile
from loa.node_agent.fetching import Fetching
from loa.node_agent.intake import Intake
from loa.node_agent.memory import Memory
from loa.node_agent.ports import Arrival, Fetched, FetchTrouble, Job
from loa.node_agent.runner import Agent
from loa.node_agent.self_test import SelfTest
from loa.node_agent.sounding import Sounding
from loa.node_agent.telling import Telling
from loa.node_agent.voice import Voice
from loa.node_agent.witness import Listener, Witness
from loa.protocol.codec import decode, encode, pack
from loa.protocol.ids import BootId, RecordingId, sha256_hex
from loa.protocol.keys import KeyRing, SigningKey
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
from tests.fakes.node_disk import FakeDisk
from tests.fakes.node_world import FakeBroker, FakeCourier, FakeDownloads, FakeRecordings, FakeTime
from tests.fakes.player import FakePlayer
from tests.node_agent.makers import KEY, NODE, RING

STEP = timedelta(milliseconds=250)
_NODE_KEY = SigningKey.generate()


class World:
    """Everything around an agent; survives its restarts."""

    def __init__(self, folder: Path, now: datetime) -> None:
        self.folder = folder
        self.clock = FakeTime(now)
        self.broker = FakeBroker()
        self.disk = FakeDisk()
        self.recordings = FakeRecordings(folder / "recordings")
        self.bodies: dict[str, bytes] = {}
        self.on_offer: set[RecordingId] = set()
        self.listeners: list[Listener] = []
        """Ears of the agent; they count from the next restart on."""
        self.open_sound: OpenSound = DecodedFile
        self.gives_receipts = True
        self._reports: dict[int, Report] = {}
        self._read = 0
        self.restart()

    def restart(self) -> None:
        """As after a loss of power: only the disk stays."""
        self.broker.couriers.clear()
        self.inbox: Queue[Arrival] = Queue(1_000)
        self.player = FakePlayer(self.clock.now())
        self.downloads = FakeDownloads()
        courier = FakeCourier(self.broker, inbox=self.inbox, clock=self.clock)
        self.memory = Memory(disk=self.disk, clock=self.clock)
        self.intake = Intake(
            memory=self.memory,
            node=NODE,
            keys=RING,
            folder=self.folder,
            clock=self.clock,
            random=Random(1),
        )
        witness = Witness(listeners=self.listeners, open_sound=self.open_sound, clock=self.clock)
        path = self.folder / "self-test.wav"
        self.sounding = Sounding(
            memory=self.memory,
            recordings=self.recordings,
            open_player=lambda: self.player,
            clock=self.clock,
            witness=witness,
            self_test=SelfTest(memory=self.memory, witness=witness, clock=self.clock, path=path),
        )
        self.fetching = Fetching(
            memory=self.memory,
            intake=self.intake,
            sounding=self.sounding,
            recordings=self.recordings,
            downloads=self.downloads,
            clock=self.clock,
        )
        self.telling = self._make_telling(courier)
        self.agent = Agent(
            inbox=self.inbox,
            memory=self.memory,
            disk=self.disk,
            intake=self.intake,
            sounding=self.sounding,
            fetching=self.fetching,
            telling=self.telling,
            courier=courier,
            downloads=self.downloads,
            clock=self.clock,
        )
        self.agent.recover()

    def _make_telling(self, courier: FakeCourier) -> Telling:
        return Telling(
            voice=Voice(node=NODE, boot_id=BootId("0" * 32), key=_NODE_KEY, clock=self.clock),
            memory=self.memory,
            disk=self.disk,
            courier=courier,
            clock=self.clock,
            random=Random(1),
            sounding=lambda: self.sounding.sounding,
            missing=lambda: self.fetching.missing,
            free_bytes=self.recordings.free_bytes,
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
        if self.gives_receipts and self.disk.count_unsent() and (reports := self.reports()):
            self.give_receipt(reports[-1].number)

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
        keys = KeyRing([_NODE_KEY.public])
        topic = Topic(Channel.REPORTS, NODE)
        sent, self._read = self.broker.published[self._read :], len(self.broker.published)
        for batch in (decode(topic, payload, keys) for name, payload in sent if name == str(topic)):
            assert isinstance(batch, Reports)
            for report in batch.reports:
                assert self._reports.setdefault(report.number, report) == report
        return [self._reports[number] for number in sorted(self._reports)]

    def plays(self) -> list[PlayReport]:
        return [report for report in self.reports() if isinstance(report, PlayReport)]

    def refusals(self) -> list[RefusalReport]:
        return [report for report in self.reports() if isinstance(report, RefusalReport)]

    def problems(self) -> list[ProblemReport]:
        return [report for report in self.reports() if isinstance(report, ProblemReport)]

    def self_tests(self) -> list[SelfTestReport]:
        return [report for report in self.reports() if isinstance(report, SelfTestReport)]

    def give_receipt(self, up_to: int) -> None:
        receipt = Receipt(node=NODE, journal_id=self.disk.journal_id, up_to=up_to, at=self.clock.now())
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
