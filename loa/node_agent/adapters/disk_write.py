"""Writing to a node's disk, within the caller's transaction."""

import json
import secrets
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence

from loa.node_agent.adapters.disk_read import PRESSES, chain_fact, parse_report, read_chain
from loa.node_agent.adapters.disk_rows import drop_fact, insert_sealed, set_fact
from loa.node_agent.core.shelf import Said, Seen, Shelf
from loa.node_agent.ports import Change
from loa.protocol.ids import JournalId, OccurrenceId
from loa.protocol.reports import PlayReport, Report
from loa.protocol.units import to_ms

_OWN_REPORTS = "SELECT journal, number, content FROM reports WHERE journal = ? ORDER BY number"
_KINDS = ("entries", "withdrawals", "silences", "orders")


def write_change(base: sqlite3.Connection, own: JournalId, change: Change) -> None:
    """All of it; drafts of reports get the next numbers of the journal `own`."""
    _forget(base, change)
    _write_state(base, change)
    _write_shelf(base, change.shelf)
    plays = [(play.occurrence, play.to_bytes().decode()) for play in change.plays]
    insert_sealed(base, "plays", plays)
    for occurrence in change.closed:
        _close(base, occurrence)
    for unsent in change.carried:
        rows = [(unsent.journal_id, one.number, one.to_bytes().decode()) for one in unsent.reports]
        insert_sealed(base, "reports", rows)
        _keep_chain(base, unsent.journal_id, rows[0][1] - 1, unsent.chain)
    _number(base, own, change.reports)


def begin_anew(base: sqlite3.Connection, own: JournalId) -> JournalId:
    """Give what is unsent numbers of a new journal; the old ones stand for other reports elsewhere."""
    rows = base.execute(_OWN_REPORTS, (own,)).fetchall()
    reports = [parse_report(row)[1] for row in rows]
    base.execute("DELETE FROM reports WHERE journal = ?", (own,))
    drop_fact(base, chain_fact(own))
    journal_id = JournalId(secrets.token_hex(16))
    set_fact(base, "journal_id", journal_id)
    set_fact(base, "last_number", "0")
    _append(base, journal_id, reports)
    return journal_id


def forget_reports(base: sqlite3.Connection, own: JournalId, journal: JournalId, up_to: int) -> None:
    """Of a journal up to that number; its chain keeps them."""
    chain = read_chain(base, journal, up_to)
    here = "FROM reports WHERE journal = ?"
    last = base.execute(f"SELECT max(number) {here} AND number <= ?", (journal, up_to)).fetchone()[0]
    if last is None:
        return
    base.execute(f"DELETE {here} AND number <= ?", (journal, up_to))
    if journal == own or base.execute(f"SELECT 1 {here}", (journal,)).fetchone():
        _keep_chain(base, journal, last, chain)
    else:
        drop_fact(base, chain_fact(journal))


def _keep_chain(base: sqlite3.Connection, journal: JournalId, number: int, chain: str) -> None:
    set_fact(base, chain_fact(journal), f"{number}:{chain}")


def _forget(base: sqlite3.Connection, change: Change) -> None:
    for kind, part in _parts(change.forget):
        rows = [(kind, _key_of(name)) for name in part]
        base.executemany("DELETE FROM shelf WHERE kind = ? AND name = ?", rows)
    for recording in change.forget_sounds:
        base.execute("DELETE FROM sounds WHERE recording = ?", (recording,))
    for name in change.forget_reported:
        base.execute("DELETE FROM reported WHERE occurrence = ?", (name,))


def _write_state(base: sqlite3.Connection, change: Change) -> None:
    if change.config is not None:
        set_fact(base, "config", change.config.to_bytes().decode())
    if change.accounted_at is not None:
        set_fact(base, "accounted_ms", str(to_ms(change.accounted_at)))
    if change.self_tested_at is not None:
        set_fact(base, "self_tested_ms", str(to_ms(change.self_tested_at)))
    if change.siren is not None:
        set_fact(base, "siren", change.siren.to_bytes().decode())
    if change.presses is not None:
        set_fact(base, "presses", PRESSES.dump_json(tuple(change.presses)).decode())
    if change.update is not None:
        set_fact(base, "update", change.update.to_bytes().decode())
    insert_sealed(base, "held", [(area, held.to_bytes().decode()) for area, held in change.held.items()])
    sounds = [(recording, to_ms(at)) for recording, at in change.sounds.items()]
    insert_sealed(base, "sounds", sounds, or_="IGNORE")


def _write_shelf(base: sqlite3.Connection, shelf: Shelf) -> None:
    for kind, part in _parts(shelf):
        rows = [
            (kind, _key_of(name), to_ms(seen.known_at), seen.said.to_bytes().decode())
            for name, seen in part.items()
        ]
        insert_sealed(base, "shelf", rows)


def _close(base: sqlite3.Connection, occurrence: OccurrenceId) -> bool:
    """End its play; whether it had not been reported before."""
    base.execute("DELETE FROM plays WHERE occurrence = ?", (occurrence,))
    return insert_sealed(base, "reported", [(occurrence,)], or_="IGNORE") > 0


def _number(base: sqlite3.Connection, own: JournalId, drafts: Iterable[Report]) -> None:
    """Give the next numbers; an occurrence that is reported already is not reported again."""
    fresh = [one for one in drafts if not isinstance(one, PlayReport) or _close(base, one.occurrence)]
    if fresh:
        _append(base, own, fresh)


def _append(base: sqlite3.Connection, own: JournalId, reports: Sequence[Report]) -> None:
    last = last_number(base)
    numbered = [one.model_copy(update={"number": number}) for number, one in enumerate(reports, last + 1)]
    rows = [(own, one.number, one.to_bytes().decode()) for one in numbered]
    insert_sealed(base, "reports", rows)
    set_fact(base, "last_number", str(last + len(rows)))


def last_number(base: sqlite3.Connection) -> int:
    """The last one that was given out in the file's own journal."""
    found = base.execute("SELECT content FROM facts WHERE name = 'last_number'").fetchone()
    return int(found[0])


def _parts(shelf: Shelf) -> Iterator[tuple[str, Mapping[object, Seen[Said]]]]:
    for kind in _KINDS:
        yield kind, getattr(shelf, kind)


def _key_of(name: object) -> str:
    if isinstance(name, tuple):
        area, broadcast, issued_at = name
        return json.dumps([area, broadcast, to_ms(issued_at)])
    return str(name)
