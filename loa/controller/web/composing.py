"""A new announcement in three steps: what, where, when. Each step saves the draft; nothing typed is lost."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from starlette.datastructures import FormData

from loa.controller.core.access import Act, granted
from loa.controller.core.bulletins import Bulletin, Draft, spoken_ms
from loa.controller.services.bulletins import text_digest
from loa.controller.services.recordings import Kept
from loa.controller.web import phrases
from loa.controller.web.bodies import text_of
from loa.controller.web.catalogue import CAUTIONS, CLASSES, FIELDS, Look
from loa.controller.web.console import OPEN, Closed, Console, Visit
from loa.controller.web.localtime import decimal
from loa.protocol.ids import AreaId, RecordingId
from loa.protocol.kinds import BroadcastClass

QUIET_LUFS, LOUD_LUFS = -24.0, -12.0
"""Between these a sound is of a loudness that people call right."""
OWN_HASTE = timedelta(seconds=30)
SOUNDS = ("record", "upload")
"""Ways of making an announcement that need a sound from the person."""
SOUNDS_BY_ORIGIN = {"recorded": "record", "upload": "upload"}


@dataclass(frozen=True, slots=True)
class WhatForm:
    """The first step as it stands on the page."""

    id: str = ""
    revision: int = 0
    recording: str = ""
    by: str = "text"
    title: str = ""
    text: str = ""
    field: str = "health"
    class_: str = BroadcastClass.NORMAL
    area: str = ""
    file_name: str = ""


def what_of(form: FormData) -> WhatForm:
    """The form as it was sent."""
    revision = text_of(form, "revision")
    class_ = text_of(form, "class")
    return WhatForm(
        id=text_of(form, "id"),
        revision=int(revision) if revision.isdigit() else 0,
        recording=text_of(form, "recording"),
        by=text_of(form, "by") if text_of(form, "by") in SOUNDS else "text",
        title=text_of(form, "title"),
        text=text_of(form, "text"),
        field=text_of(form, "field") if text_of(form, "field") in FIELDS else "other",
        class_=class_ if class_ in CLASSES else BroadcastClass.NORMAL,
        area=text_of(form, "area"),
    )


def what_from(bulletin: Bulletin, origin: str | None) -> WhatForm:
    """The page for a draft that is there."""
    draft = bulletin.draft
    return WhatForm(
        id=bulletin.id,
        revision=bulletin.revision,
        recording=draft.recording or "",
        by=SOUNDS_BY_ORIGIN.get(origin or "", "text"),
        title=draft.title,
        text=draft.text or "",
        field=draft.field,
        class_=draft.class_,
        area=draft.area,
    )


def draft_of(console: Console, visit: Visit, what: WhatForm, recording: RecordingId | None) -> Draft:
    """What the form says as a draft; where and when are kept from before."""
    before = Draft(area=issuing_area(visit, what.area))
    if what.id:
        before = console.open_bulletin(visit, what.id).draft
    return replace(
        before,
        title=what.title[:200],
        field=what.field,
        class_=BroadcastClass(what.class_),
        text=what.text or None,
        recording=recording,
    )


def issuing_area(visit: Visit, wanted: str) -> AreaId:
    """The area in whose name the person writes: the one asked for, if it is theirs, else the widest."""
    mine = granted(visit.person, Act.WRITE_BULLETIN)
    if AreaId(wanted) in mine:
        return AreaId(wanted)
    return next((root for root in visit.places.roots if root in mine), min(mine, default=AreaId("")))


def save(
    console: Console, visit: Visit, bulletin_id: str, revision: int, draft: Draft, *, submit: bool = False
) -> Bulletin:
    """Create the draft or replace it, and hand it in if asked; raises `Stale` when somebody else was quicker.

    What the person saved a moment ago, by itself in the same page, is overtaken and does not count.
    Raises `Closed` for a bulletin that was handed in already: a late save must not take it back.
    """
    bulletins, now = console.controller.bulletins, console.controller.clock.now()
    with console.controller.db.work() as work:
        if not bulletin_id:
            return bulletins.create(work, visit.person, draft)
        found = bulletins.get(work.session, visit.person, bulletin_id)
        if found.state not in OPEN:
            raise Closed(bulletin_id)
        if found.updated_by == visit.person.user_id and now - found.updated_at < OWN_HASTE:
            revision = found.revision
        saved = bulletins.save(work, visit.person, bulletin_id, draft, revision)
        return bulletins.submit(work, visit.person, saved.id, saved.revision) if submit else saved


def sound_view(kept: Kept | None, name: str = "") -> Mapping[str, Any] | None:
    """A recording on the page."""
    if kept is None:
        return None
    before = kept.loudness_before_lufs
    rough = bool(kept.warnings)
    return {
        "sha256": kept.sha256,
        "name": name,
        "look": Look(phrases.HEARD_ROUGH, "alarm", "warn")
        if rough
        else Look(phrases.HEARD_WELL, "tick", "ok"),
        "duration_ms": kept.duration_ms,
        "before": before,
        "before_word": _loudness(before) if before is not None else "",
        "before_level": _level(before, "LUFS") if before is not None else "",
        "after_word": _loudness(kept.loudness_lufs),
        "after_level": _level(kept.loudness_lufs, "LUFS"),
        "peak_level": _level(kept.true_peak_dbtp, "dBTP"),
        "size_bytes": kept.size_bytes,
        "cautions": [CAUTIONS[warning] for warning in kept.warnings if warning in CAUTIONS],
    }


def reading_view(console: Console, text: str) -> Mapping[str, Any] | None:
    """What the voice will change, each change once."""
    if not text:
        return None
    changes = console.controller.recordings.read_back(text)
    return {
        "changes": list({change.original: change for change in changes}.values()),
        "digest": text_digest(text),
        "words": len(text.split()),
        "about_ms": spoken_ms(text),
    }


def _loudness(lufs: float) -> str:
    if lufs < QUIET_LUFS:
        return phrases.LOUDNESS_LOW
    return phrases.LOUDNESS_HIGH if lufs > LOUD_LUFS else phrases.LOUDNESS_GOOD


def _level(value: float, unit: str) -> str:
    """A level with its unit, for people who measure."""
    return f"{decimal(value, 1).replace('-', '−')}\u00a0{unit}"
