"""May this person do that there? And if not, may they know that there is something?"""

from loa.controller.core.access import Act, Person, granted, may
from loa.controller.errors import Forbidden, NotFound
from loa.controller.store.areas import path_of
from loa.controller.store.database import Session
from loa.protocol.ids import AreaId


def permit(
    session: Session,
    who: Person,
    act: Act,
    area: AreaId,
    *,
    sees: Act | None = None,
    missing: NotFound | None = None,
) -> None:
    """Return if the person may. Raises `Forbidden` to whoever may do `sees` there, else `NotFound`."""
    path = path_of(session, area)
    if may(who, act, path):
        return
    if sees is not None and may(who, sees, path):
        raise Forbidden("not_permitted", f"you lack the right to {act} in {area}", act=act, area=area)
    raise missing or NotFound("no_such_area", f"there is no area {area!r}", area=area)


def above(session: Session, who: Person) -> frozenset[AreaId]:
    """Areas above the person's own: what stands in their programmes sounds in the person's areas, too."""
    return frozenset(area for own in granted(who, Act.READ_AREA) for area in path_of(session, own))
