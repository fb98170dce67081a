"""What a person chose on the emergency page or the drill page, from its address or its form."""

import hashlib
import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace

from starlette.datastructures import FormData, QueryParams

from loa.controller.core.access import Act, granted
from loa.controller.core.standing_texts import CORRECTION, CORRECTION_TITLE
from loa.controller.core.tree import AreaKind
from loa.controller.services.alarms import Wish
from loa.controller.web.alarm_words import CALM, MESSAGES, TYPED, Mode, Say
from loa.controller.web.bodies import text_of, texts_of
from loa.controller.web.catalogue import KINDS
from loa.controller.web.console import Visit
from loa.controller.web.places import capital
from loa.controller.web.words import _
from loa.protocol.ids import AreaId

SOME = "some"
"""The choice of single villages."""


@dataclass(frozen=True, slots=True)
class AlarmForm:
    """The page as it stands."""

    key: str
    """Names one order: sent twice, it is given once."""
    say: Say | None = None
    text: str = ""
    where: str = ""
    areas: tuple[AreaId, ...] = ()
    """The single areas that are ticked."""

    @property
    def audience(self) -> tuple[AreaId, ...]:
        """Where it is to sound."""
        if self.where == SOME:
            return self.areas
        return (AreaId(self.where),) if self.where else ()


@dataclass(frozen=True, slots=True)
class Choice:
    """A place to choose."""

    value: str
    word: str
    chosen: bool


def new_key() -> str:
    """Of an order that was not given yet."""
    return uuid.uuid4().hex


def form_of(form: FormData) -> AlarmForm:
    """The form as it was sent."""
    return AlarmForm(
        key=text_of(form, "key") or new_key(),
        say=_say(text_of(form, "say")),
        text=text_of(form, "text"),
        where=text_of(form, "where"),
        areas=tuple(AreaId(area) for area in texts_of(form, "area") if area),
    )


def form_from(query: QueryParams, visit: Visit, audience: Sequence[AreaId]) -> AlarmForm:
    """A fresh page: nothing said yet unless the address says it; where: all of the person's own area.

    `audience` is that of a broadcast which is to be corrected or ended.
    """
    fresh = AlarmForm(key=new_key(), say=_say(query.get("say", "")))
    if fresh.say is Say.CORRECTION:
        fresh = replace(fresh, text=CORRECTION)
    roots = roots_of(visit)
    tree = visit.places.tree
    known = [one for one in audience if one in tree and any(tree.is_within(one, root) for root in roots)]
    if len(known) == 1 and known[0] in _wide(visit, roots):
        return replace(fresh, where=known[0])
    if known:
        return replace(fresh, where=SOME, areas=tuple(known))
    return replace(fresh, where=roots[0] if roots else "")


def roots_of(visit: Visit) -> list[AreaId]:
    """The areas that the person may alarm, the widest first; those within another are left out."""
    tree = visit.places.tree
    mine = [area for area in granted(visit.person, Act.BROADCAST_EMERGENCY) if area in tree]
    wide = [one for one in mine if not any(one != other and tree.is_within(one, other) for other in mine)]
    return sorted(wide, key=lambda area: (len(tree.path(area)), area))


def wish_of(form: AlarmForm, visit: Visit, mode: Mode) -> Wish:
    """As the service takes it."""
    return Wish(
        audience=visit.places.narrowed(form.audience),
        message=MESSAGES.get(form.say) if form.say else None,
        text=form.text if form.say in TYPED else "",
        title=CORRECTION_TITLE if form.say is Say.CORRECTION else "",
        calm=form.say in CALM,
        drill=mode.drill,
    )


def digest_of(wish: Wish) -> str:
    """Names what is asked for, so that a key cannot be used for something else."""
    said = [wish.audience, wish.message, wish.text, wish.calm, wish.drill]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()


def wide_choices(form: AlarmForm, visit: Visit) -> list[Choice]:
    """Chips: each whole area of the person's own, its groups of loudspeakers, single villages."""
    roots = roots_of(visit)
    chips = [
        Choice(area, _wide_word(visit, area, alone=len(roots) == 1), form.where == area)
        for area in _wide(visit, roots)
    ]
    if not single_choices(form, visit):
        return chips
    return [*chips, Choice(SOME, _("Chọn từng nơi"), form.where == SOME)]


def single_choices(form: AlarmForm, visit: Visit) -> list[Choice]:
    """The single areas below the person's own: villages, or loudspeakers where there are no villages."""
    tree, roots = visit.places.tree, roots_of(visit)
    below = [tree.place(area) for area in tree.below(frozenset(roots)) if area not in roots]
    villages = [place for place in below if place.kind not in {AreaKind.NODE, AreaKind.ZONE}]
    shown = villages or [place for place in below if place.kind is AreaKind.NODE]
    return [
        Choice(place.id, capital(visit.places.title(place.id)), place.id in form.areas)
        for place in sorted(shown, key=lambda place: (len(tree.path(place.id)), place.name))
    ]


def _wide(visit: Visit, roots: Sequence[AreaId]) -> list[AreaId]:
    tree = visit.places.tree
    inside = sorted(tree.below(frozenset(roots)) - set(roots))
    return [*roots, *(area for area in inside if tree.place(area).kind is AreaKind.ZONE)]


def _wide_word(visit: Visit, area: AreaId, *, alone: bool) -> str:
    place = visit.places.tree.place(area)
    if place.kind is AreaKind.ZONE:
        return _("Nhóm: %(name)s", name=place.name)
    if alone and place.kind is not AreaKind.NODE:
        return _("Cả %(kind)s", kind=KINDS[place.kind])
    return capital(visit.places.title(area))


def _say(value: str) -> Say | None:
    return Say(value) if value in set(Say) else None
