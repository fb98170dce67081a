"""What nodes say, stored and confirmed; `take_in` is what the ingest thread does with a batch."""

import json
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from sqlmodel import select

from loa.controller.core.ingest import PLACE_CHARACTERS
from loa.controller.core.presence import Presence
from loa.controller.core.sample import COMMUNE, VILLAGES
from loa.controller.ports import EventKind
from loa.controller.services.gaps import Gaps
from loa.controller.services.ingest import Ingest
from loa.controller.services.log import Log, LogTimes
from loa.controller.services.mailbox import Incoming, Mailbox
from loa.controller.services.metrics import Metrics
from loa.controller.services.presence import Presences
from loa.controller.store.areas import row_of
from loa.controller.store.database import Database
from loa.controller.store.tables import LogRow, NodeRow, ReportRow
from loa.protocol.broadcast import Entry
from loa.protocol.codec import encode
from loa.protocol.ids import BootId, JournalId, NodeId, occurrence_id
from loa.protocol.keys import SigningKey
from loa.protocol.kinds import BroadcastClass
from loa.protocol.reasons import ClockState, Reason, RefusalReason
from loa.protocol.reports import (
    Answer,
    Detail,
    Hello,
    Piece,
    PlayReport,
    Receipt,
    RefusalReport,
    Reports,
    State,
)
from loa.protocol.topics import Channel, Message, Topic
from loa.protocol.units import DurationMs
from tests.controller.air import place
from tests.controller.factories import Town
from tests.fakes.controller import FakeEvents
from tests.fakes.courier import FakeCourier
from tests.fakes.hellos import FakeHellos

NODE = NodeId("loa-1")
JOURNAL = JournalId("b" * 32)
BOOT = BootId("c" * 32)


@dataclass
class Post:
    """An ingest over a small commune with one node."""

    town: Town
    patience_s: float = 60.0
    ticks: float = 0.0
    courier: FakeCourier = field(default_factory=FakeCourier)
    events: FakeEvents = field(default_factory=FakeEvents)
    metrics: Metrics = field(default_factory=Metrics)
    hellos: FakeHellos = field(default_factory=FakeHellos)

    def __post_init__(self) -> None:
        self.key = self.town.node(NODE)
        db, clock = self.town.db, self.town.clock
        self.log = Log(db=db, clock=clock, events=self.events, times=LogTimes())
        self.presences = Presences(db=db, clock=clock, events=self.events, metrics=self.metrics)
        self.ingest = Ingest(
            db=db,
            clock=clock,
            mailbox=Mailbox(limit=10, metrics=self.metrics),
            courier=self.courier,
            hellos=self.hellos,
            presences=self.presences,
            events=self.events,
            metrics=self.metrics,
            gaps=Gaps(patience_s=self.patience_s, ticks=lambda: self.ticks),
        )

    def say(self, channel: Channel, *messages: Message, key: SigningKey | None = None) -> None:
        topic = Topic(channel, NODE)
        said = [Incoming(str(topic), encode(topic, one, key or self.key)) for one in messages]
        self.ingest.take_in(said)

    def report(self, *reports: PlayReport | RefusalReport) -> None:
        self.say(Channel.REPORTS, Reports(node=NODE, journal_id=JOURNAL, reports=reports))

    def confirmed(self) -> int:
        receipt = self.courier.last(Topic(Channel.RECEIPT, NODE))
        assert isinstance(receipt, Receipt)
        return receipt.up_to

    def rows(self) -> list[ReportRow]:
        with self.town.db.look() as session:
            return list(session.exec(select(ReportRow)))

    def lines(self) -> list[LogRow]:
        with self.town.db.look() as session:
            return list(session.exec(select(LogRow)))

    def node(self) -> NodeRow:
        with self.town.db.look() as session:
            return session.exec(select(NodeRow)).one()


@pytest.fixture
def post(db: Database) -> Post:
    return Post(Town(db).build())


