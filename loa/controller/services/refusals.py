"""Notices of weight `refused` as errors: what is wrong, by which rule, and which value would do."""

from collections.abc import Mapping
from dataclasses import asdict

from loa.controller.core.notices import Notice, NoticeCode
from loa.controller.errors import Invalid


def refused(notice: Notice) -> Invalid:
    """The refusal of a plan; its facts are those of the notice that are known."""
    facts = {
        name: value for name, value in asdict(notice).items() if name != "code" and value not in (None, ())
    }
    source = f" ({notice.legal_source})" if notice.legal_source else ""
    return Invalid(str(notice.code), _DETAILS[notice.code] + source + _repair(notice), **facts)


def _repair(notice: Notice) -> str:
    near = [at for at in (notice.repaired_before, notice.repaired_after) if at is not None]
    if not near:
        return ""
    return "; allowed: " + " or ".join(at.isoformat() for at in near)


_DETAILS: Mapping[NoticeCode, str] = {
    NoticeCode.NO_AUDIENCE: "name at least one area that is to hear it",
    NoticeCode.NOT_YOURS: "these areas are unknown or not within the issuing area; take them out",
    NoticeCode.NO_TIME: "say when it is to sound",
    NoticeCode.BAD_RECURRENCE: "the recurrence cannot be followed; change its rule",
    NoticeCode.LAST_END_TOO_EARLY: "it cannot end by its last end; give it more time or shorten it",
    NoticeCode.IN_THE_PAST: "its time is over; choose a later one",
    NoticeCode.TOO_FAR: "it begins more than a year from now; check the year",
    NoticeCode.NEVER: "the recurrence has no start from now on; change its rule or its dates",
    NoticeCode.OVERLAPS_ITSELF: "it would start again before it has ended; let it start less often",
    NoticeCode.QUIET_HOURS: "its class may not sound at this hour",
    NoticeCode.INTO_QUIET_HOURS: "it would run into hours in which its class may not sound",
    NoticeCode.NO_NODES: "no node belongs to these areas, so nobody would hear it; choose others",
}
