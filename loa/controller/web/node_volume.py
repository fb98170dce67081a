"""How loud a node is in words: its own volume as a level, and what the policy allows beside it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from loa.controller.web.words import _, lazy
from loa.protocol.kinds import BroadcastClass
from loa.protocol.policy import Policy, VolumeCap
from loa.schedules.policy import version_at

STEPS_DB = (0.0, -3.0, -6.0, -10.0, -15.0, -20.0)
_HALF_DB = 10
"""What is so much lower sounds half as loud."""


@dataclass(frozen=True, slots=True)
class Step:
    """A volume to choose."""

    value: str
    word: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class CapLine:
    """A cap of the policy in words."""

    text: str
    source: str


def level_of(volume_db: float) -> int:
    """0 dB is 100; half as loud is 50. To the nearest 5, since nobody hears less."""
    return max(5, 5 * round(20 * 2 ** (volume_db / _HALF_DB)))


def steps(volume_db: float) -> tuple[Step, ...]:
    """What may be chosen, with what holds now among it."""
    offered = sorted({*STEPS_DB, volume_db}, reverse=True)
    return tuple(Step(f"{one:g}", _step_word(one), chosen=one == volume_db) for one in offered)


def caps_of(policy: Policy, at: datetime, class_: BroadcastClass) -> Sequence[VolumeCap]:
    """The caps of a class by the version in force."""
    return [cap for cap in version_at(policy, at).caps if class_ in cap.classes]


def cap_lines(policy: Policy, at: datetime) -> tuple[CapLine, ...]:
    """The caps in force, for ordinary announcements and for emergencies."""
    kinds = ((BroadcastClass.NORMAL, _CAP), (BroadcastClass.EMERGENCY, _CAP_EMERGENCY))
    return tuple(
        CapLine(
            str(words).format(begin=cap.from_local, end=cap.to_local, level=level_of(cap.cap_db)),
            cap.legal_source,
        )
        for class_, words in kinds
        for cap in caps_of(policy, at, class_)
    )


def in_short(volume_db: float, policy: Policy, at: datetime) -> str:
    """`100, từ 21:00 đến 06:00 là 35`: what ordinary announcements sound with."""
    said = [str(level_of(volume_db))]
    for cap in caps_of(policy, at, BroadcastClass.NORMAL):
        if cap.cap_db < volume_db:
            words = {"begin": cap.from_local, "end": cap.to_local, "level": level_of(cap.cap_db)}
            said.append(_("từ %(begin)s đến %(end)s là %(level)s", **words))
    return ", ".join(said)


def _step_word(volume_db: float) -> str:
    level = level_of(volume_db)
    return _("%(level)s (to nhất)", level=level) if volume_db == 0 else str(level)


_CAP = lazy("Từ {begin} đến {end} không quá mức {level}")
_CAP_EMERGENCY = lazy("Tin khẩn cấp, từ {begin} đến {end}: không quá mức {level}")
