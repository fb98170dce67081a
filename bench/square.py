"""A square with four loudspeakers: whole agents on null sinks, and a controller's side made by hand."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from queue import Empty
from zoneinfo import ZoneInfo

from paho.mqtt.client import Client

from loa.protocol.broadcast import Broadcast
from loa.protocol.codec import encode
from loa.protocol.ids import AreaId, JournalId, NodeId
from loa.protocol.keys import SigningKey
from loa.protocol.reports import Receipt, Report, Reports, State
from loa.protocol.topics import Channel, Topic
from tests.node_agent.makers import AREA, KEY, make_config
from tests.node_agent.processes import NodeProcess
from tests.node_agent.station import Station
from tests.pulse import SINKS, Pulse
from tests.waiting import wait_for


class SquareStation(Station):
    """Keeps the reports of many journals, and the last state of every node."""

    def __init__(self, folder: Path, *, node_key: SigningKey) -> None:
        super().__init__(folder, node_key=node_key)
        self.by_journal: defaultdict[JournalId, dict[int, Report]] = defaultdict(dict)
        self._states: dict[NodeId, State] = {}

    def states(self) -> dict[NodeId, State]:
        """What each node said last of itself."""
        while True:
            try:
                _, said = self.came.get_nowait()
            except Empty:
                return self._states
            if isinstance(said, State):
                self._states[said.node] = said

    def _store(self, client: Client, batch: Reports) -> None:
        journal = self.by_journal[batch.journal_id]
        journal.update({report.number: report for report in batch.reports})
        up_to = max(n for n in journal if all(k in journal for k in range(1, n + 1)))
        receipt = Receipt(node=batch.node, journal_id=batch.journal_id, up_to=up_to, at=datetime.now(UTC))
        topic = Topic(Channel.RECEIPT, batch.node)
        client.publish(str(topic), encode(topic, receipt, KEY), 1)


def at_the_millisecond(broadcast: Broadcast, start_at: datetime) -> Broadcast:
    """The same broadcast, starting not only at the second."""
    when = broadcast.when
    local = start_at.astimezone(ZoneInfo(when.tz)).isoformat(timespec="milliseconds")[:23]
    return broadcast.model_copy(update={"when": when.model_copy(update={"start_local": local})})


@dataclass
class Square:
    """The station and its running agents."""

    station: SquareStation
    nodes: list[NodeProcess] = field(default_factory=list)

    def log_says(self, event: str) -> None:
        """Wait until every agent's log has it."""
        for node in self.nodes:
            wait_for(partial(_says, node.log, event), what=event, within_s=60)


@contextmanager
def square(folder: Path, served: Pulse, sinks: Sequence[str] = SINKS) -> Iterator[Square]:
    """An agent a sink, each configured and connected."""
    key = SigningKey.generate()
    station = SquareStation(folder, node_key=key)
    with ExitStack() as at_last:
        at_last.callback(station.close)
        station.start()
        made = Square(station)
        for sink in sinks:
            made.nodes.append(_node(folder, served, station, sink, key))
            at_last.callback(made.nodes[-1].close)
        made.log_says("event=configured")
        made.log_says("event=player_open")
        yield made


def _says(log: Path, event: str) -> bool:
    return event in log.read_text()


def _node(folder: Path, served: Pulse, station: Station, sink: str, key: SigningKey) -> NodeProcess:
    place, name = folder / sink, NodeId(sink)
    place.mkdir()
    node = NodeProcess(place, node_key=key)
    node.sink, node.environment = "default", served.environment(sink)
    node.enrol(host=station.broker.host, port=station.broker.port, base_url=station.base_url, node=name)
    config = make_config(issued_at=datetime.now(UTC), areas=(AREA, AreaId(sink)))
    station.configure(config.model_copy(update={"node": name}))
    node.start()
    return node
