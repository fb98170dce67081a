"""Where an area or a loudspeaker is, as its page shows it: facts, a drawing, and what can be taken back."""

from collections.abc import Iterator
from dataclasses import dataclass

from loa.controller.core.coordinates import write_position
from loa.controller.core.geometry import Outline, points_of, square_km
from loa.controller.core.whereabouts import Whereabouts
from loa.controller.store.database import Session
from loa.controller.web.console import Console, Visit
from loa.controller.web.map_drawing import Drawing, Ground, draw
from loa.controller.web.map_view import LEVELS, MOST_GROUNDS
from loa.controller.web.outline_words import say_size
from loa.controller.web.words import _, ngettext
from loa.protocol.ids import AreaId


@dataclass(frozen=True, slots=True)
class WhereForm:
    """What is asked for of an area, as it stands on the page."""

    households: str = ""
    contact_name: str = ""
    contact_phone: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True)
class Where:
    """What the page of an area shows of it."""

    form: WhereForm
    revision: int
    drawing: Drawing
    size: str
    before: str
    """What the last change replaced, in words; empty if there is nothing to take back."""


def where_of(
    console: Console, session: Session, visit: Visit, area: AreaId, typed: WhereForm | None = None
) -> Where | None:
    """Of a level of the tree; None of a zone, which is where its loudspeakers are."""
    if visit.places.tree.place(area).kind not in LEVELS:
        return None
    keeper = console.controller.whereabouts
    known, before = keeper.get(session, visit.person, area), keeper.before(session, visit.person, area)
    return Where(
        form=typed or form_of(known),
        revision=known.revision,
        drawing=drawing_around(console, session, visit, area, known.outline),
        size=size_of_outline(known.outline),
        before=say_before(known, before),
    )


def form_of(known: Whereabouts) -> WhereForm:
    """The form that asks for what is known already."""
    return WhereForm(
        households="" if known.households is None else str(known.households),
        contact_name=known.contact.name if known.contact else "",
        contact_phone=known.contact.phone if known.contact else "",
        description=known.description,
    )


def size_of_outline(outline: Outline | None) -> str:
    """How large it is and how fine; empty without one."""
    return say_size(square_km(outline), points_of(outline)) if outline else ""


def drawing_around(
    console: Console, session: Session, visit: Visit, area: AreaId, outline: Outline | None
) -> Drawing:
    """This outline of the area among those of its like; nothing without one."""
    if outline is None:
        return Drawing()
    place = visit.places.tree.place(area)
    parent = place.parent_id if place.parent_id in visit.places else None  # type: ignore[operator]  # None is in no area
    near = console.controller.whereabouts.outlines(
        session, visit.person, [place.kind], MOST_GROUNDS, within=parent
    )
    grounds = [
        Ground(one, visit.places.short_name(one), its) for one, its in (near | {area: outline}).items()
    ]
    return draw(sorted(grounds, key=lambda ground: ground.name), ())


def say_before(known: Whereabouts, before: Whereabouts | None) -> str:
    """What would be so again; empty if nothing would."""
    if before is None or before.facts() == known.facts():
        return ""
    return _("Trước đó: %(facts)s.", facts=", ".join(_differing(known, before)))


def _differing(known: Whereabouts, before: Whereabouts) -> Iterator[str]:
    if before.households != known.households:
        count = before.households
        yield _("chưa có số hộ") if count is None else ngettext("%(num)s hộ", "%(num)s hộ", count)
    if before.contact != known.contact:
        yield before.contact.name if before.contact else _("chưa có người lo loa")
    if before.outline != known.outline:
        yield (
            _("có đường ranh khác")
            if before.outline and known.outline
            else (_("có đường ranh") if before.outline else _("chưa có đường ranh"))
        )
    if before.position != known.position:
        yield write_position(before.position) if before.position else _("chưa có vị trí")
    if before.description != known.description:
        yield f"“{before.description}”" if before.description else _("chưa có lời chỉ đường")
