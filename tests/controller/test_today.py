"""The day at a glance: one read, bounded in its queries, of the person's own areas alone."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlmodel import col, update

from loa.controller.adapters.silence_journal import FileSilenceJournal
from loa.controller.core.access import Person, Role
from loa.controller.core.bulletins import Plan
from loa.controller.core.node_states import NodeState
from loa.controller.core.presence import Presence
from loa.controller.core.sample import COMMUNE, VILLAGES
from loa.controller.core.today import Fate, Standing
from loa.controller.core.tree import AreaKind
from loa.controller.services.alerts import Alerts
from loa.controller.services.areas import NewArea
from loa.controller.services.bulletins import Bulletins
from loa.controller.services.log import Log, LogTimes
from loa.controller.services.today import Days, Today
from loa.controller.store.database import Database
from loa.controller.store.heard import Known, store_known
from loa.controller.store.tables import BulletinRow, LogRow
from loa.protocol.broadcast import Entry
from loa.protocol.ids import AreaId, BootId, NodeId, OccurrenceId, occurrence_id
from loa.protocol.kinds import BroadcastClass
from loa.protocol.reasons import ClockState, Reason
from loa.protocol.reports import Detail, State
from loa.protocol.when import When
from loa.schedules.localtime import to_wall
from tests.controller.air import SOUND, Times, place, silence
from tests.controller.factories import DISTRICT, Town
from tests.fakes.controller import FakeEvents

TZ = "Asia/Ho_Chi_Minh"


class Glance:
    """The service over a small commune."""

    def __init__(self, town: Town, folder: Path) -> None:
        self.town = town
        clock, events = town.clock, FakeEvents()
        self.journal = FileSilenceJournal(folder / "silences")
        bulletins = Bulletins(clock=clock, ids=lambda: "f" * 32, audit=town.audit, events=events)
        alerts = Alerts(clock=clock, bulletins=bulletins)
        self.changes = 0
        self.counts = True
        self.days = Days(clock=clock, journal=self.journal, alerts=alerts, changes=self._count)
        self.log = Log(db=town.db, clock=clock, events=events, times=LogTimes())

    def _count(self) -> int:
        self.changes += self.counts
        return self.changes

    def at(self, who: Person, *, behind: timedelta = timedelta()) -> Today:
        with self.town.db.look() as session:
            return self.days.today(session, who, behind=behind)

    def air(
        self,
        area: AreaId,
        title: str,
        starts_in: timedelta,
        *,
        class_: BroadcastClass = BroadcastClass.NORMAL,
        minutes: int = 10,
    ) -> OccurrenceId:
        """A broadcast with its lines; its occurrence."""
        times = Times(starts_in=starts_in, duration_ms=minutes * 60_000)
        entry: Entry = place(self.town, area, title=title, class_=class_, times=times)
        self.log.expect(frozenset({area}))
        return occurrence_id(entry.id, self.town.clock.now() + starts_in)

    def report(self, occurrence: str, outcome: Reason, *, node: str | None = None, **more: Any) -> None:  # noqa: ANN401 -- columns
        statement = update(LogRow).where(col(LogRow.occurrence) == occurrence)
        if node is not None:
            statement = statement.where(col(LogRow.node_id) == node)
        with self.town.db.work() as work:
            work.session.connection().execute(statement.values(outcome=outcome.value, **more))

    def say(self, node: str, sounding: str | None, presence: Presence = Presence.CONNECTED) -> None:
        now = self.town.clock.now()
        state = State(
            node=NodeId(node),
            boot_id=BootId("c" * 32),
            at=now,
            detail=Detail.FULL,
            clock=ClockState.TRUSTED,
            sounding=None if sounding is None else OccurrenceId(sounding),
        )
        with self.town.db.work() as work:
            store_known(work.session, [Known(NodeId(node), state, now, presence)], now)


@pytest.fixture
def glance(db: Database, tmp_path: Path) -> Glance:
    town = Town(db).build()
    town.node("loa-1", VILLAGES[0])
    town.node("loa-2", VILLAGES[1])
    return Glance(town, tmp_path)


@pytest.fixture
def official(glance: Glance) -> Person:
    return glance.town.user("hanh", (COMMUNE, Role.OFFICIAL))


def told(day: Today) -> list[tuple[str, Standing]]:
    return [(one.title, one.standing) for one in day.occurrences]


@contextmanager
def counted(db: Database) -> Iterator[list[str]]:
    """The statements that go to the database meanwhile."""
    found: list[str] = []

    def note(_c: object, _k: object, statement: str, *_: object) -> None:
        found.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    del db


def test_the_day_tells_what_sounds_sounded_and_will(glance: Glance, official: Person) -> None:
    done = glance.air(COMMUNE, "Sáng", timedelta(minutes=10))
    now = glance.air(COMMUNE, "Bây giờ", timedelta(minutes=58))
    glance.air(COMMUNE, "Chiều", timedelta(hours=5))
    glance.town.clock.forward(minutes=60)
    glance.report(done, Reason.COMPLETE, played_ms=600_000)
    glance.say("loa-1", now)
    glance.say("loa-2", None)
    day = glance.at(official)
    assert told(day) == [
        ("Sáng", Standing.PLAYED),
        ("Bây giờ", Standing.PLAYING),
        ("Chiều", Standing.TO_COME),
    ]
    assert (day.occurrences[1].sounding, day.occurrences[1].nodes) == (1, 2)
    assert day.occurrences[1].bulletin == "b1"


def test_a_dead_horn_is_not_counted_as_sounding(glance: Glance, official: Person) -> None:
    before = glance.air(COMMUNE, "Trước", timedelta(minutes=1))
    now = glance.air(COMMUNE, "Bây giờ", timedelta(minutes=58))
    glance.town.clock.forward(minutes=60)
    evidence = '{"verified":true,"heard":false}'
    glance.report(before, Reason.COMPLETE, played_ms=600_000)
    glance.report(before, Reason.COMPLETE, node="loa-2", played_ms=600_000, heard=False, evidence=evidence)
    glance.say("loa-1", now)
    glance.say("loa-2", now)
    day = glance.at(official)
    assert day.conditions[NodeId("loa-2")].state is NodeState.SILENT
    assert day.occurrences[0].standing is Standing.LACKING
    assert day.occurrences[0].fates[Fate.SILENT] == 1
    assert (day.occurrences[1].sounding, day.occurrences[1].nodes) == (1, 2)


def test_what_gives_way_is_shown_where_it_will_sound(glance: Glance, official: Person) -> None:
    glance.air(COMMUNE, "Ưu tiên", timedelta(hours=2), class_=BroadcastClass.PRIORITY, minutes=8)
    glance.air(COMMUNE, "Thường", timedelta(hours=2), minutes=5)
    later = next(one for one in glance.at(official).occurrences if one.title == "Thường")
    assert later.standing is Standing.MOVED
    assert later.from_at == glance.town.clock.now() + timedelta(hours=2, minutes=8)


def test_a_new_broadcast_changes_the_lay_out_that_was_remembered(glance: Glance, official: Person) -> None:
    glance.air(COMMUNE, "Thường", timedelta(hours=2), minutes=5)
    assert told(glance.at(official)) == [("Thường", Standing.TO_COME)]
    glance.air(COMMUNE, "Ưu tiên", timedelta(hours=2), class_=BroadcastClass.PRIORITY, minutes=8)
    assert dict(told(glance.at(official)))["Thường"] is Standing.MOVED


def test_what_falls_into_quiet_hours_is_told_before_it_fails(glance: Glance, official: Person) -> None:
    glance.air(COMMUNE, "Khuya", timedelta(hours=14, minutes=30))
    (late,) = glance.at(official).occurrences
    assert (late.standing, late.reason) == (Standing.REFUSED, Reason.QUIET_HOURS)
    assert late.legal_source is not None


def test_a_silence_stops_what_would_come_and_is_told_until_its_end(glance: Glance, official: Person) -> None:
    glance.air(COMMUNE, "Trong lúc dừng", timedelta(minutes=20))
    until = silence(glance.journal, glance.town.clock.now(), COMMUNE).until_at
    day = glance.at(official)
    assert day.silenced_until == until
    assert told(day) == [("Trong lúc dừng", Standing.STOPPED)]


def test_one_village_in_silence_is_not_the_commune(glance: Glance, official: Person) -> None:
    silence(glance.journal, glance.town.clock.now(), VILLAGES[0])
    assert glance.at(official).silenced_until is None


def test_a_bulletin_that_waits_stands_at_its_time(glance: Glance, official: Person) -> None:
    place(glance.town, COMMUNE)  # brings the recording and somebody who wrote
    now = glance.town.clock.now()
    wall = to_wall(now + timedelta(hours=3), TZ).isoformat(timespec="milliseconds")
    plan = Plan(audience=(VILLAGES[0],), when=When(start_local=wall, tz=TZ))
    with glance.town.db.work() as work:
        work.session.add(
            BulletinRow(
                id="waits", area_id=COMMUNE, state="submitted", title="Chờ", field="health", class_="normal",
                recording=SOUND, plan=plan.model_dump_json(), created_by="hanh", created_at=now,
                updated_by="hanh", updated_at=now, submitted_by="hanh", submitted_at=now,
            )
        )  # fmt: skip
    waits = next(one for one in glance.at(official).occurrences if one.title == "Chờ")
    assert (waits.standing, waits.nodes, waits.from_at) == (Standing.WAITING, 1, now + timedelta(hours=3))
    technician = glance.town.user("tech", (COMMUNE, Role.TECHNICIAN))
    assert "Chờ" not in [one.title for one in glance.at(technician).occurrences]


def test_another_commune_is_nobody_elses_business(glance: Glance, official: Person) -> None:
    other = AreaId("xa-khac")
    with glance.town.db.work() as work:
        new = NewArea(id=other, name="Xã khác", kind=AreaKind.COMMUNE, parent_id=DISTRICT)
        glance.town.areas.insert(work, "test", new)
    glance.town.node("loa-x", other)
    glance.air(other, "Của xã khác", timedelta(hours=1))
    day = glance.at(official)
    assert told(day) == []
    assert set(day.heard) == {"loa-1", "loa-2"}
    stranger = glance.town.user("khac", (other, Role.OFFICIAL))
    assert told(glance.at(stranger)) == [("Của xã khác", Standing.TO_COME)]


def test_who_has_no_area_sees_an_empty_day(glance: Glance) -> None:
    glance.air(COMMUNE, "Sáng", timedelta(hours=1))
    day = glance.at(Person("ai", "Ai", frozenset()))
    assert (day.roots, day.heard, told(day), day.alerts) == ((), {}, [], ())


def test_people_of_the_same_roles_share_one_read_until_something_changes(
    glance: Glance, official: Person
) -> None:
    other = glance.town.user("mai", (COMMUNE, Role.OFFICIAL))
    glance.counts = False
    glance.at(official)
    with counted(glance.town.db) as shared:
        assert told(glance.at(other)) == []
    assert len(shared) <= 3
    glance.air(COMMUNE, "Mới", timedelta(hours=1))
    assert told(glance.at(other)) == []
    glance.changes += 1
    assert told(glance.at(other)) == [("Mới", Standing.TO_COME)]
    later = glance.air(COMMUNE, "Nữa", timedelta(hours=2))
    glance.town.clock.forward(seconds=5)
    assert later in [one.id for one in glance.at(official).occurrences]


def test_who_waited_after_a_change_shares_what_was_read_since(glance: Glance, official: Person) -> None:
    glance.counts = False
    waited = timedelta(milliseconds=200)
    glance.at(official)
    glance.air(COMMUNE, "Mới", timedelta(hours=1))
    glance.changes += 1
    glance.town.clock.forward(seconds=0.1)
    assert told(glance.at(official, behind=waited)) == [], "read before, though not so long ago"
    glance.town.clock.forward(seconds=0.1)
    assert told(glance.at(official, behind=waited)) == [("Mới", Standing.TO_COME)]
    glance.air(COMMUNE, "Nữa", timedelta(hours=2))
    glance.changes += 1
    assert len(told(glance.at(official))) == 2, "who just opens the page waited for nothing"


def test_nobody_is_asked_to_approve_what_is_their_own(glance: Glance) -> None:
    place(glance.town, COMMUNE)
    now = glance.town.clock.now()
    glance.counts = False
    hoa = glance.town.user("hoa", (COMMUNE, Role.APPROVER))
    lan = glance.town.user("lanh", (COMMUNE, Role.APPROVER))
    with glance.town.db.work() as work:
        work.session.add(
            BulletinRow(
                id="own", area_id=COMMUNE, state="submitted", title="Chờ", field="health", class_="normal",
                plan=Plan().model_dump_json(), created_by="hoa", created_at=now, updated_by="hoa",
                updated_at=now, submitted_by="hoa", submitted_at=now,
            )
        )  # fmt: skip
    assert [one.subject for one in glance.at(lan).alerts] == ["own"]
    assert [one.subject for one in glance.at(hoa).alerts] == []


def test_queries_do_not_grow_with_nodes_and_occurrences(glance: Glance, official: Person) -> None:
    glance.air(COMMUNE, "Một", timedelta(hours=1))
    glance.say("loa-1", None, Presence.LOST)
    with counted(glance.town.db) as few:
        glance.at(official)
    for number in range(3, 23):
        glance.town.node(f"loa-{number}", VILLAGES[number % 3])
        glance.say(f"loa-{number}", None, Presence.LOST)
    for number in range(12):
        glance.air(VILLAGES[number % 3], f"Bản {number}", timedelta(hours=2, minutes=15 * number))
    with counted(glance.town.db) as many:
        glance.at(official)
    assert len(many) <= len(few) + 1
    assert len(many) < 30
