"""Which approved broadcasts a new policy will refuse or silence, in words, each with the way to it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from loa.controller.core.policy_effect import LOOK
from loa.controller.errors import ControllerError
from loa.controller.services.policy_effects import Effect, Silenced
from loa.controller.web.catalogue import WHY
from loa.controller.web.console import Console, Visit
from loa.controller.web.localtime import clock, day_words, full_day, spell, today
from loa.controller.web.words import _, lazy, ngettext
from loa.protocol.ids import AreaId
from loa.protocol.policy import Policy

MOST_ROWS = 30
TOO_SOFT = lazy("Nhỏ đến mức không ai nghe thấy")


@dataclass(frozen=True, slots=True)
class Row:
    """One broadcast."""

    icon: str
    title: str
    href: str
    when: str
    where: str
    why: str


@dataclass(frozen=True, slots=True)
class EffectView:
    """The finding, and what it rests on."""

    nodes: int
    title: str
    rows: tuple[Row, ...]
    notes: tuple[str, ...]


def effect_of(console: Console, visit: Visit, area: AreaId, policy: Policy) -> EffectView:
    """What would come of it if the area had this policy."""
    with console.controller.db.look() as session:
        effect = console.controller.policy_effects.foresee(session, visit.person, area, policy)
    count, tz = len(effect.silenced), visit.places.tree.tz_of(area)
    title = ngettext(
        "%(num)s lịch đã duyệt sẽ không vang lên như đã duyệt",
        "%(num)s lịch đã duyệt sẽ không vang lên như đã duyệt",
        count,
    )
    return EffectView(
        nodes=effect.nodes,
        title=title if count else _("Lịch đã duyệt vẫn phát đủ"),
        rows=tuple(_row(console, visit, one, tz) for one in effect.silenced[:MOST_ROWS]),
        notes=tuple(_notes(effect)),
    )


def _row(console: Console, visit: Visit, one: Silenced, tz: str) -> Row:
    first = _at(console, one.first_at, tz)
    more = one.occurrences - 1
    when = ngettext("%(first)s và %(num)s lượt nữa", "%(first)s và %(num)s lượt nữa", more, first=first)
    names = visit.places.name_list(one.nodes)
    where = ngettext(
        "Ở %(num)s cụm loa: %(names)s", "Ở %(num)s cụm loa: %(names)s", len(one.nodes), names=names
    )
    return Row(
        icon="horn-off" if one.whole else "half",
        title=one.broadcast.title,
        href=_href(console, visit, one, tz),
        when=when if more else first,
        where=where,
        why=_why(one),
    )


def _at(console: Console, at: datetime, tz: str) -> str:
    day = today(at, tz)
    far = day.year != today(console.controller.clock.now(), tz).year
    return f"{clock(at, tz)} {full_day(day) if far else day_words(day)}"


def _why(one: Silenced) -> str:
    reason = TOO_SOFT if one.reason is None else WHY.get(one.reason, one.reason)
    length = spell(one.broadcast.source.duration_ms)
    words = str(reason).format(planned=length, played=length)
    if not one.whole:
        words = _("Phát thiếu: %(why)s", why=words[:1].lower() + words[1:])
    return _("%(why)s. Căn cứ: %(source)s", why=words, source=one.legal_source) if one.legal_source else words


def _href(console: Console, visit: Visit, one: Silenced, tz: str) -> str:
    """The bulletin, for who may read it; else its day in the schedule."""
    try:
        return f"/bulletins/{console.bulletin(visit, one.broadcast.bulletin).id}"
    except ControllerError:
        node = min(one.nodes)
        return f"/schedule?view=day&day={today(one.first_at, tz):%Y-%m-%d}&area={node}"


def _notes(effect: Effect) -> Iterator[str]:
    if (more := len(effect.silenced) - MOST_ROWS) > 0:
        yield ngettext("Và %(num)s lịch nữa.", "Và %(num)s lịch nữa.", more)
    yield _(
        "Đã xem mọi lượt trong %(days)s ngày kể từ khi có hiệu lực; lịch chỉ phát sau đó thì xem lượt đầu.",
        days=LOOK.days,
    )
    if effect.left_out:
        yield ngettext(
            "Còn %(num)s cụm loa chưa xem trước được vì quá nhiều. Mở quy chế của từng xã để xem.",
            "Còn %(num)s cụm loa chưa xem trước được vì quá nhiều. Mở quy chế của từng xã để xem.",
            effect.left_out,
        )
