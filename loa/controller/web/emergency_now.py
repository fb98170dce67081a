"""The banner of what sounds as an emergency now, whoever issued it; for every page that shows the present."""

from dataclasses import dataclass

from loa.controller.core.emergencies import NodeState
from loa.controller.services.emergencies import Followed
from loa.controller.web.console import Console, Visit
from loa.controller.web.localtime import clock
from loa.controller.web.places import capital
from loa.controller.web.words import _, ngettext


@dataclass(frozen=True, slots=True)
class Banner:
    """One emergency as the banner tells it."""

    title: str
    issuer: str
    since: str
    reach: str
    lost: str
    """The nodes that cannot be reached; nothing if all can."""
    href: str


def emergencies_now(console: Console, visit: Visit) -> tuple[Banner, ...]:
    """What sounds as an emergency now on the viewer's nodes, as `_emergency_now.html` takes it."""
    controller = console.controller
    with controller.db.look() as session:
        found = controller.emergencies.now(session, visit.person)
    return tuple(_banner(visit, one) for one in found)


def _banner(visit: Visit, one: Followed) -> Banner:
    document = one.scheduled.broadcast
    lost = [node for node, state in one.nodes.items() if state is NodeState.LOST]
    return Banner(
        title=document.title,
        issuer=_issuer(visit, one),
        since=_("từ %(at)s", at=clock(one.scheduled.first_start_at, document.when.tz)),
        reach=say_sounding(len(one.sounding), len(one.nodes)),
        lost=_("Không liên lạc được: %(names)s", names=visit.places.name_list(lost)) if lost else "",
        href=f"/emergency/{one.scheduled.id}",
    )


def _issuer(visit: Visit, one: Followed) -> str:
    area = one.scheduled.broadcast.issuer
    if area not in visit.places.tree:
        return ""
    return _("%(issuer)s phát", issuer=capital(visit.places.title(area)))


def say_sounding(on: int, total: int) -> str:
    """`3 trên 4 cụm loa đang phát`."""
    return ngettext(
        "%(on)s trên %(num)s cụm loa đang phát", "%(on)s trên %(num)s cụm loa đang phát", total, on=on
    )
