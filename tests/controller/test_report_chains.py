"""What proves the log: envelopes kept as they came, chains followed, and what somebody altered, found."""

import base64
import json
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlmodel import select

from loa.controller.core.report_proofs import Flaw
from loa.controller.core.sample import VILLAGES
from loa.controller.core.situations import Seen, Situation, situations
from loa.controller.services.report_proofs import ReportProofs, Tally
from loa.controller.services.retention import Periods, Retention
from loa.controller.store.database import Database
from loa.controller.store.nodes import node_of
from loa.controller.store.tables import ReportRow
from loa.controller.store.trust_tables import EnvelopeRow
from loa.protocol.broadcast import Entry
from loa.protocol.chain import GENESIS
from loa.protocol.ids import JournalId
from loa.protocol.keys import SigningKey
from loa.protocol.reports import PlayReport, Report, Reports, State
from loa.protocol.topics import Channel
from loa.protocol.units import DurationMs
from tests.controller.air import place
from tests.controller.conftest import Command
from tests.controller.factories import Town
from tests.controller.test_ingest import Post, play, state
from tests.controller.told import JOURNAL, NODE, batch_of, envelope_of, problem_of

ROOT = Path(__file__).parents[2]
CARD = JournalId("e" * 32)
"""Of another card."""


class Scene(Post):
    """A node that plays, and a controller that was told."""

    def plays(self, count: int) -> list[PlayReport]:
        entries: list[Entry] = [
            place(self.town, VILLAGES[0], title=f"Bản tin {number}") for number in range(count)
        ]
        return [play(entry, number) for number, entry in enumerate(entries, 1)]

    def hear(self, reports: Sequence[Report], first: int, last: int, journal: JournalId = JOURNAL) -> None:
        self.say(Channel.REPORTS, batch_of(reports, first, last, journal=journal))

    def envelopes(self) -> list[tuple[int, int]]:
        with self.town.db.look() as session:
            rows = session.exec(select(EnvelopeRow)).all()
            return sorted((row.first_number, row.last_number) for row in rows)

    def breaks(self) -> list[tuple[str, int, int]]:
        with self.town.db.look() as session:
            rows = session.exec(select(ReportRow.body).where(ReportRow.kind == "chain"))
            told = [json.loads(body) for body in rows]
        return [(one["fault"], one["first"], one["last"]) for one in told]

    def shown(self) -> set[Situation]:
        with self.town.db.look() as session:
            node = node_of(session, NODE)
        said = State.from_bytes(state(self).to_bytes())
        return {one.what for one in situations(Seen(node=node, state=said))}

    def verify(self, **more: Any) -> tuple[list[Flaw], Tally]:  # noqa: ANN401 -- those of ReportProofs
        with self.town.db.look() as session:
            proofs = ReportProofs(session, **{"since": None, "lines_from": None} | more)
            flaws = [found.flaw for _, found in proofs.check()]
        return flaws, proofs.tally

    def as_owner(self, statement: str, **values: object) -> None:
        """As somebody does who has the database."""
        with self.town.db.work() as work:
            assert work.session.connection().execute(text(statement), values).rowcount > 0


@pytest.fixture
def scene(sqlite_db: Database) -> Scene:
    return Scene(Town(sqlite_db).build())


@pytest.fixture
def told(scene: Scene) -> Scene:
    return tell_six(scene)


def tell_six(scene: Scene) -> Scene:
    """Six plays, told in three batches."""
    reports = scene.plays(6)
    for first in (1, 3, 5):
        scene.hear(list(reports), first, first + 1)
    return scene


def test_what_was_not_touched_is_whole(db: Database) -> None:
    told = tell_six(Scene(Town(db).build()))
    flaws, tally = told.verify()
    assert flaws == []
    assert (tally.envelopes, tally.lines, tally.older, tally.unchained) == (3, 6, 0, 0)
    assert told.breaks() == []


@pytest.mark.parametrize(
    "alteration",
    [
        "outcome = 'missed'",
        "outcome = 'missed', reported_at = NULL",
        "played_ms = 24000",
        "started_at = ended_at",
        "late_ms = 0",
        "heard = TRUE",
    ],
)
def test_an_altered_line_is_found(told: Scene, alteration: str) -> None:
    told.as_owner(f"UPDATE log SET {alteration} WHERE id = (SELECT min(id) FROM log)")  # noqa: S608 -- ours
    flaws, tally = told.verify()
    assert flaws == [Flaw.LINE_ALTERED]
    assert tally.lines == 5


def test_a_line_that_is_gone_and_one_that_was_put_in_are_found(told: Scene) -> None:
    told.as_owner("UPDATE log SET node_id = 'loa-9' WHERE id = (SELECT min(id) FROM log)")
    assert sorted(told.verify()[0]) == [Flaw.LINE_MISSING, Flaw.LINE_UNPROVED]


@pytest.mark.parametrize("first", [1, 3, 5])
def test_an_envelope_that_is_gone_is_found(told: Scene, first: int) -> None:
    told.as_owner("DELETE FROM envelopes WHERE first_number = :first", first=first)
    assert told.verify()[0] == [Flaw.MISSING, Flaw.LINE_UNPROVED, Flaw.LINE_UNPROVED]


