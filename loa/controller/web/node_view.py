"""The page of one node in words: its situation first, then what it holds, heard and played."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from loa.controller.core.people import User
from loa.controller.core.presence import Presence
from loa.controller.core.situations import Found, Situation
from loa.controller.store.tables import LogRow
from loa.controller.web.catalogue import FIELDS, Look
from loa.controller.web.localtime import clock, spell, today, weekday_time
from loa.controller.web.log_lines import Line, Reader, line_of
from loa.controller.web.node_charts import charts_of, seconds
from loa.controller.web.node_facts import Facts
from loa.controller.web.node_volume import in_short
from loa.controller.web.node_words import CLOCK_SOURCES, SAYINGS, SELF_TESTS, STANDING, STANDINGS, Saying
from loa.controller.web.places import keep_together
from loa.controller.web.words import _, lazy
from loa.protocol.reasons import ClockState
from loa.protocol.reports import State

SHOWN_LINES = 5
MOST_CALLEES = 3
SELF_TEST_VALID = timedelta(minutes=10)
"""After this a node does not do it any more."""
_DAY_MS = 86_400_000
_IDENTITY = frozenset(
    {Situation.TWO_MACHINES, Situation.OTHER_MACHINE, Situation.OTHER_CARD, Situation.CHAIN_BROKEN}
)


@dataclass(frozen=True, slots=True)
class Callee:
    """Whom to call."""

    name: str
    phone: str


@dataclass(frozen=True, slots=True)
class Note:
    """A situation in a notice."""

    key: str
    saying: Saying
    since: str
    callees: tuple[Callee, ...]
    asks_whom: bool
    """Somebody should be called, and nobody is known."""


@dataclass(frozen=True, slots=True)
class TestView:
    """The last self-test, or the one that is asked for."""

    waits: bool
    look: Look | None
    at: str


def view(facts: Facts) -> Mapping[str, Any]:
    """What the template shows of it."""
    node = facts.node
    notes = [_note(one, facts, first=number == 0) for number, one in enumerate(facts.found)]
    return {
        "id": node.id,
        "name": keep_together(node.name),
        "place": facts.place,
        "head": notes[0],
        "others": notes[1:],
        "kinds": [one.what.value for one in facts.found],
        "asks_identity": any(one.what in _IDENTITY for one in facts.found),
        "is_stopped": any(one.what is Situation.STOPPED for one in facts.found),
        "awaits_code": facts.found[0].what in {Situation.WAITING, Situation.CUT_OFF},
        "is_retired": node.retired_at is not None,
        "is_gone": facts.is_gone,
        "self_test": _self_test(facts),
        "held": () if facts.is_gone else tuple(_held(facts)),
        "offline_days": node.settings.fetch_ahead_ms // _DAY_MS,
        "charts": charts_of(facts.points, node.concerns, node.settings, facts.now, facts.tz),
        "next": _next(facts.next, facts.now, facts.tz),
        "last": tuple(_line(line, facts) for line in facts.past[:SHOWN_LINES]),
        "software": tuple(_software(facts)),
        "rights": facts.rights,
    }


def since_words(at: datetime, now: datetime, tz: str) -> str:
    """`từ 14:05`, with the day if it is not today."""
    is_today = today(at, tz) == today(now, tz)
    when = clock(at, tz) if is_today else weekday_time(at, tz)
    return _("Từ %(when)s.", when=when)


def _note(found: Found, facts: Facts, *, first: bool) -> Note:
    saying = SAYINGS[found.what]
    until = facts.silenced_until if found.what is Situation.SILENCED else None
    since = since_words(found.since, facts.now, facts.tz) if found.since else ""
    if until is not None:
        since = _("Đến %(when)s.", when=clock(until, facts.tz))
    calls = saying.calls and first
    callees = tuple(_callee(user) for user in facts.keepers[:MOST_CALLEES]) if calls else ()
    return Note(found.what.value, saying, since, callees, asks_whom=calls and not callees)


def _callee(user: User) -> Callee:
    return Callee(user.name, user.phone or "")


def _self_test(facts: Facts) -> TestView:
    asked_at, report = facts.node.self_test_asked_at, facts.self_test
    is_answered = asked_at is None or (report is not None and report.due_at >= asked_at)
    if not is_answered and asked_at is not None:
        if facts.now < asked_at + SELF_TEST_VALID:
            return TestView(waits=True, look=None, at=weekday_time(asked_at, facts.tz))
        return TestView(waits=False, look=_NO_ANSWER, at=weekday_time(asked_at, facts.tz))
    if report is None:
        return TestView(waits=False, look=None, at="")
    return TestView(waits=False, look=SELF_TESTS[report.outcome], at=weekday_time(report.at, facts.tz))


def _held(facts: Facts) -> Iterator[tuple[str, str]]:
    state, node = facts.state, facts.node
    if state is None:
        return
    yield _("Chương trình"), _("đang nhận bản mới") if facts.lacks else _("bản mới nhất")
    yield _("Bản thu"), _recordings(state)
    ready = [str(STANDING[one.name]) for one in facts.standing if one.recording]
    yield _("Tin có sẵn"), _ready(ready, is_whole=not (facts.lacks or state.missing))
    yield _("Đồng hồ"), _clock(state)
    yield _("Âm lượng"), in_short(node.settings.volume_db, facts.policy, facts.now)
    yield _("Kết nối"), _connection(facts)
    if state.unsent:
        yield _("Nhật ký"), _("còn %(count)s dòng chưa gửi về", count=state.unsent)


def _ready(names: list[str], *, is_whole: bool) -> str:
    """Nobody knows which of them a node has that still fetches."""
    said = ", ".join(names)
    if not said:
        return _("chưa có")
    return said if is_whole else _("%(names)s (có thể chưa đủ)", names=said)


def _recordings(state: State) -> str:
    if state.without_room:
        return _(
            "thiếu %(missing)s, trong đó %(none)s không còn chỗ chứa",
            missing=state.missing,
            none=state.without_room,
        )
    return _("còn %(count)s đang tải", count=state.missing) if state.missing else _("đủ")


def _clock(state: State) -> str:
    if state.clock is ClockState.UNTRUSTED:
        return _("chưa có giờ đúng")
    said = _("đúng") if state.clock is ClockState.TRUSTED else _("tự giữ giờ")
    offset = state.health.clock_offset_ms if state.health else None
    if offset is not None:
        said = _("%(said)s, lệch %(offset)s", said=said, offset=seconds(abs(offset)))
    source = CLOCK_SOURCES[state.clock_source] if state.clock_source else ""
    return f"{said}, {source}" if source else said


def _connection(facts: Facts) -> str:
    heard = facts.node.state_at
    when = "" if heard is None else _heard_at(heard, facts)
    if facts.node.presence == Presence.CONNECTED:
        return _("đang nối, báo lúc %(when)s", when=when)
    return _("báo lần cuối %(when)s", when=when)


def _heard_at(at: datetime, facts: Facts) -> str:
    is_today = today(at, facts.tz) == today(facts.now, facts.tz)
    return clock(at, facts.tz) if is_today else weekday_time(at, facts.tz)


def _next(line: LogRow | None, now: datetime, tz: str) -> Mapping[str, str] | None:
    if line is None:
        return None
    is_today = today(line.planned_at, tz) == today(now, tz)
    return {
        "when": clock(line.planned_at, tz) if is_today else weekday_time(line.planned_at, tz),
        "title": line.title,
        "note": f"{FIELDS.get(line.field, line.field)} · {spell(line.duration_ms)}",
    }


def _line(entry: LogRow, facts: Facts) -> Line:
    sounding = facts.state.sounding if facts.state else None
    reader = Reader(now=facts.now, tz=facts.tz)
    return line_of(entry, reader, node="", href="", sounding=(sounding,) if sounding else ())


def _software(facts: Facts) -> Iterator[tuple[str, str]]:
    agent = facts.state.agent if facts.state else None
    if agent:
        yield _("Bản đang chạy"), agent
    update = facts.update
    if update is not None:
        word = STANDINGS[update.standing].word
        yield _("Bản mới"), _("%(version)s: %(word)s", version=update.version, word=word)


_NO_ANSWER = Look(lazy("Loa chưa trả lời. Xem loa có kết nối không, rồi bấm lại."), "waves-off", "warn")
