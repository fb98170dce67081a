"""A journal of silences in memory."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from loa.controller.ports import AreaSilence
from loa.protocol.ids import AreaId
from loa.protocol.programme import Silence


@dataclass
class FakeSilenceJournal:
    """Forgets everything when the test ends."""

    noted: list[AreaSilence] = field(default_factory=list)

    def append(self, area: AreaId, silence: Silence) -> AreaSilence:
        highest = max((one.silence.counter for one in self.noted), default=0)
        made = AreaSilence(area, silence.model_copy(update={"counter": highest + 1}))
        self.noted.append(made)
        return made

    def of(self, area: AreaId, at: datetime) -> list[Silence]:
        return [one.silence for one in self.noted if one.area == area and one.silence.until_at > at]

    def after(self, counter: int) -> list[AreaSilence]:
        return [one for one in self.noted if one.silence.counter > counter]

    def adopt(self, silences: Iterable[AreaSilence]) -> None:
        there = {one.silence.id for one in self.noted}
        self.noted += [one for one in silences if one.silence.id not in there]