def play(
    entry: Entry, number: int, *, played_ms: int = 25_000, outcome: Reason = Reason.COMPLETE
) -> PlayReport:
    start = entry.issued_at + timedelta(hours=1)
    return PlayReport(
        number=number,
        occurrence=occurrence_id(entry.id, start),
        planned_at=start,
        outcome=outcome,
        played_ms=DurationMs(played_ms),
        late_ms=7,
        pieces=(
            Piece(
                from_at=start + timedelta(milliseconds=7),
                to_at=start + timedelta(milliseconds=7 + played_ms),
                offset_ms=DurationMs(0),
            ),
        ),
    )


def refusal(number: int, at: Town) -> RefusalReport:
    return RefusalReport(
        number=number,
        at=at.clock.now(),
        topic="loa/v1/areas/lang-cong/urgent",
        reason=RefusalReason.BAD_SIGNATURE,
        detail="the signature does not fit",
        sha256="d" * 64,
    )


def state(post: Post, detail: Detail = Detail.FULL, **more: object) -> State:
    content = {"node": NODE, "boot_id": BOOT, "at": post.town.clock.now(), "detail": detail}
    return State.model_validate(content | {"clock": ClockState.TRUSTED} | more)


def test_a_report_becomes_a_line_of_the_log_and_is_confirmed(post: Post) -> None:
    entry = place(post.town, COMMUNE)
    post.report(play(entry, 1))
    [line] = post.lines()
    assert (line.outcome, line.late_ms, line.played_ms, line.title) == (
        "complete",
        7,
        25_000,
        "Lịch tiêm phòng",
    )
    assert line.area_id == VILLAGES[0]
    assert line.path == f"/vinh-phuc/song-lo/{COMMUNE}/{VILLAGES[0]}/"
    assert "Xã Lãng Công" in line.place
    assert line.started_at == line.planned_at + timedelta(milliseconds=7)
    assert json.loads(line.pieces or "")[0]["offset_ms"] == 0
    assert post.confirmed() == 1


def test_an_expected_line_is_filled_and_not_doubled(post: Post) -> None:
    entry = place(post.town, COMMUNE)
    post.log.expect(frozenset({COMMUNE}))
    [expected] = post.lines()
    assert expected.outcome == "expected"
    post.report(play(entry, 1))
    [line] = post.lines()
    assert (line.id, line.outcome) == (expected.id, "complete")


def test_a_late_report_overwrites_missed(post: Post) -> None:
    entry = place(post.town, COMMUNE)
    post.log.expect(frozenset({COMMUNE}))
    post.town.clock.forward(hours=2)
    assert post.log.mark_missed() == 1
    assert post.lines()[0].outcome == "missed"
    post.report(play(entry, 1))
    assert post.lines()[0].outcome == "complete"


def test_the_same_reports_again_change_nothing_and_are_confirmed_again(post: Post) -> None:
    entry = place(post.town, COMMUNE)
    for _ in range(3):
        post.report(play(entry, 1), refusal(2, post.town))
    assert len(post.rows()) == 2
    assert len(post.lines()) == 1
    receipts = post.courier.messages(Topic(Channel.RECEIPT, NODE))
    assert [one.up_to for one in receipts if isinstance(one, Receipt)] == [2, 2, 2]


def test_what_a_node_says_after_it_lost_its_journal_does_not_change_the_log(post: Post) -> None:
    entries = [place(post.town, COMMUNE, title=title) for title in ("Chợ phiên", "Họp thôn")]
    post.report(*(play(entry, number) for number, entry in enumerate(entries, 1)))
    again = [
        play(entry, number, played_ms=0, outcome=Reason.LEARNT_TOO_LATE)
        for number, entry in enumerate(entries, 1)
    ]
    post.say(Channel.REPORTS, Reports(node=NODE, journal_id=JournalId("c" * 32), reports=tuple(again)))
    assert [(line.outcome, line.played_ms) for line in post.lines()] == [("complete", 25_000)] * 2
    assert len(post.rows()) == 4
    assert post.confirmed() == 2


