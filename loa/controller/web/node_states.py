"""The states of nodes in words and marks, and the strip of one cell a node: what all pages show of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from loa.controller.core.node_states import Condition, NodeState, Why
from loa.controller.core.slugs import by_name
from loa.controller.web import catalogue
from loa.controller.web.catalogue import Look
from loa.controller.web.words import _, lazy, ngettext
from loa.protocol.health import Concern
from loa.protocol.ids import NodeId

MOST_CELLS = 40
"""Above this one bar in proportion stands in place of the cells."""
LEAST_PCT = 2.0
"""Of the bar, so that one lost node of a thousand is seen."""

LOOKS: Mapping[NodeState, Look] = {
    NodeState.SOUNDING: catalogue.PLAYING,
    NodeState.IDLE: Look(lazy("Tốt"), "tick", "ok"),
    NodeState.SILENT: Look(lazy("Loa im"), "horn-off", "bad"),
    NodeState.LOST: catalogue.LOST,
}
"""The badge; see `look_of`."""
NEVER = Look(lazy("Chưa báo về"), "waves-off", "bad")
WORDS: Mapping[NodeState, str] = {
    NodeState.SOUNDING: lazy("đang phát"),
    NodeState.IDLE: lazy("không phát lúc này"),
    NodeState.SILENT: lazy("loa im"),
    NodeState.LOST: lazy("mất liên lạc"),
}
"""Beside the mark, in legends and after a name."""
REASONS: Mapping[Why, str] = {
    Why.NOT_RENDERED: lazy("Máy phát nhưng không có tiếng ra loa"),
    Why.NOT_HEARD: lazy("Máy phát nhưng loa không kêu"),
    Why.NO_CARD: lazy("Máy không mở được đường tiếng ra loa"),
    Why.STOP_PRESSED: lazy("Có người bấm nút dừng ở loa"),
    Why.GONE: lazy("Không báo về"),
    Why.NEVER_HEARD: lazy("Chưa báo về lần nào"),
}

CONCERNS: Mapping[Concern, str] = {
    Concern.HOT: lazy("máy nóng"),
    Concern.UNDER_VOLTAGE: lazy("nguồn điện yếu"),
    Concern.DISK_WORN: lazy("thẻ nhớ sắp hỏng"),
    Concern.DISK_ERRORS: lazy("thẻ nhớ có lỗi"),
    Concern.DISK_SHORT: lazy("thẻ nhớ sắp đầy"),
    Concern.MEMORY_SHORT: lazy("thiếu bộ nhớ"),
    Concern.CLOCK_OFF: lazy("đồng hồ lệch"),
    Concern.SIGNAL_WEAK: lazy("sóng yếu"),
    Concern.BUDGET_SHORT: lazy("sắp hết dung lượng SIM"),
}
"""What somebody must mind of its machine, shortly."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One node in the strip."""

    state: NodeState
    title: str


@dataclass(frozen=True, slots=True)
class Part:
    """The nodes of one state: how many, and in hundredths of the bar from where and how far."""

    state: NodeState
    word: str
    count: int
    from_pct: float
    width_pct: float


@dataclass(frozen=True, slots=True)
class Strip:
    """All nodes of somebody's: counters in the order nodes ≥ connected ≥ sounding, and the picture below."""

    total: int
    connected: int
    sounding: int
    cells: tuple[Cell, ...]
    """Empty above `MOST_CELLS`; in the order of the states, then by name."""
    parts: tuple[Part, ...]
    """Of the states that occur."""
    sentence: str
    """All of it in words, for those who do not see it."""


def look_of(condition: Condition) -> Look:
    """The badge of one node: who never spoke was not lost."""
    return NEVER if condition.why is Why.NEVER_HEARD else LOOKS[condition.state]


def strip_of(conditions: Mapping[NodeId, Condition], name: Callable[[NodeId], str]) -> Strip:
    """The strip of these nodes; `name` says how people call one."""
    order = list(NodeState)
    counts = {state: sum(one.state is state for one in conditions.values()) for state in order}
    named = [(one.state, name(node)) for node, one in conditions.items()]
    named.sort(key=lambda one: (order.index(one[0]), by_name(one[1])))
    shown = named if len(named) <= MOST_CELLS else []
    return Strip(
        total=len(named),
        connected=len(named) - counts[NodeState.LOST],
        sounding=counts[NodeState.SOUNDING],
        cells=tuple(
            Cell(state, _("%(name)s: %(word)s", name=title, word=WORDS[state])) for state, title in shown
        ),
        parts=_parts(counts),
        sentence=_sentence(counts),
    )


def _parts(counts: Mapping[NodeState, int]) -> tuple[Part, ...]:
    found = [(state, count) for state, count in counts.items() if count]
    widths = _widths([count for _state, count in found])
    parts, at = [], 0.0
    for (state, count), width in zip(found, widths, strict=True):
        parts.append(Part(state, WORDS[state], count, round(at, 2), round(width, 2)))
        at += width
    return tuple(parts)


def _widths(counts: Sequence[int]) -> list[float]:
    wide = [max(LEAST_PCT, 100 * count / sum(counts)) for count in counts]
    return [100 * one / sum(wide) for one in wide]


def _sentence(counts: Mapping[NodeState, int]) -> str:
    total = sum(counts.values())
    told = ", ".join(f"{count} {WORDS[state]}" for state, count in counts.items() if count)
    return ngettext("%(num)s cụm loa: %(told)s", "%(num)s cụm loa: %(told)s", total, told=told)
