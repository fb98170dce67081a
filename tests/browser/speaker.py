"""A node that enrols as the agent does and says what a test wants, signed, over the site's own broker."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from loa.controller.adapters.courier import BrokerAddress
from loa.controller.adapters.pem_files import write_private
from loa.node_agent.adapters.enrolment import CERTIFICATE_FILE, Enrolment, enrol, load
from loa.protocol.codec import encode
from loa.protocol.health import Health
from loa.protocol.ids import BootId, JournalId
from loa.protocol.keys import SigningKey
from loa.protocol.reasons import ClockSource, ClockState, SelfTestOutcome
from loa.protocol.reports import Detail, Output, Reports, SelfTestReport, State
from loa.protocol.topics import Channel, Topic
from tests.browser.site import Site
from tests.controller.brokers import Plain, plain_client

BOOT, JOURNAL = BootId("c" * 32), JournalId("1" * 32)


@dataclass
class Speaker:
    """The node on the line."""

    site: Site
    enrolment: Enrolment
    key: SigningKey
    line: Plain
    told: int = 0

    @property
    def now(self) -> datetime:
        return self.site.controller.clock.now()

    def say(self, health: Health | None = None, **facts: Any) -> None:  # noqa: ANN401 -- fields of a state
        """A full state of now, in which all is well but for these facts."""
        state = State(
            node=self.enrolment.node,
            boot_id=BOOT,
            at=self.now,
            detail=Detail.FULL,
            clock=ClockState.TRUSTED,
            clock_source=ClockSource.NTP,
            output=Output(is_open=True),
            agent="0.1.0",
            health=health,
            free_bytes=2_400_000_000,
            **facts,
        )
        self._publish(Topic(Channel.STATE, state.node), state, retain=True)

    def report_self_test(self, due_at: datetime, outcome: SelfTestOutcome) -> None:
        """What came of the self-test that was asked for."""
        self.told += 1
        report = SelfTestReport(number=self.told, at=self.now, due_at=due_at, on_demand=True, outcome=outcome)
        batch = Reports(node=self.enrolment.node, journal_id=JOURNAL, reports=(report,))
        self._publish(Topic(Channel.REPORTS, batch.node), batch, retain=False)

    def _publish(self, topic: Topic, message: State | Reports, *, retain: bool) -> None:
        self.line.publish(str(topic), encode(topic, message, self.key), retain=retain)


@contextmanager
def speaking(site: Site, enrolment: Enrolment, folder: Path) -> Iterator[Speaker]:
    """The enrolled node of that folder, connected to the broker."""
    _enrolment, key = load(folder)
    place = enrolment.mqtt
    paper = folder / "both.pem"
    write_private(paper, key.to_pem() + (folder / CERTIFICATE_FILE).read_text())
    address = BrokerAddress(
        host=place.host,
        port=place.port,
        name=enrolment.node,
        authority=enrolment.authority,
        certificate=paper,
    )
    with plain_client(address) as line:
        assert not line.refused
        yield Speaker(site, enrolment, key, line)


def enrolled(site: Site, code: str, folder: Path) -> Enrolment:
    """Use the code as `loa-node enrol` does."""
    return enrol(site.direct, code, folder)
