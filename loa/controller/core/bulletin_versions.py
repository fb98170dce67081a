"""What a bulletin said before: which versions are kept, and what changed between two of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from loa.controller.core.bulletins import Draft

FOLD = timedelta(minutes=10)
"""Saves of one person that follow each other so soon are one version: a draft saves itself as it is typed."""
MOST = 50
"""Versions of one bulletin; the oldest saves go first, what was sent or returned stays."""


class VersionAct(StrEnum):
    """What made a version."""

    SAVED = "saved"
    SUBMITTED = "submitted"
    RETURNED = "returned"


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """What a bulletin said at one revision."""

    revision: int
    act: VersionAct
    at: datetime
    by: str
    comment: str | None
    """Why it was returned."""
    draft: Draft


class Part(StrEnum):
    """What of a draft may change."""

    TITLE = "title"
    TEXT = "text"
    RECORDING = "recording"
    AUDIENCE = "audience"
    WHEN = "when"
    CLASS = "class"
    FIELD = "field"


def folds(last: Version | None, following: Version) -> bool:
    """Whether `following` takes the place of `last`: a save right after a save of the same person."""
    return (
        last is not None
        and last.act is following.act is VersionAct.SAVED
        and last.by == following.by
        and following.at - last.at < FOLD
    )


def surplus(versions: Sequence[Version]) -> Sequence[Version]:
    """Those to forget when there are too many; `versions` go from the oldest on."""
    saves = [one for one in versions if one.act is VersionAct.SAVED]
    return saves[: max(0, len(versions) - MOST)]


def changes(before: Draft | None, after: Draft) -> Sequence[Part]:
    """What is different, in the order of the form; all that is filled in where nothing was before."""
    old, new = _parts(before or Draft(area=after.area)), _parts(after)
    return [part for part in Part if old[part] != new[part]]


def _parts(draft: Draft) -> dict[Part, object]:
    return {
        Part.TITLE: draft.title,
        Part.TEXT: draft.text or "",
        Part.RECORDING: draft.recording,
        Part.AUDIENCE: draft.plan.audience,
        Part.WHEN: draft.plan.when,
        Part.CLASS: draft.class_,
        Part.FIELD: draft.field,
    }
