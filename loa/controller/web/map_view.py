"""The map that a person sees: outlines of one level of their areas, and their loudspeakers by state."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

from loa.controller.core.node_states import Condition, NodeState
from loa.controller.core.tree import AreaKind
from loa.controller.core.whereabouts import Whereabouts
from loa.controller.store.database import Session
from loa.controller.web.console import Console, Visit
from loa.controller.web.map_drawing import Drawing, Ground, Spot, draw
from loa.controller.web.node_states import WORDS
from loa.controller.web.words import _, ngettext
from loa.protocol.ids import AreaId, NodeId

LEVELS = (AreaKind.VILLAGE, AreaKind.COMMUNE, AreaKind.DISTRICT, AreaKind.PROVINCE)
"""The finest of which there are not too many to draw."""
MOST_GROUNDS = 80
MOST_SPOTS = 120
"""Above this the loudspeakers of an area are drawn as one."""
_WORST_FIRST = (NodeState.LOST, NodeState.SILENT, NodeState.SOUNDING, NodeState.IDLE)


@dataclass(frozen=True, slots=True)
class Scene:
    """What there is to be drawn."""

    grounds: tuple[Ground, ...]
    known: Mapping[AreaId, Whereabouts]


def scene_of(console: Console, session: Session, visit: Visit, within: AreaId | None = None) -> Scene:
    """The outlines that the person may see, in an area if one is given, and what is known of all places."""
    keeper = console.controller.whereabouts
    outlines = keeper.outlines(session, visit.person, LEVELS, MOST_GROUNDS, within=within)
    grounds = [Ground(area, visit.places.short_name(area), outline) for area, outline in outlines.items()]
    return Scene(tuple(sorted(grounds, key=lambda ground: ground.name)), keeper.all(session, visit.person))


def drawing_of(
    visit: Visit,
    scene: Scene,
    conditions: Mapping[NodeId, Condition],
    href: Callable[[NodeId], str] = lambda _node: "",
) -> Drawing:
    """The map with these loudspeakers on it."""
    spots = [_spot(visit, scene, node, condition, href(node)) for node, condition in conditions.items()]
    if len(spots) > MOST_SPOTS:
        spots = list(_together(visit, scene, conditions))
    return draw(scene.grounds, spots)


def bare(scene: Scene) -> Drawing:
    """The map without loudspeakers, to choose areas on."""
    return draw(scene.grounds, ())


def _spot(visit: Visit, scene: Scene, node: NodeId, condition: Condition, href: str) -> Spot:
    place = scene.known.get(AreaId(node))
    name = visit.places.name(AreaId(node))
    return Spot(
        id=node,
        title=_("%(name)s: %(word)s", name=name, word=WORDS[condition.state]),
        state=condition.state,
        position=place.position if place else None,
        area=_ground_of(visit, scene.grounds, node),
        href=href,
    )


def _ground_of(visit: Visit, grounds: Collection[Ground], node: NodeId) -> AreaId | None:
    drawn = {ground.id for ground in grounds}
    above = [place.id for place in visit.places.tree.path(AreaId(node))]
    return next((area for area in reversed(above) if area in drawn), None)


def _together(visit: Visit, scene: Scene, conditions: Mapping[NodeId, Condition]) -> Iterable[Spot]:
    """One mark an area, of the worst of its states."""
    for ground in scene.grounds:
        nodes = [node for node in visit.places.tree.nodes_of(ground.id) if node in conditions]
        if not nodes:
            continue
        states = [conditions[node].state for node in nodes]
        worst = next(state for state in _WORST_FIRST if state in states)
        title = ngettext(
            "%(name)s: %(num)s trên %(total)s %(word)s",
            "%(name)s: %(num)s trên %(total)s %(word)s",
            states.count(worst),
            name=ground.name,
            total=len(nodes),
            word=WORDS[worst],
        )
        yield Spot(ground.id, title, worst, None, ground.id, f"/nodes?area={ground.id}", len(nodes))
