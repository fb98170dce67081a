"""What a node learns, in the order in which it counts."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum

from loa.protocol.ids import BroadcastId, OccurrenceId, broadcast_of
from loa.protocol.policy import Policy, PolicyVersion
from loa.protocol.units import to_ms
from loa.schedules.model import Reorder, Silence, Withdrawal
from loa.schedules.plays import Play, effective_ms


class Rank(IntEnum):
    """The order of facts of one instant; arrivals come after them."""

    VERSION = 0
    SILENCE = 1
    WITHDRAWAL = 2
    REORDER = 3


Said = PolicyVersion | Silence | Withdrawal | Reorder


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that counts from `at_ms` on."""

    at_ms: int
    rank: Rank
    name: str
    said: Said

    def place(self) -> tuple[int, Rank, str]:
        """Where it belongs among the facts."""
        return self.at_ms, self.rank, self.name


def in_order(
    policy: Policy,
    silences: Iterable[Silence],
    withdrawals: Iterable[Withdrawal],
    reorders: Iterable[Reorder],
) -> list[Fact]:
    """All facts but arrivals by time, and at one instant by rank."""
    facts = [Fact(to_ms(v.effective_from), Rank.VERSION, "", v) for v in policy.versions]
    facts += [Fact(_silence_ms(s), Rank.SILENCE, s.id, s) for s in silences]
    facts += [
        Fact(effective_ms(to_ms(w.issued_at), w.known_at), Rank.WITHDRAWAL, w.id, w) for w in withdrawals
    ]
    facts += [
        Fact(effective_ms(to_ms(r.issued_at), r.known_at), Rank.REORDER, f"{r.target} {r.order}", r)
        for r in reorders
    ]
    facts.sort(key=Fact.place)
    return facts


def _silence_ms(silence: Silence) -> int:
    return max(to_ms(silence.from_at), effective_ms(to_ms(silence.issued_at), silence.known_at))


class Silences:
    """The silences that hold now."""

    def __init__(self) -> None:
        self._holding: list[tuple[int, Silence]] = []

    def add(self, silence: Silence) -> None:
        """Let a silence hold until it is over."""
        self._holding.append((to_ms(silence.until_at), silence))

    def over(self, play: Play, at_ms: int) -> Silence | None:
        """The first silence that refuses what becomes ready at `at_ms`."""
        if not self._holding:
            return None
        self._holding = [held for held in self._holding if held[0] > at_ms]
        return next((s for _, s in self._holding if is_meant_for(s, play)), None)


def is_meant_for(silence: Silence, play: Play) -> bool:
    """Whether a silence is meant for a play: approved by then, and no emergency of a higher authority."""
    is_approved_by_then = silence.is_total or play.item.approved_at <= silence.issued_at
    return is_approved_by_then and (not play.emergency or silence.authority >= play.authority)


class Targets:
    """The plays that withdrawals and reorders name, and what has been said of them so far."""

    def __init__(
        self, plays: Iterable[Play], withdrawals: Sequence[Withdrawal], reorders: Sequence[Reorder]
    ) -> None:
        self._ordered: dict[BroadcastId | OccurrenceId, Reorder] = {}
        self._plays: dict[str, list[Play]] = {
            target: [] for target in (*(w.target for w in withdrawals), *(r.target for r in reorders))
        }
        for play in plays if self._plays else ():
            for name in (play.id, broadcast_of(play.id)):
                if name in self._plays:
                    self._plays[name].append(play)

    def named(self, target: str) -> list[Play]:
        """The plays of an occurrence or a broadcast."""
        return self._plays[target]

    def reorder(self, reorder: Reorder) -> None:
        """Note a reorder, and give its plays their order; of one target the last issued counts."""
        before = self._ordered.get(reorder.target)
        if before is None or _newness(before) < _newness(reorder):
            self._ordered[reorder.target] = reorder
        for play in self.named(reorder.target):
            play.order = self._order_of(play)

    def _order_of(self, play: Play) -> int:
        said = [self._ordered[name] for name in (play.id, broadcast_of(play.id)) if name in self._ordered]
        return max(said, key=_newness).order


def _newness(reorder: Reorder) -> tuple[int, str, int]:
    return to_ms(reorder.issued_at), reorder.target, reorder.order
