"""What a node's disk holds, read row by row, so that one damaged row costs no other."""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from pydantic import TypeAdapter

from loa.node_agent.adapters.disk_rows import COPY, Row, RowReader, is_sealed, read_fact
from loa.node_agent.core.plays import Play
from loa.node_agent.core.presses import Press
from loa.node_agent.core.reports import problem
from loa.node_agent.core.shelf import Ordered, Said, Seen, Shelf
from loa.node_agent.core.stand_ins import Siren
from loa.node_agent.core.wish import UpdateMemory
from loa.node_agent.ports import Change, Covered, Recalled, Unsent
from loa.protocol.broadcast import Entry
from loa.protocol.chain import GENESIS, extend
from loa.protocol.ids import AreaId, JournalId, OccurrenceId, RecordingId
from loa.protocol.programme import Config, Silence, Withdrawal
from loa.protocol.reasons import ProblemCode
from loa.protocol.reports import Held, Report
from loa.protocol.units import from_ms

_REPORT: TypeAdapter[Report] = TypeAdapter(Report)
PRESSES = TypeAdapter(tuple[Press, ...])
_UNSENT = "SELECT * FROM reports WHERE journal = ? AND number > ? ORDER BY number LIMIT ?"
_UP_TO = "SELECT * FROM reports WHERE journal = ? AND number <= ? ORDER BY number"
_MOST_REBUILT = 10_000
_EPOCH = from_ms(0)
_WORDS = {
    "facts": "of the facts, which are kept twice",
    "held": "of the versions held",
    "shelf": "of the programmes",
    "sounds": "of the recordings that came",
    "plays": "of what sounded",
    "reported": "of what is reported",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """Everything that a file holds."""

    recalled: Recalled
    unsent: tuple[Unsent, ...]

    def as_change(self) -> Change:
        """To be written to a new file."""
        recalled = self.recalled
        return Change(
            config=recalled.config,
            held=recalled.held,
            shelf=recalled.shelf,
            sounds=recalled.sounds,
            plays=tuple(recalled.plays.values()),
            accounted_at=recalled.accounted_at,
            self_tested_at=recalled.self_tested_at,
            siren=recalled.siren,
            presses=recalled.presses,
            update=recalled.update,
            closed=recalled.reported,
            carried=self.unsent,
        )


def read_damaged(base: sqlite3.Connection) -> Stored:
    """As much as can still be read of a damaged file."""
    reader = RowReader(base, is_damaged=True)
    facts = read_facts(reader)
    recalled = read_state(reader, facts)
    journals: dict[JournalId, dict[int, Report]] = {}
    for journal_id, report in reader.read("reports", parse_report):
        journals.setdefault(journal_id, {})[report.number] = report
    unsent = (_carried(name, reports, facts) for name, reports in journals.items())
    return Stored(recalled=recalled, unsent=tuple(unsent))


def read_facts(reader: RowReader) -> dict[str, str]:
    """The facts, each from whichever of its two rows is sound."""
    rows = dict(reader.read("facts", lambda row: (str(row[0]), str(row[1]))))
    names = {name.removeprefix(COPY) for name in rows}
    return {name: rows.get(name, rows.get(COPY + name, "")) for name in names}


def read_state(reader: RowReader, facts: dict[str, str]) -> Recalled:
    """All but the reports. Where anything of the shelf is lost, no version counts as held: it comes anew."""
    config, accounted = facts.get("config"), facts.get("accounted_ms")
    shelf, held = _read_shelf(reader), dict(reader.read("held", _parse_held))
    plays = reader.read("plays", lambda row: Play.from_bytes(str(row[1])))
    return Recalled(
        config=Config.from_bytes(config) if config else None,
        held={} if reader.is_damaged or reader.count_broken("shelf") else held,
        shelf=shelf,
        sounds=dict(reader.read("sounds", lambda row: (RecordingId(str(row[0])), _instant(row[1])))),
        plays={play.occurrence: play for play in plays},
        reported=frozenset(reader.read("reported", lambda row: OccurrenceId(str(row[0])))),
        accounted_at=_instant(accounted) if accounted else None,
        self_tested_at=_instant(facts["self_tested_ms"]) if "self_tested_ms" in facts else None,
        siren=Siren.from_bytes(facts["siren"]) if "siren" in facts else None,
        presses=PRESSES.validate_json(facts.get("presses", "[]")),
        update=UpdateMemory.from_bytes(facts["update"]) if "update" in facts else UpdateMemory(),
        damage=_damage(reader),
    )


def read_unsent(base: sqlite3.Connection, own: JournalId, covered: Covered, limit: int) -> Unsent:
    """Of the first journal that has any; the file's own comes last."""
    journals = {str(row[0]) for row in base.execute("SELECT DISTINCT journal FROM reports")}
    for name in [*sorted(journals - {own}), *({own} & journals)]:
        journal_id = JournalId(name)
        values = (name, covered.get(journal_id, 0), limit)
        reports = tuple(_read_report(row) for row in base.execute(_UNSENT, values))
        if reports:
            return Unsent(journal_id, reports, read_chain(base, journal_id, reports[0].number - 1))
    return Unsent(own, ())


def read_chain(base: sqlite3.Connection, journal: JournalId, up_to: int) -> str:
    """The chain of a journal after that number: what is kept of those forgotten, with those still here."""
    rows = base.execute(_UP_TO, (journal, up_to)).fetchall()
    chain = _chain_after(read_fact(base, chain_fact(journal)), rows[0][1] - 1 if rows else up_to)
    return extend(chain, (_read_report(row).to_bytes() for row in rows))


def chain_fact(journal: JournalId) -> str:
    """Under which name the chain of a journal is kept, as NUMBER:CHAIN of the last that was forgotten."""
    return f"chain {journal}"


def parse_report(row: Row) -> tuple[JournalId, Report]:
    """Of the values journal, number, content."""
    journal, _, content = row
    return JournalId(str(journal)), _REPORT.validate_json(str(content))


def count_unsent(base: sqlite3.Connection, covered: Covered) -> int:
    """How many reports of all journals are not covered."""
    found = base.execute("SELECT journal, count(*) FROM reports GROUP BY journal").fetchall()
    return sum(count - _count_covered(base, name, covered) for name, count in found)


def _count_covered(base: sqlite3.Connection, journal: str, covered: Covered) -> int:
    up_to = covered.get(JournalId(journal))
    if up_to is None:
        return 0
    counted = base.execute("SELECT count(*) FROM reports WHERE journal = ? AND number <= ?", (journal, up_to))
    return int(counted.fetchone()[0])


def _read_report(row: Row) -> Report:
    """A report that is lost leaves its number to a word about it: a gap would hold up those after it."""
    try:
        if is_sealed(row):
            return parse_report(row[:-1])[1]
    except ValueError:
        pass
    return _lost(row[1])


def _lost(number: object) -> Report:
    """At no time that is known: the beginning of the epoch."""
    draft = problem(at=_EPOCH, code=ProblemCode.JOURNAL_CORRUPT, detail=f"report {number} could not be read")
    return draft.model_copy(update={"number": number})


def _without_gaps(reports: Mapping[int, Report]) -> tuple[Report, ...]:
    """Between the first and the last, which may be thousands but not millions apart."""
    last = max(reports)
    first = max(min(reports), last - _MOST_REBUILT)
    return tuple(reports.get(number, _lost(number)) for number in range(first, last + 1))


def _carried(journal: JournalId, reports: Mapping[int, Report], facts: Mapping[str, str]) -> Unsent:
    whole = _without_gaps(reports)
    return Unsent(journal, whole, _chain_after(facts.get(chain_fact(journal)), whole[0].number - 1))


def _chain_after(kept: str | None, number: int) -> str:
    """Kept chains of other numbers say nothing: an agent that does not chain wrote here since."""
    named, _, chain = (kept or "").partition(":")
    return chain if named == str(number) else GENESIS


def _read_shelf(reader: RowReader) -> Shelf:
    orders = _seen(reader, "orders", Ordered)
    return Shelf(
        entries={seen.said.id: seen for seen in _seen(reader, "entries", Entry)},
        withdrawals={seen.said.id: seen for seen in _seen(reader, "withdrawals", Withdrawal)},
        silences={seen.said.id: seen for seen in _seen(reader, "silences", Silence)},
        orders={(seen.said.area, seen.said.broadcast, seen.said.issued_at): seen for seen in orders},
    )


def _seen(reader: RowReader, kind: str, model: type[Said]) -> list[Seen[Said]]:
    def parse(row: Row) -> Seen[Said]:
        return Seen(model.from_bytes(str(row[3])), _instant(row[2]))

    return reader.read("shelf", parse, "kind = ?", (kind,))


def _parse_held(row: Row) -> tuple[AreaId, Held]:
    return AreaId(str(row[0])), Held.from_bytes(str(row[1]))


def _instant(at_ms: object) -> datetime:
    return from_ms(int(str(at_ms)))


def _damage(reader: RowReader) -> tuple[str, ...]:
    counts = {words: reader.count_broken(table) for table, words in _WORDS.items()}
    lost = [f"{count} {words}" for words, count in counts.items() if count]
    if not lost:
        return ()
    return (f"damaged rows were set aside: {', '.join(lost)}; what is missing is asked for anew",)
