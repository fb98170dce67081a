import secrets
from dataclasses import replace
from datetime import datetime

from loa.node_agent.core.shelf import Shelf
from loa.node_agent.errors import StorageDamagedError, StorageError, StorageFullError
from loa.node_agent.ports import Change, Covered, Recalled, Unsent
from loa.protocol.chain import GENESIS, extend
from loa.protocol.ids import JournalId, OccurrenceId, RecordingId
from loa.protocol.reports import PlayReport, Report


class FakeDisk:
    """A `Disk` in memory, which can be full, read-only or failing."""

    was_corrupt = False

    def __init__(self) -> None:
        self.journal_id = JournalId(secrets.token_hex(16))
        self.is_full = False
        self.fault: type[StorageError] | None = None
        """What every write meets; a damage is over when a new file was begun."""
        self.trouble: StorageError | None = None
        self._state = Recalled()
        self._reports: dict[JournalId, dict[int, Report]] = {}
        self._last_number = 0
        self._chains: dict[JournalId, str] = {}

    def recall(self) -> Recalled:
        return self._state

    def write(self, change: Change) -> None:
        self._meet_fault()
        before = self._state
        self._state = replace(
            before,
            config=change.config or before.config,
            held={**before.held, **change.held},
            shelf=_with(_without(before.shelf, change.forget), change.shelf),
            sounds=_sounds(change, before),
            plays={**before.plays, **{play.occurrence: play for play in change.plays}},
            reported=before.reported - set(change.forget_reported),
            presses=before.presses if change.presses is None else change.presses,
            accounted_at=change.accounted_at or before.accounted_at,
            siren=change.siren or before.siren,
            update=change.update or before.update,
            self_tested_at=change.self_tested_at or before.self_tested_at,
        )
        for occurrence in change.closed:
            self._close_play(occurrence)
        for unsent in change.carried:
            carried = {report.number: report for report in unsent.reports}
            self._reports.setdefault(unsent.journal_id, {}).update(carried)
            self._chains[unsent.journal_id] = unsent.chain
        for draft in change.reports:
            self._number(draft)

    def unsent(self, limit: int, covered: Covered) -> Unsent:
        if self.fault is StorageDamagedError:
            self.trouble = StorageDamagedError("memory")
            raise self.trouble
        for name in sorted(self._reports, key=lambda name: name == self.journal_id):
            reports = self._beyond(name, covered)
            if reports:
                return Unsent(name, reports[:limit], self._chain(name, covered))
        return Unsent(self.journal_id, ())

    def count_unsent(self, covered: Covered) -> int:
        return sum(len(self._beyond(name, covered)) for name in self._reports)

    def forget(self, journal_id: JournalId, up_to: int) -> None:
        self._meet_fault()
        self._chains[journal_id] = self._chain(journal_id, {journal_id: up_to})
        kept = self._beyond(journal_id, {journal_id: up_to})
        self._reports[journal_id] = {report.number: report for report in kept}

    def close(self) -> None:
        return

    def lose_everything(self) -> None:
        """As a card does that lied; the reports alone were on it."""
        self._state = Recalled()

    def _beyond(self, journal_id: JournalId, covered: Covered) -> tuple[Report, ...]:
        reports = self._reports.get(journal_id, {})
        return tuple(reports[number] for number in sorted(reports) if number > covered.get(journal_id, 0))

    def _chain(self, journal_id: JournalId, covered: Covered) -> str:
        reports = self._reports.get(journal_id, {})
        covered_ones = (reports[number] for number in sorted(reports) if number <= covered.get(journal_id, 0))
        return extend(self._chains.get(journal_id, GENESIS), (one.to_bytes() for one in covered_ones))

    def _meet_fault(self) -> None:
        fault = StorageFullError if self.is_full else self.fault
        if isinstance(self.trouble, StorageDamagedError) and fault is StorageDamagedError:
            self._begin_anew()
        elif fault is not None:
            self.trouble = fault("memory")
            raise self.trouble
        self.trouble = None

    def _begin_anew(self) -> None:
        self.fault = None
        self.journal_id = JournalId(secrets.token_hex(16))
        self._state = Recalled()
        self._last_number = 0

    def _number(self, draft: Report) -> None:
        if isinstance(draft, PlayReport) and not self._close_play(draft.occurrence):
            return
        self._last_number += 1
        own = self._reports.setdefault(self.journal_id, {})
        own[self._last_number] = draft.model_copy(update={"number": self._last_number})

    def _close_play(self, occurrence: OccurrenceId) -> bool:
        """Whether it is the first report on the occurrence."""
        state = self._state
        plays = {name: play for name, play in state.plays.items() if name != occurrence}
        self._state = replace(state, plays=plays, reported=state.reported | {occurrence})
        return occurrence not in state.reported


def _sounds(change: Change, before: Recalled) -> dict[RecordingId, datetime]:
    kept = {name: at for name, at in before.sounds.items() if name not in set(change.forget_sounds)}
    return {**change.sounds, **kept}


def _with(shelf: Shelf, added: Shelf) -> Shelf:
    return Shelf(
        entries={**shelf.entries, **added.entries},
        withdrawals={**shelf.withdrawals, **added.withdrawals},
        silences={**shelf.silences, **added.silences},
        orders={**shelf.orders, **added.orders},
    )


def _without(shelf: Shelf, gone: Shelf) -> Shelf:
    return Shelf(
        entries={name: one for name, one in shelf.entries.items() if name not in gone.entries},
        withdrawals={name: one for name, one in shelf.withdrawals.items() if name not in gone.withdrawals},
        silences={name: one for name, one in shelf.silences.items() if name not in gone.silences},
        orders={name: one for name, one in shelf.orders.items() if name not in gone.orders},
    )
