"""What a person is told about a plan: what will not sound, what moves, what to know; each with its repair."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from loa.protocol.ids import OccurrenceId


class NoticeCode(StrEnum):
    """What a notice says; stable, for catalogues."""

    NO_AUDIENCE = "no_audience"
    """No area is named."""
    NOT_YOURS = "not_yours"
    """The areas are unknown, or not at or below the issuing area."""
    NO_TIME = "no_time"
    """It is not said when."""
    BAD_RECURRENCE = "bad_recurrence"
    """The rule cannot be followed; `reason` says why."""
    LAST_END_TOO_EARLY = "last_end_too_early"
    """It must have ended before it can end; `delta_ms` is lacking."""
    IN_THE_PAST = "in_the_past"
    """The time asked for is over."""
    TOO_FAR = "too_far"
    """Its first start is more than a year ahead: a slip of the pen."""
    NEVER = "never"
    """The recurrence has no start from now on."""
    OVERLAPS_ITSELF = "overlaps_itself"
    """It is to start again before it has ended."""
    QUIET_HOURS = "quiet_hours"
    """Its class may not sound at this hour."""
    INTO_QUIET_HOURS = "into_quiet_hours"
    """It would run into hours in which its class may not sound."""
    NO_NODES = "no_nodes"
    """No node belongs to any of the areas."""
    SOME_WITHOUT_NODES = "some_without_nodes"
    """No node belongs to these areas, the others have some."""
    WILL_NOT_SOUND = "will_not_sound"
    """By the timeline it does not sound, or not whole; `reason` says why."""
    DELAYED = "delayed"
    """It begins `delta_ms` after its planned start, since `by` sounds until then."""
    DISPLACES = "displaces"
    """What stood there before begins `delta_ms` later than without it."""
    TAKES_AWAY = "takes_away"
    """What stood there before no longer sounds whole; `reason` says how it ends."""
    INTERRUPTS = "interrupts"
    """It cuts into what sounds, which goes on afterwards."""
    ENDS_ON = "ends_on"
    """The recurrence never ends by its rule, so it ends on `at`."""
    WAITS_FOR_CHOICE = "waits_for_choice"
    """It goes to the commune's inbox and sounds only if the commune chooses it."""
    ATTENUATED = "attenuated"
    """It sounds `cap_db` quieter at this hour."""


class Weight(StrEnum):
    """How much a notice matters, in the order in which notices are shown."""

    REFUSED = "refused"
    """Approval is refused while it stands."""
    SILENT = "silent"
    """Something will not sound."""
    MOVED = "moved"
    """Something sounds at another time."""
    NOTE = "note"
    """To know."""


WEIGHTS = {
    NoticeCode.NO_AUDIENCE: Weight.REFUSED,
    NoticeCode.NOT_YOURS: Weight.REFUSED,
    NoticeCode.NO_TIME: Weight.REFUSED,
    NoticeCode.BAD_RECURRENCE: Weight.REFUSED,
    NoticeCode.LAST_END_TOO_EARLY: Weight.REFUSED,
    NoticeCode.IN_THE_PAST: Weight.REFUSED,
    NoticeCode.TOO_FAR: Weight.REFUSED,
    NoticeCode.NEVER: Weight.REFUSED,
    NoticeCode.OVERLAPS_ITSELF: Weight.REFUSED,
    NoticeCode.QUIET_HOURS: Weight.REFUSED,
    NoticeCode.INTO_QUIET_HOURS: Weight.REFUSED,
    NoticeCode.NO_NODES: Weight.REFUSED,
    NoticeCode.WILL_NOT_SOUND: Weight.SILENT,
    NoticeCode.TAKES_AWAY: Weight.SILENT,
    NoticeCode.DELAYED: Weight.MOVED,
    NoticeCode.DISPLACES: Weight.MOVED,
    NoticeCode.INTERRUPTS: Weight.MOVED,
    NoticeCode.SOME_WITHOUT_NODES: Weight.NOTE,
    NoticeCode.ENDS_ON: Weight.NOTE,
    NoticeCode.WAITS_FOR_CHOICE: Weight.NOTE,
    NoticeCode.ATTENUATED: Weight.NOTE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One thing to be told. `at` is the planned start that it is about."""

    code: NoticeCode
    at: datetime | None = None
    item: OccurrenceId | None = None
    title: str | None = None
    """Of the item, if it is another one than the previewed."""
    reason: str | None = None
    """A `loa.protocol.reasons.Reason`."""
    legal_source: str | None = None
    by: str | None = None
    """What is to blame: an occurrence, a silence or a withdrawal."""
    by_title: str | None = None
    delta_ms: int | None = None
    cap_db: float | None = None
    quiet_from_at: datetime | None = None
    """When the quiet hours begin that it would run into by `delta_ms`."""
    quiet_until_at: datetime | None = None
    """When the quiet hours end."""
    areas: tuple[str, ...] = ()
    repaired_before: datetime | None = None
    """The last start before `at` that would be allowed."""
    repaired_after: datetime | None = None
    """The next start after `at` that would be allowed."""

    @property
    def weight(self) -> Weight:
        """How much it matters."""
        return WEIGHTS[self.code]


def in_order(notices: list[Notice]) -> tuple[Notice, ...]:
    """What will not sound first, then what moves, then notes; within these by time. Each once."""
    ranks = list(Weight)
    unique = dict.fromkeys(notices)
    return tuple(
        sorted(unique, key=lambda one: (ranks.index(one.weight), str(one.at or ""), one.code, one.item or ""))
    )
