"""What is told after something was moved: from when to when, what comes of it, and the way back."""

from dataclasses import dataclass, replace
from datetime import datetime

from starlette.datastructures import QueryParams

from loa.controller.core.access import Act, may
from loa.controller.core.bulletins import Bulletin, BulletinState
from loa.controller.errors import ControllerError
from loa.controller.web import phrases
from loa.controller.web.console import Console, Visit
from loa.controller.web.localtime import day_words
from loa.controller.web.previewing import Note
from loa.controller.web.words import _


@dataclass(frozen=True, slots=True)
class MovedNote:
    """The notice, and the form that takes it back."""

    title: str
    text: str
    bulletin: str
    revision: int
    was: str
    undo_date: str
    undo_time: str
    back: str
    notes: tuple[Note, ...]


def moved_note(console: Console, visit: Visit, query: QueryParams, back: str) -> MovedNote | None:
    """If the address says that something was moved, and it is there to be read."""
    was, now = read_wall(query.get("was", "")), read_wall(query.get("now", ""))
    if was is None or now is None:
        return None
    try:
        bulletin = console.bulletin(visit, query.get("moved", ""))
    except ControllerError:
        return None
    title = bulletin.draft.title or phrases.TITLE_UNNAMED
    preview = console.preview(visit, bulletin.draft, mine=title, repairs=False)
    return MovedNote(
        title=_("Đã đổi giờ “%(title)s”", title=title),
        text=_("Từ %(was)s sang %(now)s.", was=wall_words(was), now=wall_words(now))
        + _approval(console, visit, bulletin),
        bulletin=bulletin.id,
        revision=bulletin.revision,
        was=now.isoformat(),
        undo_date=f"{was:%Y-%m-%d}",
        undo_time=f"{was:%H:%M}",
        back=back,
        notes=tuple(replace(note, repair=None) for note in preview.notes),
    )


def read_wall(text: str) -> datetime | None:
    """A wall time of an address."""
    try:
        wall = datetime.fromisoformat(text)
    except ValueError:
        return None
    return wall if wall.tzinfo is None else None


def wall_words(wall: datetime) -> str:
    """`17:38 Thứ Năm, 11/6`."""
    return f"{wall:%H:%M} {day_words(wall.date())}"


def _approval(console: Console, visit: Visit, bulletin: Bulletin) -> str:
    path = [place.id for place in visit.places.tree.path(bulletin.draft.area)]
    own = bulletin.submitted_by == visit.person.user_id and may(visit.person, Act.APPROVE, path)
    if bulletin.state is BulletinState.SUBMITTED and own and console.leaves_to_others(visit, bulletin):
        return " " + _("Bạn vừa gửi lại bản này nên người khác phải duyệt.")
    return ""