def test_only_what_has_no_gap_is_confirmed(post: Post) -> None:
    post.report(refusal(1, post.town), refusal(2, post.town))
    post.report(refusal(5, post.town))
    assert post.confirmed() == 2
    post.report(refusal(3, post.town), refusal(4, post.town))
    assert post.confirmed() == 5


def test_a_gap_that_nobody_can_fill_is_given_up(post: Post) -> None:
    """A restored backup lost 1 to 4, which the node forgot after the receipt of the lost disk."""
    post.report(refusal(5, post.town))
    assert post.confirmed() == 0
    post.ticks = 59.0
    post.report(refusal(5, post.town))
    assert post.confirmed() == 0
    post.ticks = 61.0
    post.report(refusal(5, post.town))
    assert post.confirmed() == 5


def test_a_refusal_is_an_incident(post: Post) -> None:
    post.report(refusal(1, post.town))
    [row] = post.rows()
    assert row.kind == "refusal"
    assert json.loads(row.body)["reason"] == "bad_signature"
    assert EventKind.INCIDENT in {event.kind for event in post.events.told}


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        ("loa/v1/nodes/loa-1/reports", b"not a message"),
        ("loa/v1/nodes/loa-1/reports", b"a.b.c"),
        ("loa/v1/nodes/loa-1/reports", b"x" * 300_000),
        ("loa/v1/nodes/stranger/reports", b"a.b.c"),
        ("loa/v1/nodes/LOA 1/reports", b""),
        ("elsewhere", b"{}"),
        ("loa/v1/areas/lang-cong/urgent", b"{}"),
    ],
)
def test_what_is_no_message_is_counted_and_the_rest_goes_on(post: Post, topic: str, payload: bytes) -> None:
    genuine = Topic(Channel.REPORTS, NODE)
    reports = Reports(node=NODE, journal_id=JOURNAL, reports=(refusal(1, post.town),))
    post.ingest.take_in(
        [Incoming(topic, payload), Incoming(str(genuine), encode(genuine, reports, post.key))]
    )
    assert len(post.rows()) == 1
    page = post.metrics.page().decode()
    counted = [line for line in page.splitlines() if line.startswith("loa_upward_refused_total{")]
    assert [line.rpartition(" ")[2] for line in counted] == ["1.0"]


def test_a_strangers_signature_is_not_believed(post: Post) -> None:
    reports = Reports(node=NODE, journal_id=JOURNAL, reports=(refusal(1, post.town),))
    post.say(Channel.REPORTS, reports, key=SigningKey.generate())
    assert post.rows() == []
    assert post.courier.sent == []
    assert b'reason="unknown_key"} 1.0' in post.metrics.page()


def test_a_neighbours_report_under_ones_own_name_is_refused(post: Post) -> None:
    other = post.town.node("loa-2")
    topic = Topic(Channel.REPORTS, NodeId("loa-2"))
    reports = Reports(node=NodeId("loa-2"), journal_id=JOURNAL, reports=(refusal(1, post.town),))
    payload = encode(topic, reports, other)
    post.ingest.take_in([Incoming(str(Topic(Channel.REPORTS, NODE)), payload)])
    assert post.rows() == []


def test_a_broadcast_that_the_database_lost_still_has_its_line(post: Post) -> None:
    elsewhere = Town(post.town.db, clock=post.town.clock)
    entry = place(elsewhere, COMMUNE)
    lost = entry.id[::-1]
    post.report(play(entry, 1).model_copy(update={"occurrence": f"{lost}@1795482000000"}))
    [line] = post.lines()
    assert (line.broadcast_id, line.outcome, line.class_) == (lost, "complete", "unknown")


def test_a_state_is_kept_and_makes_the_node_present(post: Post) -> None:
    post.say(Channel.STATE, state(post, unsent=3))
    node = post.node()
    assert node.presence == Presence.CONNECTED
    assert node.state_at == post.town.clock.now()
    assert State.from_bytes(node.state or "").unsent == 3
    assert [event.kind for event in post.events.told] == [EventKind.NODE]


