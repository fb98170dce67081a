"""What a node's ears found of an occurrence, in words and marks: only what is lacking changes a line."""

from loa.controller.store.tables import LogRow
from loa.controller.web import catalogue
from loa.controller.web.catalogue import Look
from loa.protocol.reports import Evidence, Sensed

RENDERED, HEARD = "rendered", "heard"


def mark(ear: str, entry: LogRow) -> str:
    """The mark of its rung."""
    found = entry.rendered if ear == RENDERED else entry.heard
    if found is None:
        return "unknown"
    return "yes" if found else ("partly" if _passed(entry, ear) else "no")


def lacking_look(entry: LogRow) -> Look | None:
    """The badge of what was played and did not come out; None where no ear missed it."""
    if entry.rendered is False:
        return catalogue.PARTLY_SILENT if _passed(entry, RENDERED) else catalogue.SILENT
    if entry.heard is False:
        return catalogue.PARTLY_SILENT if _passed(entry, HEARD) else catalogue.NOT_HEARD
    return None


def lacking_words(entry: LogRow) -> str | None:
    """The reason in plain words; None where no ear missed it."""
    if entry.rendered is False:
        nothing, part, ear = catalogue.RENDERED_NOTHING, catalogue.RENDERED_PART, RENDERED
    elif entry.heard is False:
        nothing, part, ear = catalogue.HEARD_NOTHING, catalogue.HEARD_PART, HEARD
    else:
        return None
    by = _sensed(entry, ear)
    return part.format(passed=by.passed, judged=by.judged) if by is not None and by.passed else nothing


def _passed(entry: LogRow, ear: str) -> int:
    by = _sensed(entry, ear)
    return 0 if by is None else by.passed


def _sensed(entry: LogRow, ear: str) -> Sensed | None:
    if not entry.evidence:
        return None
    evidence = Evidence.from_bytes(entry.evidence)
    return evidence.rendered_by if ear == RENDERED else evidence.heard_by
