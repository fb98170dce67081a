"""What was last sent to each area, in memory: the base of versions, and of STOP without a database."""

import threading
from dataclasses import dataclass, field, replace
from datetime import datetime

from loa.controller.core.programme import Contents
from loa.controller.core.versions import is_credible, next_version
from loa.protocol.broadcast import Entry
from loa.protocol.ids import AreaId, BroadcastId
from loa.protocol.reports import Held


@dataclass(slots=True)
class Area:
    """One area on the air."""

    programme_version: int = 0
    issued_version: int = 0
    """Of the programme that is stored; lower than the former when a new one must be issued."""
    digest: str | None = None
    """Of that programme's contents, so that the same is not issued twice; None: not known yet."""
    urgent_version: int = 0
    urgent: bytes | None = None
    """The last payload."""
    known: Contents = field(default_factory=Contents)
    """What the last urgent message was chosen from."""
    over_at: dict[BroadcastId, datetime] = field(default_factory=dict)
    """From when on emergencies that were added need not be known any more."""
    looks: int = 0
    """Numbers the looks at the database, so that an older one never replaces a newer one."""
    known_by: int = 0
    """The look that `known` is from."""
    sending: threading.Lock = field(default_factory=threading.Lock)
    """Held while an urgent message is composed and sent, so that versions leave in order."""


class Airwaves:
    """All areas; thread-safe for what its methods do."""

    def __init__(self) -> None:
        self._areas: dict[AreaId, Area] = {}
        self._lock = threading.Lock()

    def area(self, area: AreaId) -> Area:
        """That area, made on the first question."""
        with self._lock:
            return self._areas.setdefault(area, Area())

    def all(self) -> list[tuple[AreaId, Area]]:
        """Every area that was asked for so far."""
        with self._lock:
            return list(self._areas.items())

    def held(self, area: AreaId) -> Held:
        """The current versions of the area."""
        found = self.area(area)
        return Held(programme=found.programme_version, urgent=found.urgent_version)

    def begin_look(self, area: AreaId) -> int:
        """The number of a look at the database that begins now."""
        found = self.area(area)
        with self._lock:
            found.looks += 1
            return found.looks

    def end_look(self, area: AreaId, number: int, known: Contents) -> None:
        """Keep what a look found, unless one that began later was faster."""
        found = self.area(area)
        with self._lock:
            if number > found.known_by:
                found.known_by, found.known = number, known

    def add_emergency(self, area: AreaId, entry: Entry, over_at: datetime | None, now: datetime) -> None:
        """Know of an emergency that was committed just now, and no more of those that are over.

        A look that began before may not have seen it, and does not count.
        """
        found = self.area(area)
        with self._lock:
            found.looks += 1
            found.known_by = found.looks
            gone = {name for name, at in found.over_at.items() if at <= now}
            alive = [one for one in found.known.entries if one.id not in gone]
            found.known = replace(found.known, entries=(*alive, entry))
            found.over_at = {name: at for name, at in found.over_at.items() if name not in gone}
            if over_at is not None:
                found.over_at[entry.id] = over_at

    def take_programme_version(self, area: AreaId, now: datetime) -> int:
        """The next version, which is then the current one."""
        found = self.area(area)
        with self._lock:
            found.programme_version = next_version(last=found.programme_version, now=now)
            return found.programme_version

    def take_urgent_version(self, area: AreaId, now: datetime) -> int:
        """The next version, which is then the current one."""
        found = self.area(area)
        with self._lock:
            found.urgent_version = next_version(last=found.urgent_version, now=now)
            return found.urgent_version

    def remember(self, area: AreaId, held: Held) -> None:
        """Versions that were sent before this process began; a higher one is kept."""
        found = self.area(area)
        with self._lock:
            found.programme_version = max(found.programme_version, held.programme)
            found.urgent_version = max(found.urgent_version, held.urgent)

    def outrun(self, area: AreaId, held: Held, now: datetime) -> Held:
        """Where a node holds more than was ever sent, let ours follow; returns those versions, else 0."""
        found = self.area(area)
        with self._lock:
            programme = held.programme if is_credible(held.programme, now) else 0
            urgent = held.urgent if is_credible(held.urgent, now) else 0
            ahead = Held(
                programme=programme if programme > found.programme_version else 0,
                urgent=urgent if urgent > found.urgent_version else 0,
            )
            found.programme_version = max(found.programme_version, programme)
            found.urgent_version = max(found.urgent_version, urgent)
            return ahead
