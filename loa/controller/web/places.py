"""The areas that a person looks after, as pages show them: names, the tree with its boxes, who would hear."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from loa.controller.core.presence import LastWord
from loa.controller.core.slugs import by_name
from loa.controller.core.tree import AreaKind, Place, Tree
from loa.controller.web import phrases
from loa.controller.web.catalogue import AREA_TITLE, KIND_COUNTS, KINDS, KINDS_IN_NAMES, KINDS_TO_LEAVE_OUT
from loa.controller.web.words import VIETNAMESE, language
from loa.protocol.ids import AreaId, NodeId

FOLDED_FROM = 12
"""A list of more areas than this is folded; nodes always are."""
MOST_NAMES = 3
_ORDER = list(AreaKind)


@dataclass(frozen=True, slots=True)
class Branch:
    """An area in the tree of boxes."""

    id: AreaId
    name: str
    full: str
    """With what it is; a search finds it by this, too."""
    chosen: bool
    mixed: bool
    note: str
    inner: tuple["Branch", ...]
    folded: bool
    open: bool
    fold_word: str


@dataclass(frozen=True, slots=True)
class _Growing:
    """What a tree of boxes is grown with."""

    chosen: frozenset[AreaId]
    note: Callable[[AreaId], str]


class Places:
    """The tree with what its nodes said; `roots` are the areas that the person was given."""

    def __init__(self, *, tree: Tree, roots: Collection[AreaId], heard: Mapping[NodeId, LastWord]) -> None:
        self.tree = tree
        self.heard = heard
        self._roots = [root for root in roots if root in tree]
        self._inner: defaultdict[AreaId, list[Place]] = defaultdict(list)
        self._mine = tree.below(frozenset(self._roots))
        for place in map(tree.place, self._mine):
            if place.parent_id is not None:
                self._inner[place.parent_id].append(place)

    @property
    def roots(self) -> list[AreaId]:
        """The widest areas of the person, those within another left out, the highest first."""
        wide = [
            root
            for root in self._roots
            if not any(other != root and self.tree.is_within(root, other) for other in self._roots)
        ]
        return sorted(wide, key=lambda root: (_ORDER.index(self.tree.place(root).kind), self.name(root)))

    @property
    def home_name(self) -> str:
        """The person's own area, for the frame."""
        return capital(self.title(self.roots[0])) if self.roots else phrases.STATION

    @property
    def sounding(self) -> list[NodeId]:
        """The person's nodes that say that they sound."""
        return [node for node, heard in self.heard.items() if heard.sounding and AreaId(node) in self._mine]

    def __contains__(self, area: AreaId) -> bool:
        return area in self._mine

    def name(self, area: AreaId) -> str:
        """The area's own name; its id if it is gone."""
        return keep_together(self.tree.place(area).name) if area in self.tree else area

    def short_name(self, area: AreaId) -> str:
        """The name for a list or map of its like: `Phú Cường` of `Thôn Phú Cường`, but `Khu 3` as it is."""
        name = self.name(area)
        kind = next((word for word in KINDS_TO_LEAVE_OUT if name.lower().startswith(word)), "")
        rest = name[len(kind) :]
        return rest if rest[:1].isalpha() and self.tree.place(area).kind is AreaKind.VILLAGE else name

    def title(self, area: AreaId) -> str:
        """The name with what it is: `xã Lãng Công`, which is capital within an English sentence."""
        if area not in self.tree:
            return area
        place = self.tree.place(area)
        name = self.name(area)
        if place.name.lower().startswith(KINDS_IN_NAMES):
            return name[:1].lower() + name[1:] if language() == VIETNAMESE.code else name
        return name if place.kind is AreaKind.NODE else AREA_TITLE.format(kind=KINDS[place.kind], name=name)

    def options(self) -> Iterator[tuple[AreaId, str]]:
        """All areas for a list to choose from, each below the one that it lies in."""
        for root in self.roots:
            yield from self._options(self.tree.place(root), 0)

    def branches(self, audience: Iterable[AreaId], note: Callable[[AreaId], str]) -> tuple[Branch, ...]:
        """The tree of boxes with the audience chosen; `note` stands beside an area that is no node."""
        growing = _Growing(frozenset(audience), note)
        return tuple(self._branch(self.tree.place(root), growing, covered=False) for root in self.roots)

    def narrowed(self, audience: Iterable[AreaId]) -> tuple[AreaId, ...]:
        """The fewest areas that mean the same: what lies within another chosen area is left out."""
        chosen = [area for area in audience if area in self._mine]
        return tuple(
            area
            for area in dict.fromkeys(chosen)
            if not any(other != area and self._is_below(area, other) for other in chosen)
        )

    def nodes_of(self, audience: Iterable[AreaId]) -> list[NodeId]:
        """The nodes that the audience reaches, each once."""
        return list(dict.fromkeys(node for area in audience for node in self.tree.nodes_of(area)))

    def count(self, audience: Iterable[AreaId]) -> str:
        """`4 thôn`, `1 xã, 2 cụm loa`; one area is named."""
        areas = [self.tree.place(area) for area in audience if area in self.tree]
        if len(areas) == 1:
            return capital(self.title(areas[0].id))
        counts = {kind: sum(place.kind is kind for place in areas) for kind in AreaKind}
        return ", ".join(KIND_COUNTS[kind](count) for kind, count in counts.items() if count)

    def name_list(self, nodes: Collection[NodeId]) -> str:
        """A few names, and how many more."""
        names = ", ".join(sorted(self.name(AreaId(node)) for node in nodes)[:MOST_NAMES])
        more = len(nodes) - MOST_NAMES
        return phrases.more_names(names, more) if more > 0 else names

    def area_list(self, areas: Collection[AreaId]) -> str:
        """A few names of areas, and how many more."""
        names = ", ".join(sorted(map(self.name, areas))[:MOST_NAMES])
        more = len(areas) - MOST_NAMES
        return phrases.more_areas(names, more) if more > 0 else names

    def _is_below(self, area: AreaId, other: AreaId) -> bool:
        return any(place.id == other for place in self.tree.path(area)[:-1])

    def _sorted_inner(self, area: AreaId) -> list[Place]:
        return sorted(self._inner[area], key=lambda place: (_ORDER.index(place.kind), by_name(place.name)))

    def _options(self, place: Place, depth: int) -> Iterator[tuple[AreaId, str]]:
        yield place.id, "\u2003" * depth + capital(self.title(place.id))
        for inner in self._sorted_inner(place.id):
            yield from self._options(inner, depth + 1)

    def _branch(self, place: Place, growing: "_Growing", *, covered: bool) -> Branch:
        covered = covered or place.id in growing.chosen
        inner = tuple(self._branch(one, growing, covered=covered) for one in self._sorted_inner(place.id))
        whole = covered or (bool(inner) and all(one.chosen for one in inner))
        mixed = not whole and any(one.chosen or one.mixed for one in inner)
        leaves = bool(inner) and all(self.tree.place(one.id).kind is AreaKind.NODE for one in inner)
        folds = leaves or len(inner) > FOLDED_FROM
        full = capital(self.title(place.id))
        word = phrases.FOLD_NODES if leaves else phrases.fold_areas(len(inner))
        return Branch(
            id=place.id,
            name=self.short_name(place.id) if place.kind is AreaKind.VILLAGE else full,
            full=full,
            chosen=whole,
            mixed=mixed,
            note="" if place.kind is AreaKind.NODE else growing.note(place.id),
            inner=inner,
            folded=folds,
            open=mixed,
            fold_word=word,
        )


def capital(text: str) -> str:
    """The first letter large; the others as they are."""
    return text[:1].upper() + text[1:]


def keep_together(name: str) -> str:
    """A name whose number does not go to the next line: `Suối Chùa 2`."""
    head, blank, tail = name.rpartition(" ")
    return f"{head}\u00a0{tail}" if blank and tail.isdigit() else name