def test_with_the_last_lines_and_envelopes_gone_the_node_itself_contradicts(scene: Scene) -> None:
    reports = list(scene.plays(6))
    scene.hear(reports, 1, 4)
    for table in ("envelopes", "reports", "log", "chains", "journals"):
        scene.as_owner(f"DELETE FROM {table}")  # noqa: S608 -- our own names of tables
    assert scene.verify()[0] == []
    scene.hear(reports, 5, 6)
    assert scene.verify()[0] == [Flaw.MISSING]


def test_what_was_signed_anew_by_another_is_found(told: Scene) -> None:
    forger = SigningKey.generate()
    forged = envelope_of(batch_of([problem_of(one) for one in range(1, 7)], 3, 4), forger).decode()
    told.as_owner("UPDATE envelopes SET sealed = :sealed WHERE first_number = 3", sealed=forged)
    assert Flaw.SIGNATURE in told.verify()[0]
    told.as_owner("UPDATE envelopes SET key_x = :x WHERE first_number = 3", x=forger.public.x)
    told.as_owner("UPDATE nodes SET key_x = :x", x=forger.public.x)
    assert {Flaw.KEY, Flaw.ALTERED} <= set(told.verify()[0])


def test_an_envelope_in_anothers_place_is_found(told: Scene) -> None:
    told.as_owner(
        "UPDATE envelopes SET sealed = (SELECT sealed FROM envelopes WHERE first_number = 1) "
        "WHERE first_number = 3"
    )
    assert Flaw.PLACE in told.verify()[0]


def test_a_break_is_shown_once_and_refuses_nothing(scene: Scene) -> None:
    reports = list(scene.plays(4))
    scene.hear(reports, 1, 2)
    others = [replace_played(one, 1_000) for one in reports[:2]] + reports[2:]
    assert scene.shown() == {Situation.FINE}
    scene.hear(others, 3, 3)
    scene.hear(others, 3, 3)
    scene.hear(others, 4, 4)
    assert scene.breaks() == [("altered", 3, 3)]
    assert scene.shown() == {Situation.CHAIN_BROKEN}
    assert scene.confirmed() == 4
    assert len(scene.lines()) == 4
    assert scene.verify()[0] == [Flaw.ALTERED]


def test_what_breaks_again_and_again_is_worth_one_word_a_day(scene: Scene) -> None:
    reports = [problem_of(one) for one in range(1, 6)]
    for number in (1, 2, 3, 4):
        broken = batch_of(reports, number, number).model_copy(update={"chain": GENESIS})
        scene.say(Channel.REPORTS, broken)
        scene.town.clock.forward(hours=9)
    assert scene.breaks() == [("altered", 2, 2)]
    scene.town.clock.forward(hours=9)
    scene.say(Channel.REPORTS, batch_of(reports, 5, 5).model_copy(update={"chain": GENESIS}))
    assert scene.breaks() == [("altered", 2, 2), ("altered", 5, 5)]


def test_batches_in_another_order_break_nothing(db: Database) -> None:
    scene = Scene(Town(db).build())
    reports = list(scene.plays(6))
    for first, last in ((5, 6), (3, 4), (1, 3), (3, 4), (1, 2)):
        scene.hear(reports, first, last)
    assert scene.breaks() == []
    assert scene.confirmed() == 6
    assert scene.verify()[0] == []
    assert scene.envelopes() == [(1, 2), (1, 3), (3, 4), (5, 6)]


def test_a_gap_that_is_given_up_is_told_and_nobody_has_to_look(scene: Scene) -> None:
    reports = list(scene.plays(6))
    scene.hear(reports, 1, 2)
    scene.hear(reports, 5, 5)
    assert scene.breaks() == []
    scene.ticks += 61
    scene.hear(reports, 5, 6)
    assert scene.breaks() == [("missing", 3, 4)]
    assert scene.shown() == {Situation.FINE}


def test_another_card_begins_a_chain_of_its_own(scene: Scene) -> None:
    reports = list(scene.plays(4))
    scene.hear(reports[:2], 1, 2)
    on_the_card = [one.model_copy(update={"number": one.number - 2}) for one in reports[2:]]
    scene.hear(on_the_card, 1, 2, CARD)
    assert scene.breaks() == []
    flaws, tally = scene.verify()
    assert (flaws, tally.lines) == ([], 4)


def test_of_two_reports_on_one_occurrence_the_line_is_held_against_the_one_that_stands(scene: Scene) -> None:
    [report] = scene.plays(1)
    scene.hear([replace_played(report, 2_000)], 1, 1)
    scene.town.clock.forward(seconds=1)
    scene.hear([report], 1, 1, CARD)
    scene.town.clock.forward(seconds=1)
    scene.hear([replace_played(report, 500)], 1, 1, JournalId("f" * 32))
    assert scene.verify()[0] == []
    assert scene.lines()[0].played_ms == report.played_ms