def test_a_will_makes_the_node_late_and_forgets_nothing(post: Post) -> None:
    post.say(Channel.STATE, state(post, free_bytes=77))
    post.say(Channel.STATE, state(post, Detail.WILL))
    assert post.node().presence == Presence.LATE
    assert State.from_bytes(post.node().state or "").free_bytes == 77
    post.say(Channel.STATE, state(post, Detail.COMPACT))
    assert post.node().presence == Presence.CONNECTED


def test_presence_ages_without_a_word(post: Post) -> None:
    post.say(Channel.STATE, state(post))
    for minutes, presence in ((7, Presence.CONNECTED), (3, Presence.LATE), (10, Presence.LOST)):
        post.town.clock.forward(minutes=minutes)
        post.presences.age()
        assert post.node().presence == presence
    assert b'loa_nodes{presence="lost"} 1.0' in post.metrics.page()


def test_a_state_that_the_broker_had_kept_is_as_old_as_it_says(post: Post) -> None:
    old = state(post)
    post.town.clock.forward(hours=5)
    topic = Topic(Channel.STATE, NODE)
    post.ingest.take_in([Incoming(str(topic), encode(topic, old, post.key), retained=True)])
    assert post.node().presence == Presence.LOST


def test_what_a_node_holds_marks_its_lines_as_delivered(post: Post) -> None:
    place(post.town, COMMUNE)
    post.log.expect(frozenset({COMMUNE}))
    version = int(post.town.clock.now().timestamp() * 1000)
    post.say(Channel.STATE, state(post, held={COMMUNE: {"programme": version - 1}}))
    assert post.lines()[0].delivered_at is None
    post.say(Channel.STATE, state(post, held={COMMUNE: {"programme": version}}))
    assert post.lines()[0].delivered_at == post.town.clock.now()


@pytest.mark.parametrize(
    ("class_", "delivered"), [(BroadcastClass.EMERGENCY, True), (BroadcastClass.PRIORITY, False)]
)
def test_what_is_urgent_brings_emergencies_and_nothing_else(
    class_: BroadcastClass, *, delivered: bool, post: Post
) -> None:
    place(post.town, COMMUNE, class_=class_)
    post.log.expect(frozenset({COMMUNE}))
    version = int(post.town.clock.now().timestamp() * 1000)
    post.say(Channel.STATE, state(post, held={COMMUNE: {"programme": version - 1, "urgent": version}}))
    assert (post.lines()[0].delivered_at is not None) is delivered


def test_hellos_are_handed_on(post: Post) -> None:
    hello = Hello(
        node=NODE,
        boot_id=BOOT,
        journal_id=JOURNAL,
        nonce="e" * 32,
        sent_at=post.town.clock.now(),
        clock=ClockState.UNTRUSTED,
        agent="0.1",
    )
    post.say(Channel.HELLO, hello)
    assert post.hellos.heard == [hello]


def test_a_downward_message_from_below_is_refused(post: Post) -> None:
    topic = Topic(Channel.ANSWER, NODE)
    answer = Answer(node=NODE, nonce="e" * 32, at=post.town.clock.now(), config=0, current={})
    post.ingest.take_in([Incoming(str(topic), encode(topic, answer, post.key))])
    assert b'loa_upward_refused_total{reason="malformed"} 1.0' in post.metrics.page()


def test_what_no_column_takes_does_not_end_the_ingest(post: Post) -> None:
    with post.town.db.work() as work:
        for area in ("vinh-phuc", "song-lo", COMMUNE, VILLAGES[0]):
            row_of(work.session, area).name = "Ủ" * 200
    entry = place(post.town, COMMUNE)
    post.log.expect(frozenset({COMMUNE}))
    strange = {"by": "mai\0", "late_ms": 2**70, "played_ms": 2**40}
    post.report(play(entry, 1).model_copy(update=strange))
    [line] = post.lines()
    assert (line.by, line.late_ms, line.played_ms) == ("mai", 2**31 - 1, 2**31 - 1)
    assert len(line.place) == PLACE_CHARACTERS
