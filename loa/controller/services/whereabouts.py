"""Where areas and nodes are, and whom to call there: read, set, and taken over from a file of outlines."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from loa.controller.core.access import Act, Person, granted
from loa.controller.core.coordinates import write_position
from loa.controller.core.geometry import GeometryError, Outline, points_of, read_outline
from loa.controller.core.slugs import slug_of
from loa.controller.core.tree import AreaKind, Place, Tree
from loa.controller.core.whereabouts import FACTS, Whereabouts, misplaced
from loa.controller.errors import Conflict, Invalid, Stale
from loa.controller.ports import Clock
from loa.controller.services.audit import Audit
from loa.controller.services.rights import permit
from loa.controller.store import whereabouts as store
from loa.controller.store.areas import row_of
from loa.controller.store.bulletins import name_of
from loa.controller.store.database import Session, Work
from loa.controller.store.tree import read_tree
from loa.protocol.ids import AreaId

MOST_FEATURES = 20_000
_CALLED = ("id", "area", "ma", "code", "name", "ten", "NAME", "TEN")
"""Properties of a feature that may say which area it is, the surest first."""


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of a file of outlines."""

    set: tuple[AreaId, ...]
    unknown: tuple[str, ...]
    """What no area is called."""
    ambiguous: tuple[str, ...]
    """What several areas are called; name their ids in the file."""


class WhereaboutsKeeper:
    """Who may see an area sees where it is; who keeps areas, or nodes, says so."""

    def __init__(self, *, clock: Clock, audit: Audit) -> None:
        self._clock = clock
        self._audit = audit

    def get(self, session: Session, who: Person, area: AreaId) -> Whereabouts:
        """Raises `NotFound` also where the person has no right to know of it."""
        permit(session, who, Act.READ_AREA, area)
        return store.whereabouts_of(session, area)

    def all(self, session: Session, who: Person) -> dict[AreaId, Whereabouts]:
        """Of all areas that the person sees and of which something is known, without the outlines."""
        return store.all_whereabouts(session, _visible(session, who))

    def outlines(
        self,
        session: Session,
        who: Person,
        kinds: Iterable[AreaKind],
        most: int,
        *,
        within: AreaId | None = None,
    ) -> dict[AreaId, Outline]:
        """Of the first of these kinds of which there are some and not too many to draw."""
        tree = read_tree(session)
        seen = _visible(session, who)
        if within is not None:
            seen &= tree.below(frozenset({within}))
        known = store.outlined(session, seen)
        for kind in kinds:
            wanted = [area for area in known if tree.place(area).kind is kind]
            if 0 < len(wanted) <= most:
                return store.outlines_of(session, wanted)
        return {}

    def change(
        self, work: Work, who: Person, area: AreaId, changed: Mapping[str, Any], revision: int
    ) -> Whereabouts:
        """Give these of its members other values.

        Raises `Stale` if `revision` is not the one that is there; 0 where there is none yet.
        """
        kind = AreaKind(row_of(work.session, area).kind)
        act = Act.MANAGE_NODES if kind is AreaKind.NODE else Act.MANAGE_AREAS
        permit(work.session, who, act, area, sees=Act.READ_AREA)
        before = store.whereabouts_of(work.session, area)
        if before.revision != revision:
            raise Stale(
                revision=before.revision,
                saved_by=name_of(work.session, before.updated_by),
                saved_at=before.updated_at or self._clock.now(),
            )
        return self.insert(work, who.user_id, replace(before, **changed))

    def before(self, session: Session, who: Person, area: AreaId) -> Whereabouts | None:
        """What the last change replaced; None where there was none. Raises `NotFound` as `get` does."""
        permit(session, who, Act.READ_AREA, area)
        return store.facts_before(session, area)

    def undo(self, work: Work, who: Person, area: AreaId, revision: int) -> Whereabouts:
        """Take the last change back, as a change of its own: the next time this one is taken back.

        Raises as `change` does, and `Conflict` where nothing was changed yet.
        """
        before = self.before(work.session, who, area)
        if before is None:
            raise Conflict("nothing_to_undo", "nothing was changed yet", area=area)
        return self.change(work, who, area, before.facts(), revision)

    def outline_for(self, session: Session, who: Person, area: AreaId, document: object) -> Outline:
        """The outline that a GeoJSON document has for this area.

        It is a geometry, a feature, or a collection: of that its only feature, or the one that is called as
        the area is. Raises `Invalid`, which says what is wrong, and `NotFound` as `get` does.
        """
        permit(session, who, Act.READ_AREA, area)
        kind = document.get("type") if isinstance(document, Mapping) else None
        if kind == "FeatureCollection":
            document = _feature_of(read_tree(session).place(area), document)
        elif kind == "Feature" and isinstance(document, Mapping):
            document = document.get("geometry")
        return _outline(area, document)

    def insert(self, work: Work, by: str, wanted: Whereabouts) -> Whereabouts:
        """All of it at once, without asking for rights and whatever is there; nothing if it is so already."""
        kind = AreaKind(row_of(work.session, wanted.area).kind)
        if (wrong := misplaced(kind, wanted)) is not None:
            raise Invalid("not_for_this_kind", f"a {kind} has no {wrong}", kind=kind, member=wrong)
        before = store.whereabouts_of(work.session, wanted.area)
        if before.facts() == wanted.facts():
            return before
        kept = replace(wanted, revision=before.revision + 1, updated_by=by, updated_at=self._clock.now())
        store.store_whereabouts(work.session, kept, before=before)
        changed = [name for name in FACTS if getattr(before, name) != getattr(kept, name)]
        told = {name: f"{_told(before, name)} → {_told(kept, name)}" for name in changed if name in _TOLD}
        self._audit.note(work, by, "area.located", area=kept.area, subject=kept.area, changed=changed, **told)
        return kept

    def import_outlines(self, work: Work, by: str, collection: object) -> Imported:
        """Set the outlines of a GeoJSON FeatureCollection, each feature's area by its id, else by its name.

        One wrong outline refuses the whole file; raises `Invalid`, which names the feature.
        """
        tree = read_tree(work.session)
        known = _by_name(tree)
        done: list[AreaId] = []
        unknown: list[str] = []
        ambiguous: list[str] = []
        for called, geometry in _features(collection):
            found = _matching(called, known)
            if len(found) != 1:
                (ambiguous if found else unknown).append(called[0] if called else "?")
                continue
            outline = _outline(called[0], geometry)
            before = store.whereabouts_of(work.session, found[0])
            self.insert(work, by, replace(before, outline=outline))
            done.append(found[0])
        return Imported(tuple(done), tuple(unknown), tuple(ambiguous))