def test_agents_that_do_not_chain_yet_are_proved_by_their_signature(scene: Scene) -> None:
    reports = scene.plays(4)
    unchained = Reports(node=NODE, journal_id=JOURNAL, reports=tuple(reports[:2]))
    scene.say(Channel.REPORTS, unchained)
    begun = Reports(node=NODE, journal_id=JOURNAL, chain=GENESIS, reports=tuple(reports[2:]))
    scene.say(Channel.REPORTS, begun)
    flaws, tally = scene.verify()
    assert (flaws, tally.unchained, tally.lines, scene.breaks()) == ([], 1, 4, [])


def test_lines_from_before_envelopes_were_kept_are_counted_apart(scene: Scene) -> None:
    reports = list(scene.plays(4))
    scene.hear(reports, 1, 2)
    scene.as_owner("DELETE FROM envelopes")
    scene.as_owner("DELETE FROM chains")
    assert scene.verify()[1].older == 2
    scene.town.clock.forward(hours=1)
    begun = Reports(node=NODE, journal_id=JOURNAL, chain=GENESIS, reports=tuple(reports[2:]))
    scene.say(Channel.REPORTS, begun)
    flaws, tally = scene.verify()
    assert (flaws, tally.older, tally.lines, scene.breaks()) == ([], 2, 2, [])
    long_ago = scene.town.clock.now() - timedelta(days=1)
    assert scene.verify(since=long_ago)[0] == [Flaw.LINE_UNPROVED, Flaw.LINE_UNPROVED]


def test_what_was_seen_to_can_be_passed_over(scene: Scene) -> None:
    reports = list(scene.plays(4))
    scene.hear(reports, 1, 2)
    scene.as_owner("UPDATE log SET late_ms = 1 WHERE id = (SELECT min(id) FROM log)")
    scene.town.clock.forward(hours=1)
    since = scene.town.clock.now()
    scene.hear(reports, 3, 4)
    assert scene.verify()[0] == [Flaw.LINE_ALTERED]
    assert scene.verify(since=since)[0] == []


def test_envelopes_are_kept_as_long_as_lines(scene: Scene) -> None:
    reports = list(scene.plays(4))
    scene.hear(reports, 1, 2)
    scene.town.clock.forward(days=366)
    scene.hear(reports, 3, 4)

    def tidy(lines: timedelta | None) -> None:
        Retention(db=scene.town.db, clock=scene.town.clock, periods=Periods(lines=lines)).tidy()

    tidy(None)
    assert scene.envelopes() == [(1, 2), (3, 4)]
    tidy(timedelta(days=365))
    assert scene.envelopes() == [(3, 4)]
    lines_from = scene.town.clock.now() - timedelta(days=365)
    assert scene.verify(lines_from=lines_from)[0] == []


def replace_played(report: PlayReport, played_ms: int) -> PlayReport:
    return report.model_copy(update={"played_ms": DurationMs(played_ms)})


@pytest.fixture
def owner(sqlite_db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scene:
    """The same, in the data directory of which the commands speak."""
    monkeypatch.setenv("LOA_DATA_DIR", str(tmp_path))
    scene = Scene(Town(sqlite_db).build())
    reports = list(scene.plays(4))
    scene.hear(reports, 1, 2)
    scene.hear(reports, 3, 4)
    return scene


def test_the_command_names_what_was_altered_and_ends_with_1(owner: Scene, command: Command) -> None:
    said = command("reports", "verify")
    assert (said.exit_code, "4 lines of the log say what is in them" in said.output) == (0, True), said.output
    owner.as_owner("UPDATE log SET played_ms = 1 WHERE id = (SELECT min(id) FROM log)")
    said = command("reports", "verify")
    assert said.exit_code == 1
    assert re.search(
        r"loa-1, [0-9a-f]{64}@\d+: the line of the log does not say .* \(played_ms\)", said.output
    )


def recipe() -> str:
    found = re.findall(r"```text\n(.*?)```", (ROOT / "docs/audit.md").read_text(), re.DOTALL)
    return str(found[1])


def without(row: dict[str, Any]) -> dict[str, Any] | None:
    return None if row else row


def forged(row: dict[str, Any]) -> dict[str, Any]:
    header, payload, signature = row["envelope"].split(".")
    plain = base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)).replace(b"complete", b"withdraw")
    altered = base64.urlsafe_b64encode(plain).rstrip(b"=").decode()
    return row | {"envelope": f"{header}.{altered}.{signature}"}


@pytest.mark.parametrize(("change", "holds"), [(dict, True), (without, False), (forged, False)])
def test_a_third_party_checks_the_envelopes_by_the_recipe_of_the_documentation(
    owner: Scene,
    command: Command,
    tmp_path: Path,
    change: Callable[[dict[str, Any]], dict[str, Any] | None],
    *,
    holds: bool,
) -> None:
    del owner
    file = tmp_path / "reports.jsonl"
    assert command("reports", "export", str(file)).exit_code == 0
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    changed = [change(rows[0]), *rows[1:]]
    file.write_text("".join(json.dumps(row) + "\n" for row in changed if row is not None))
    checked = subprocess.run(
        [sys.executable, "-c", recipe(), file], check=False, capture_output=True, timeout=60
    )
    assert (checked.returncode == 0) is holds, checked.stderr.decode()
