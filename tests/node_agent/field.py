"""A node without a clock battery, its controller that answers hellos, and time that really passes."""

from datetime import datetime, timedelta
from pathlib import Path

from loa.protocol.codec import decode
from loa.protocol.ids import AreaId, BootId
from loa.protocol.keys import KeyRing
from loa.protocol.programme import Urgent
from loa.protocol.reports import Answer, Held, Hello
from loa.protocol.topics import Channel, Topic
from tests.fakes.node_world import WorldClock
from tests.fakes.time_sources import FakeTimeSources, MachineTime, shows_1970
from tests.node_agent.makers import NODE, NOON
from tests.node_agent.rig import NODE_KEY, STEP, World

HELLO = Topic(Channel.HELLO, NODE)


class FieldWorld(World):
    """Instants of tests are true time; what the node takes for the time is its own affair."""

    def __init__(self, folder: Path, true: datetime = NOON) -> None:
        self.sources = FakeTimeSources(true)
        shows_1970(self.sources)
        self.boots = 1
        self.answers = True
        """Whether the controller answers hellos."""
        self.round_trip = STEP
        self.urgent: dict[AreaId, int] = {}
        self.hellos: list[Hello] = []
        self._asked: list[tuple[datetime, Hello]] = []
        self._listened = 0
        super().__init__(folder, true)

    def make_clock(self, now: datetime) -> WorldClock:
        del now
        return MachineTime(self.sources, self.folder / "clock.json", BootId(f"{self.boots:032x}"))

    @property
    def true(self) -> datetime:
        return self.sources.true

    def start_again(self) -> None:
        """systemd starts the agent again in the same boot."""
        self.clock = self.make_clock(self.true)
        self.restart()

    def boot(self) -> None:
        """Power comes back; there is no battery clock."""
        self.boots += 1
        self.sources.booted_at = self.true
        self.sources.ntp = None
        shows_1970(self.sources)
        self.start_again()

    def live(self, until: datetime, *, step: timedelta = STEP) -> None:
        """Let true time pass, turn by turn."""
        while self.true < until:
            self.sources.true = min(until, self.true + step)
            self._hear_hellos()
            self._answer()
            self.turn()

    def leave(self, until: datetime) -> None:
        """The node is off; time passes without it."""
        self.sources.true = until

    def restart(self) -> None:
        super().restart()
        self.player.clock = self.clock.now

    def urge(self, urgent: Urgent) -> None:
        self.urgent[urgent.area] = urgent.version
        self.publish(Topic(Channel.URGENT, urgent.area), urgent)

    def _hear_hellos(self) -> None:
        said, self._listened = self.broker.published[self._listened :], len(self.broker.published)
        for topic, payload in said:
            if topic == str(HELLO):
                hello = decode(HELLO, payload, KeyRing([NODE_KEY.public]))
                assert isinstance(hello, Hello)
                self.hellos.append(hello)
                self._asked.append((self.true - STEP, hello))

    def _answer(self) -> None:
        """Half of the round trip each way."""
        waiting, self._asked = self._asked, []
        for at, hello in waiting:
            if not self.answers or self.true < at + self.round_trip:
                self._asked += [(at, hello)] if self.answers else []
                continue
            current = {area: Held(urgent=version) for area, version in self.urgent.items()}
            answer = Answer(
                node=NODE, nonce=hello.nonce, at=self.true - self.round_trip / 2, config=1, current=current
            )
            self.publish(Topic(Channel.ANSWER, NODE), answer)
