"""The third card: what people will hear, where, who will not, and what is interrupted."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from loa.audio.siren import OPENING_S
from loa.controller.core.bulletins import NOW, Plan, spoken_ms
from loa.controller.core.drills import PREFACE, Origin, drill_text
from loa.controller.core.emergencies import Deaf
from loa.controller.core.notices import Notice, NoticeCode, Weight
from loa.controller.core.preview import Preview
from loa.controller.core.standing_texts import TEXTS
from loa.controller.errors import ControllerError
from loa.controller.services.alarms import DRILL_CLASS, Wish
from loa.controller.services.previews import Asked
from loa.controller.services.recordings import Kept
from loa.controller.web import alarm_words
from loa.controller.web.alarm_words import Mode, Say
from loa.controller.web.console import Console, Visit
from loa.controller.web.localtime import spell
from loa.controller.web.previewing import Note, Painter
from loa.controller.web.words import _, ngettext
from loa.protocol.ids import AreaId, NodeId
from loa.protocol.kinds import BroadcastClass

_CUT = {NoticeCode.INTERRUPTS, NoticeCode.TAKES_AWAY}
_LEAST_MS = 1_000


@dataclass(frozen=True, slots=True)
class ThirdCard:
    """What the third card says."""

    opening: str
    preface: str
    text: str
    recording: str
    length: str
    where: str
    deaf: tuple[str, ...]
    """A line a reason: the names, and why nobody hears them."""
    interrupts: str
    refusals: tuple[Note, ...]
    """Why it cannot go out at all."""
    summary: str
    """Where it goes, short, for the line over the button."""


class Hearing:
    """Finds it out for one page."""

    def __init__(self, console: Console, mode: Mode) -> None:
        self._console = console
        self._mode = mode

    def of(self, visit: Visit, wish: Wish, say: Say | None) -> ThirdCard:
        """For what was chosen so far."""
        sound = self._console.controller.alarms.made(visit.person, wish)
        nodes = visit.places.nodes_of(wish.audience)
        notices = self._notices(visit, wish, sound)
        reach = _reach(visit, wish.audience, nodes)
        return ThirdCard(
            opening=self._opening(wish, sound),
            preface=PREFACE if self._mode.drill else "",
            text=self._text(wish, sound),
            recording=sound.sha256 if sound else "",
            length=_("1 lần, %(length)s", length=spell(sound.duration_ms)) if sound else _("1 lần"),
            where=reach,
            deaf=tuple(self._deaf(visit, nodes)),
            interrupts=self._interrupts(notices),
            refusals=tuple(self._refusals(visit, wish, notices)),
            summary=" · ".join(word for word in (_title(say), reach) if word),
        )

    def _opening(self, wish: Wish, sound: Kept | None) -> str:
        origin = str(sound.origin) if sound else Origin.SPEECH if wish.calm else Origin.ALARM
        if self._mode.drill:
            origin = Origin.DRILL
        word = str(alarm_words.OPENINGS[origin])
        return word % {"seconds": OPENING_S} if origin == Origin.ALARM else word

    def _text(self, wish: Wish, sound: Kept | None) -> str:
        if wish.message is None:
            return wish.text
        if self._mode.drill or (sound is not None and sound.origin in {Origin.ALARM, Origin.SPEECH}):
            return TEXTS.get(wish.message, "")
        return ""

    def _deaf(self, visit: Visit, nodes: Sequence[NodeId]) -> Iterable[str]:
        controller = self._console.controller
        with controller.db.look() as session:
            found = controller.emergencies.deaf(session, visit.person, nodes)
        by_reason: defaultdict[Deaf, list[NodeId]] = defaultdict(list)
        for node, why in found.items():
            by_reason[why].append(node)
        for why in Deaf:
            if by_reason[why]:
                names = visit.places.name_list(by_reason[why])
                yield _("%(names)s: %(why)s", names=names, why=alarm_words.DEAF[why])

    def _notices(self, visit: Visit, wish: Wish, sound: Kept | None) -> list[Notice] | None:
        """What the timeline of the nodes would make of it; None if it cannot be laid out."""
        controller = self._console.controller
        try:
            with controller.db.look() as session:
                area = controller.alarms.issuer(session, visit.person, wish.audience)
                found = controller.previews.preview(session, visit.person, self._asked(area, wish, sound))
        except ControllerError:
            return None
        return list(_all_notices(found))

    def _asked(self, area: AreaId, wish: Wish, sound: Kept | None) -> Asked:
        said = wish.text or (TEXTS.get(wish.message, "") if wish.message else "")
        text = drill_text(said) if self._mode.drill else said
        return Asked(
            area=area,
            class_=DRILL_CLASS if self._mode.drill else BroadcastClass.EMERGENCY,
            plan=Plan(audience=wish.audience, when=NOW),
            recording=sound.sha256 if sound else None,
            duration_ms=None if sound else max(_LEAST_MS, spoken_ms(text)),
        )

    def _interrupts(self, notices: Sequence[Notice] | None) -> str:
        if notices is None:
            return _("Chưa biết")
        cut = _titles(one.title for one in notices if one.code in _CUT)
        first = _titles(one.by_title for one in notices if one.code is NoticeCode.DELAYED)
        if first:
            return _("Không, chờ hết %(titles)s", titles=first)
        if cut:
            return _("Có: %(titles)s", titles=cut)
        return _("Không")

    def _refusals(self, visit: Visit, wish: Wish, notices: Sequence[Notice] | None) -> Iterable[Note]:
        names: Mapping[AreaId, str] = {area: visit.places.title(area) for area in wish.audience}
        painter = Painter(names=names, repairs=False)
        for notice in notices or ():
            if notice.weight is Weight.REFUSED and (note := painter.note(notice)) is not None:
                yield note


def _all_notices(preview: Preview) -> Iterable[Notice]:
    yield from preview.notices
    for view in preview.views:
        yield from view.notices


def _titles(titles: Iterable[str | None]) -> str:
    return ", ".join(dict.fromkeys(_("“%(title)s”", title=title) for title in titles if title))


def _title(say: Say | None) -> str:
    return str(alarm_words.CARDS[say].title) if say else ""


def _reach(visit: Visit, audience: Sequence[AreaId], nodes: Sequence[NodeId]) -> str:
    if not audience:
        return ""
    count = ngettext("%(num)s cụm loa", "%(num)s cụm loa", len(nodes))
    return _("%(places)s, %(nodes)s", places=visit.places.count(audience), nodes=count)
