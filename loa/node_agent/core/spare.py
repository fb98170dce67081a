"""Reports while the disk takes none: a journal in memory, under an id of its own."""

from collections.abc import Iterable

from loa.protocol.chain import GENESIS, extend
from loa.protocol.ids import JournalId
from loa.protocol.reports import PlayReport, Report

MOST_KEPT = 2_000
"""Some weeks of a node that plays much; about 3 MB."""


class Spare:
    """A journal that lives in memory; its reports get their numbers as late as they are sent.

    So what was never sent can still be numbered by the disk, and only what may have arrived keeps the other
    journal's number. Beyond `MOST_KEPT` refusals and problems go first, then plays, each the oldest first,
    and `dropped` counts them; never one that has a number, which would leave a gap.
    """

    def __init__(self, journal_id: JournalId) -> None:
        self.journal_id = journal_id
        self.drafts: list[Report] = []
        self.dropped = 0
        self.chain = GENESIS
        """Before the first that no receipt covers."""
        self._numbered: dict[int, Report] = {}
        self._last = 0

    def __len__(self) -> int:
        return len(self.drafts) + len(self._numbered)

    def add(self, drafts: Iterable[Report]) -> None:
        """Keep them until the disk takes them, or a receipt covers them."""
        self.drafts += drafts
        while len(self) > MOST_KEPT and self.drafts:
            lesser = (at for at, one in enumerate(self.drafts) if not isinstance(one, PlayReport))
            del self.drafts[next(lesser, 0)]
            self.dropped += 1

    def numbered(self) -> tuple[Report, ...]:
        """Those that may have arrived and that no receipt covers."""
        return tuple(self._numbered.values())

    def unsent(self, limit: int) -> tuple[Report, ...]:
        """The first so many without a receipt, numbered from now on."""
        lacking = max(0, limit - len(self._numbered))
        for draft in self.drafts[:lacking]:
            self._last += 1
            self._numbered[self._last] = draft.model_copy(update={"number": self._last})
        del self.drafts[:lacking]
        return self.numbered()[:limit]

    def forget(self, up_to: int) -> None:
        """A receipt came."""
        covered = (one.to_bytes() for number, one in self._numbered.items() if number <= up_to)
        self.chain = extend(self.chain, covered)
        self._numbered = {number: one for number, one in self._numbered.items() if number > up_to}
