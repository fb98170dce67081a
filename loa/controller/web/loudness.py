"""How loud the recording was, and what an ear captured of it: as bars, in a sentence and in a table."""

from collections.abc import Sequence
from dataclasses import dataclass

from loa.controller.web.ears import HEARD, RENDERED
from loa.controller.web.localtime import decimal, spell
from loa.controller.web.report_view import Table
from loa.controller.web.words import _
from loa.protocol.reports import Evidence, Levels, Sensed

STEP, TALLEST = 7, 54
"""Units of the drawing from bar to bar, and of the highest one."""
_BELOW = 60
"""Where the lower bars hang."""
_LOUDNESS = 0.03
"""Ten decibels more are heard as twice as loud: loudness is power to the 0.3."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One stretch."""

    x: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The recording above, what was captured below."""

    above: tuple[Bar, ...]
    below: tuple[Bar, ...]
    width: int
    height: int
    is_found: bool
    share: str
    sentence: str
    caption: str
    table: Table


def comparison(evidence: Evidence | None, ear: str) -> Comparison | None:
    """The drawing of what one ear captured; None where it captured nothing or its node tells no levels."""
    levels = evidence.levels if evidence else None
    if evidence is None or levels is None:
        return None
    if ear == RENDERED:
        by, row, is_found = evidence.rendered_by, levels.rendered, evidence.rendered
    else:
        by, row, is_found = evidence.heard_by, levels.heard, evidence.heard
    if by is None or not row:
        return None
    raised_db = _raised_db(by, ear)
    loudest_db = max((level for level in levels.recorded if level is not None), default=0)
    below = _bars(row, raised_db - loudest_db)
    return Comparison(
        above=_bars(levels.recorded, -loudest_db),
        below=below,
        width=len(levels.recorded) * STEP,
        height=_BELOW + max((bar.height for bar in below), default=0),
        is_found=bool(is_found),
        share=_("khớp %(share)s%%", share=decimal(100 * by.passed / by.judged, 0)),
        sentence=_sentence(levels, by),
        caption=_caption(ear, raised_db),
        table=_table(levels, row),
    )


def _raised_db(by: Sensed, ear: str) -> float:
    """By how much the lower row is raised: a microphone's own level says nothing, only how it changes."""
    return -by.level_db if ear == HEARD and by.passed else 0.0


def _bars(row: Sequence[int | None], raised_db: float) -> tuple[Bar, ...]:
    """None leaves a gap, silence a stub."""
    return tuple(
        Bar(number * STEP, max(2, round(TALLEST * min(1.0, 10 ** (_LOUDNESS * (level + raised_db))))))
        for number, level in enumerate(row)
        if level is not None
    )


def _sentence(levels: Levels, by: Sensed) -> str:
    return _(
        "Mỗi vạch là %(every)s. Bản thu có %(judged)s giây có tiếng được đo. Tìm thấy %(passed)s giây.",
        every=spell(1000 * levels.every_s),
        judged=by.judged,
        passed=by.passed,
    )


def _caption(ear: str, raised_db: float) -> str:
    if ear == RENDERED:
        return _("Dưới: tiếng máy phát ra.")
    if raised_db:
        return _("Dưới: tiếng micrô thu được, vẽ cùng cỡ với bản thu.")
    return _("Dưới: tiếng micrô thu được.")


def _table(levels: Levels, row: Sequence[int | None]) -> Table:
    return Table(
        head=(_("Từ"), _("Bản thu (dB)"), _("Thu được (dB)")),
        rows=tuple(
            (_place(number * levels.every_s), _level(recorded), _level(captured))
            for number, (recorded, captured) in enumerate(zip(levels.recorded, row, strict=False))
        ),
    )


def _place(second: int) -> str:
    """`8:04`: how far into the sound."""
    return f"{second // 60}:{second % 60:02d}"


def _level(level: int | None) -> str:
    return _("không đo") if level is None else decimal(level, 0).replace("-", "\N{MINUS SIGN}")
