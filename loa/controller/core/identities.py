"""Which machine and which card speak under a node's name, judged from one hello to the next."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from loa.protocol.ids import HardwareId, JournalId
from loa.protocol.units import Instant
from loa.protocol.wire import Wire

MOST_REMEMBERED = 8
SAY_AGAIN = timedelta(days=1)
"""Two machines in turn change with every hello; one word a day is enough."""


class Verdict(StrEnum):
    """What has happened to a node's hardware."""

    CARD_CLONED = "card_cloned"
    """Two machines speak in turn with one journal: the card was copied, and both copies run."""
    NODE_DOUBLED = "node_doubled"
    """Two machines with journals of their own speak in turn: one enrolment was copied to another machine."""
    CARD_MOVED = "card_moved"
    """The same journal now runs in another machine."""
    DISK_REPLACED = "disk_replaced"
    """The same machine has a new journal on another card."""
    DISK_RETURNED = "disk_returned"
    """The same machine has a journal back that it had before: what lies between is on another card."""
    JOURNAL_ANEW = "journal_anew"
    """The same machine and card with a new journal: wiped, damaged, or gone back in time."""
    NODE_REPLACED = "node_replaced"
    """Another machine with another journal under the old name."""
    CHAIN_BROKEN = "chain_broken"
    """Its reports do not follow those that were kept of it (`loa.controller.core.chaining`)."""


class Identity(Wire):
    """Who spoke under a node's name; `last_at` is when it last took over from another."""

    journal: JournalId
    machine: HardwareId | None = None
    card: HardwareId | None = None
    first_at: Instant
    last_at: Instant


class Identities(Wire):
    """All who spoke under a node's name, the last one first, and the last verdict."""

    seen: Annotated[tuple[Identity, ...], Field(max_length=MOST_REMEMBERED)] = ()
    verdict: Verdict | None = None
    verdict_at: Instant | None = None


def judge(seen: Sequence[Identity], speaker: Identity) -> Verdict | None:
    """What has happened between the last that spoke and `speaker`; None if nothing. `seen`: the last first.

    What is not known of either counts as unchanged.
    """
    if not seen:
        return None
    is_known = any(_is_same(one, speaker) for one in seen)
    if _differ(seen[0].machine, speaker.machine):
        return _judge_other_machine(seen, speaker, is_known=is_known)
    if seen[0].journal == speaker.journal:
        return None
    if is_known:
        return Verdict.DISK_RETURNED
    if any(one.journal == speaker.journal for one in seen):
        return Verdict.CARD_MOVED
    is_same_card = speaker.card is not None and speaker.card == seen[0].card
    return Verdict.JOURNAL_ANEW if is_same_card else Verdict.DISK_REPLACED


def hear(known: Identities, speaker: Identity) -> tuple[Identities, Verdict | None]:
    """What is known afterwards, and the verdict if it is worth a word."""
    verdict = judge(known.seen, speaker)
    before = next((one for one in known.seen if _is_same(one, speaker)), None)
    now = speaker if before is None else speaker.model_copy(update={"first_at": before.first_at})
    others = tuple(one for one in known.seen if one is not before)
    after = known.model_copy(update={"seen": (now, *others)[:MOST_REMEMBERED]})
    if verdict is None or _was_said(known, verdict, speaker.last_at):
        return after, None
    return after.model_copy(update={"verdict": verdict, "verdict_at": speaker.last_at}), verdict


def _was_said(known: Identities, verdict: Verdict, now: datetime) -> bool:
    in_turn = {Verdict.CARD_CLONED, Verdict.NODE_DOUBLED}
    if verdict not in in_turn or known.verdict is not verdict or known.verdict_at is None:
        return False
    return now - known.verdict_at < SAY_AGAIN


def _differ(one: HardwareId | None, other: HardwareId | None) -> bool:
    return one is not None and other is not None and one != other


def _judge_other_machine(seen: Sequence[Identity], speaker: Identity, *, is_known: bool) -> Verdict:
    if is_known:
        is_one_journal = seen[0].journal == speaker.journal
        return Verdict.CARD_CLONED if is_one_journal else Verdict.NODE_DOUBLED
    is_known_journal = any(one.journal == speaker.journal for one in seen)
    return Verdict.CARD_MOVED if is_known_journal else Verdict.NODE_REPLACED


def _is_same(one: Identity, other: Identity) -> bool:
    return one.journal == other.journal and not _differ(one.machine, other.machine)