def _told(known: Whereabouts, fact: str) -> str:
    value = getattr(known, fact)
    return "-" if value is None else _TOLD[fact](value)


_TOLD: Mapping[str, Callable[[Any], str]] = {
    "households": str,
    "outline": lambda outline: f"{points_of(outline)} points",
    "position": write_position,
}
"""Facts whose values the trail tells; names and numbers of people stay out of what is kept for good."""


def _visible(session: Session, who: Person) -> frozenset[AreaId]:
    return read_tree(session).below(granted(who, Act.READ_AREA))


def _by_name(tree: Tree) -> Mapping[str, list[AreaId]]:
    """The areas by each of their names."""
    known: dict[str, list[AreaId]] = {}
    levels = frozenset(AreaKind) - {AreaKind.NODE, AreaKind.ZONE}
    places = [tree.place(area) for area in tree.below(frozenset(tree.widest()))]
    for place in (place for place in places if place.kind in levels):
        for name in _names(place):
            known.setdefault(name, []).append(place.id)
    return known


def _matching(called: list[str], known: Mapping[str, list[AreaId]]) -> list[AreaId]:
    found = (known.get(name) or known.get(slug_of(name), []) for name in called)
    return next((areas for areas in found if areas), [])


def _feature_of(place: Place, collection: object) -> object:
    features = list(_features(collection))
    if len(features) > 1:
        own = {name: [place.id] for name in _names(place)}
        features = [one for one in features if _matching(one[0], own)]
    if len(features) != 1:
        detail = f"the file has several features, of which {len(features)} are called as the area is"
        raise Invalid("no_such_feature", detail, name=place.name, found=len(features))
    return features[0][1]


def _names(place: Place) -> set[str]:
    """Its id, and its name as it is written and without what it is (`Thôn`, `Xã`), folded."""
    plain = slug_of(place.name)
    return {place.id, plain, plain.partition("-")[2]} - {""}


def _features(collection: object) -> Iterable[tuple[list[str], object]]:
    if not isinstance(collection, Mapping) or collection.get("type") != "FeatureCollection":
        raise Invalid("no_outlines", "the file is no GeoJSON FeatureCollection")
    features = collection.get("features")
    if not isinstance(features, list) or len(features) > MOST_FEATURES:
        raise Invalid("no_outlines", f"features is no list, or has more than {MOST_FEATURES} entries")
    for feature in features:
        if not isinstance(feature, Mapping):
            raise Invalid("no_outlines", "a feature is no object")
        properties = feature.get("properties")
        given = properties if isinstance(properties, Mapping) else {}
        said = [feature.get("id"), *(given.get(name) for name in _CALLED)]
        yield [str(one) for one in said if isinstance(one, str | int) and one != ""], feature.get("geometry")


def _outline(name: str, geometry: object) -> Outline:
    try:
        return read_outline(geometry)
    except GeometryError as error:
        raise Invalid("bad_outline", f"{name}: {error}", feature=name, problem=error.problem) from error
