"""The chosen times, read back in words with the weekday, and with a warning where it is quiet."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time

from loa.controller.core.bulletins import Draft
from loa.controller.core.planning import hours_of, policy_from, policy_text
from loa.controller.core.schedule import is_quiet
from loa.controller.core.starts import Hours
from loa.controller.core.tree import Tree
from loa.controller.web.localtime import day_words
from loa.controller.web.times import time_words
from loa.controller.web.words import _
from loa.protocol.ids import NodeId
from loa.schedules.localtime import from_wall


@dataclass(frozen=True, slots=True)
class Spoken:
    """A time in words; `quiet` is how a warning looks, too."""

    text: str
    quiet: bool


def say_times(tree: Tree, draft: Draft, day: date | None, clocks: Iterable[str]) -> tuple[Spoken, ...]:
    """`3 giờ 15 sáng Thứ Năm, 11/6, giờ yên tĩnh`: each of the times, which are `03:15` and so on."""
    tz, hours = tree.tz_of(draft.area), _hours(tree, draft)
    found = []
    for clock in clocks:
        words = time_words(clock)
        if day is None:
            found.append(Spoken(words, quiet=False))
            continue
        at = from_wall(datetime.combine(day, time.fromisoformat(clock)), tz)
        quiet = is_quiet(hours, draft.class_, at)
        text = _("%(time)s, %(day)s", time=words, day=day_words(day))
        found.append(Spoken(_("%(time)s: giờ yên tĩnh", time=text) if quiet else text, quiet))
    return tuple(found)


def _hours(tree: Tree, draft: Draft) -> list[Hours]:
    """Those of the nodes that would hear it; without nodes those of the area."""
    audience = tuple(area for area in draft.plan.audience if area in tree)
    found = hours_of(tree, tree.nodes_within(audience))
    if found:
        return found
    text, tz = policy_text(tree, NodeId(draft.area))
    return [Hours(policy_from(text), tz)]
