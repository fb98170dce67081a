import secrets
from dataclasses import replace
from datetime import datetime

from loa.node_agent.core.shelf import Shelf
from loa.node_agent.errors import StorageFullError
from loa.node_agent.ports import Change, Recalled
from loa.protocol.ids import JournalId, OccurrenceId, RecordingId
from loa.protocol.reports import PlayReport, Report


class FakeDisk:
    """A `Disk` in memory, which can be full."""

    was_corrupt = False

    def __init__(self) -> None:
        self.journal_id = JournalId(secrets.token_hex(16))
        self.is_full = False
        self._state = Recalled()
        self._reports: dict[int, Report] = {}
        self._last_number = 0

    def recall(self) -> Recalled:
        return self._state

    def write(self, change: Change) -> None:
        if self.is_full:
            raise StorageFullError("memory")
        before = self._state
        self._state = replace(
            before,
            config=change.config or before.config,
            held={**before.held, **change.held},
            shelf=_without(_with(before.shelf, change.shelf), change.forget),
            sounds=_sounds(change, before),
            plays={**before.plays, **{play.occurrence: play for play in change.plays}},
            reported=before.reported - set(change.forget_reported),
            accounted_at=change.accounted_at or before.accounted_at,
            self_tested_at=change.self_tested_at or before.self_tested_at,
        )
        for draft in change.reports:
            self._number(draft)

    def unsent(self, limit: int) -> list[Report]:
        return [self._reports[number] for number in sorted(self._reports)[:limit]]

    def count_unsent(self) -> int:
        return len(self._reports)

    def forget(self, up_to: int) -> None:
        self._reports = {number: one for number, one in self._reports.items() if number > up_to}

    def close(self) -> None:
        return

    def _number(self, draft: Report) -> None:
        if isinstance(draft, PlayReport) and not self._close_play(draft.occurrence):
            return
        self._last_number += 1
        self._reports[self._last_number] = draft.model_copy(update={"number": self._last_number})

    def _close_play(self, occurrence: OccurrenceId) -> bool:
        """Whether it is the first report on the occurrence."""
        state = self._state
        plays = {name: play for name, play in state.plays.items() if name != occurrence}
        self._state = replace(state, plays=plays, reported=state.reported | {occurrence})
        return occurrence not in state.reported


def _sounds(change: Change, before: Recalled) -> dict[RecordingId, datetime]:
    known = {**change.sounds, **before.sounds}
    return {name: at for name, at in known.items() if name not in set(change.forget_sounds)}


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
