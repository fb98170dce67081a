"""Takes in what nodes say: many messages in one transaction, receipts after the commit."""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

import structlog

from loa.controller.core.chaining import Sealed, sealed
from loa.controller.core.evidence import found_by_ears, last_self_tests
from loa.controller.core.ingest import gapless, outcome_row, report_row
from loa.controller.core.rollouts import news_of
from loa.controller.errors import DiskFull, Unavailable
from loa.controller.ports import Clock, Courier, EventKind, Events
from loa.controller.services.gaps import Gaps
from loa.controller.services.hellos import Greeting
from loa.controller.services.mailbox import Incoming, Mailbox
from loa.controller.services.metrics import Metrics
from loa.controller.services.nodekeys import NodeKeys
from loa.controller.services.places import place_of
from loa.controller.services.presence import Presences, Said
from loa.controller.services.report_chains import ReportChains
from loa.controller.services.tasks import Task
from loa.controller.store import reports as store
from loa.controller.store import rollouts
from loa.controller.store.database import Database, Work
from loa.controller.store.reports import Facts, Journal
from loa.controller.store.self_tests import store_self_tests
from loa.controller.store.tree import read_tree
from loa.protocol.codec import decode
from loa.protocol.errors import MalformedError, ProtocolError, UntrustedError
from loa.protocol.ids import AreaId, BroadcastId, NodeId, OccurrenceId, broadcast_of
from loa.protocol.reports import (
    Hello,
    PlayReport,
    Receipt,
    RefusalReport,
    Reports,
    SelfTestReport,
    State,
    UpdateReport,
)
from loa.protocol.topics import Channel, Message, Topic
from loa.protocol.units import to_whole_ms

_log = structlog.get_logger(__name__)

MOST = 200
"""Messages taken together."""
GATHER_S = 0.02
PAUSE_S = 1.0
REPORTS_AT_ONCE = 500
"""In one transaction, so that an emergency never waits long for its turn to write."""
BREATH_S = 0.001
"""Between transactions: a lock that is taken again at once would never be anybody else's."""
_UNKNOWN = Facts(title="", field="", class_="unknown", duration_ms=0)
"""Of a broadcast that this database does not know, as after a restored backup."""


@dataclass(slots=True)
class Batch:
    """What was accepted of what came together."""

    reports: list[Sealed] = field(default_factory=list)
    hellos: list[Greeting] = field(default_factory=list)
    states: list[Said] = field(default_factory=list)


class Answers(Protocol):
    """Answers hellos (`loa.controller.services.hellos.Hellos`)."""

    def answer(self, greetings: Sequence[Greeting]) -> None:
        """Answer each of them; raises Unavailable."""
        ...


class Ingest:
    """Its thread takes from the mailbox; while the database is down it drops, and nodes send again."""

    def __init__(
        self,
        *,
        db: Database,
        clock: Clock,
        mailbox: Mailbox,
        courier: Courier,
        hellos: Answers,
        presences: Presences,
        events: Events,
        metrics: Metrics,
        gaps: Gaps | None = None,
    ) -> None:
        self._db = db
        self._clock = clock
        self._mailbox = mailbox
        self._courier = courier
        self._hellos = hellos
        self._presences = presences
        self._events = events
        self._metrics = metrics
        self._gaps = gaps or Gaps()
        self._keys = NodeKeys(db=db)
        self._chains = ReportChains(events=events)
        self._facts: dict[BroadcastId, Facts] = {}
        self._task = Task("ingest", self._run)
        self._stopping = False

    def start(self) -> None:
        """Begin to take."""
        self._task.start()

    def stop(self) -> None:
        """Store what was taken, then return."""
        self._stopping = True
        self._task.join()

    def take_in(self, messages: Sequence[Incoming]) -> None:
        """Verify, store, confirm what is stored; raises Unavailable or DiskFull, and nodes send again."""
        batch = Batch()
        for incoming in messages:
            self._accept(batch, incoming)
        self._hellos.answer(batch.hellos)
        self._presences.note(batch.states)
        for some in _slices(batch.reports):
            self._store(some)
            time.sleep(BREATH_S)

    def _run(self) -> None:
        while not self._stopping:
            messages = self._mailbox.take(most=MOST, within_s=0.25, gather_s=GATHER_S)
            if not messages:
                continue
            try:
                with self._metrics.ingest_seconds.time():
                    self.take_in(messages)
            except (Unavailable, DiskFull) as error:
                _log.error("ingest.dropped", messages=len(messages), why=str(error))
                time.sleep(PAUSE_S)

    # From bytes to messages.

    def _accept(self, batch: Batch, incoming: Incoming) -> None:
        try:
            self._sort(batch, incoming, self._verify(incoming))
        except ProtocolError as error:
            self._metrics.refused.labels(error.reason).inc()
            _log.warning("ingest.refused", topic=incoming.topic, reason=error.reason, why=str(error))

    def _sort(self, batch: Batch, incoming: Incoming, message: Message) -> None:
        match message:
            case Reports():
                batch.reports.append(sealed(message, incoming.payload, self._keys.key_x(message.node)))
            case Hello():
                batch.hellos.append(Greeting(message, incoming.came_s))
            case State():
                batch.states.append(Said(message, retained=incoming.retained))
            case _:
                self._metrics.refused.labels("downward").inc()

    def _verify(self, incoming: Incoming) -> Message:
        topic = Topic.parse(incoming.topic)
        if not topic.row.upward:
            raise MalformedError(f"{topic} is not for nodes to write")
        node = NodeId(topic.owner_id)
        try:
            return decode(topic, incoming.payload, self._keys.ring(node))
        except UntrustedError:
            if not self._keys.renew(node):
                raise
            return decode(topic, incoming.payload, self._keys.ring(node))

    # From reports to rows.

    def _store(self, some: list[Sealed]) -> None:
        now = to_whole_ms(self._clock.now())
        batches = [one.batch for one in some]
        with self._db.work() as work:
            up_to = self._store_rows(work, some, batches, now)
            work.after_commit(lambda: self._confirm(up_to, batches, now))

    def _store_rows(
        self, work: Work, some: list[Sealed], batches: list[Reports], now: datetime
    ) -> dict[Journal, int]:
        rows = [
            report_row(one.node, one.journal_id, report, now) for one in batches for report in one.reports
        ]
        store.insert_reports(work.session, rows)
        self._store_outcomes(work, batches, now)
        _store_updates(work, batches, now)
        store_self_tests(work.session, last_self_tests(batches))
        known = store.journals(work.session, {(one.node, one.journal_id) for one in batches})
        up_to = self._advance(known, store.beyond(work.session, known))
        store.store_journals(work.session, up_to, now)
        self._chains.keep(work, some, known=known, up_to=up_to, now=now)
        self._metrics.reports.inc(len(rows))
        return up_to

    def _advance(self, known: dict[Journal, int], beyond: dict[Journal, list[int]]) -> dict[Journal, int]:
        up_to: dict[Journal, int] = {}
        for journal, before in known.items():
            numbers = beyond.get(journal, [])
            reached = gapless(before, numbers)
            if not numbers or reached == numbers[-1]:
                self._gaps.close(journal)
            elif self._gaps.is_hopeless(journal):
                _log.error("ingest.gap_given_up", node=journal[0], journal=journal[1], after=reached)
                reached = numbers[-1]
                self._gaps.close(journal)
            up_to[journal] = reached
        return up_to

    def _store_outcomes(self, work: Work, batches: list[Reports], now: datetime) -> None:
        plays = _plays(batches)
        self._learn(work, {broadcast_of(report.occurrence) for _, report in plays.values()})
        tree = read_tree(work.session)
        places = {node: place_of(tree, node) for node in {one.node for one in batches}}
        rows = []
        for node, report in plays.values():
            facts = self._facts.get(broadcast_of(report.occurrence), _UNKNOWN)
            row = outcome_row(node, report, now) | places[node]
            row |= {"title": facts.title, "field": facts.field, "class": facts.class_}
            rows.append(row | {"duration_ms": facts.duration_ms, "drill": facts.drill})
        store.upsert_outcomes(work.session, rows)

    def _learn(self, work: Work, broadcasts: set[BroadcastId]) -> None:
        unknown = broadcasts - self._facts.keys()
        if unknown:
            if len(self._facts) > _FACTS_LIMIT:
                self._facts.clear()
            self._facts |= store.facts_of(work.session, unknown)

    # After the commit.

    def _confirm(self, up_to: dict[Journal, int], batches: list[Reports], now: datetime) -> None:
        for (node, journal), number in up_to.items():
            receipt = Receipt(node=node, journal_id=journal, up_to=number, at=now)
            self._courier.send(Topic(Channel.RECEIPT, node), receipt)
        self._metrics.receipts.inc(len(up_to))
        self._count(batches)
        self._announce(batches)

    def _count(self, batches: list[Reports]) -> None:
        """What comes a second time, for want of a receipt, counts again."""
        for (ear, found), number in Counter(found_by_ears(batches)).items():
            self._metrics.evidence.labels(ear, found).inc(number)
        for report in (report for one in batches for report in one.reports):
            if isinstance(report, SelfTestReport):
                self._metrics.self_tests.labels(report.outcome).inc()

    def _announce(self, batches: list[Reports]) -> None:
        kinds = {(one.node, isinstance(report, PlayReport)) for one in batches for report in one.reports}
        for node, is_play in kinds:
            kind = EventKind.LOG if is_play else EventKind.INCIDENT
            self._events.announce(kind, AreaId(node), node)


def _slices(batches: list[Sealed]) -> Iterator[list[Sealed]]:
    """In the order in which they came, about `REPORTS_AT_ONCE` together."""
    some: list[Sealed] = []
    count = 0
    for one in batches:
        some.append(one)
        count += len(one.link.numbers)
        if count >= REPORTS_AT_ONCE:
            yield some
            some, count = [], 0
    if some:
        yield some


def _plays(batches: list[Reports]) -> dict[tuple[OccurrenceId, NodeId], tuple[NodeId, PlayReport]]:
    """Of several reports on one occurrence the one that sounded most, and of equal ones the first."""
    found: dict[tuple[OccurrenceId, NodeId], tuple[NodeId, PlayReport]] = {}
    for one in batches:
        for report in one.reports:
            if isinstance(report, PlayReport):
                key = report.occurrence, one.node
                if key not in found or found[key][1].played_ms < report.played_ms:
                    found[key] = one.node, report
    return found


_FACTS_LIMIT = 10_000


def _store_updates(work: Work, batches: list[Reports], now: datetime) -> None:
    told = (
        news_of(one.node, report)
        for one in batches
        for report in one.reports
        if isinstance(report, UpdateReport | RefusalReport)
    )
    rollouts.note(work.session, (news for news in told if news is not None), now)
