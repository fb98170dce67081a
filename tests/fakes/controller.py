"""Fakes of the controller's ports: they remember what was asked of them."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from loa.controller.ports import Event, EventKind
from loa.protocol.broadcast import Entry
from loa.protocol.ids import AreaId, NodeId

START = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
"""Eight in the morning in Việt Nam."""


@dataclass
class FakeClock:
    """Stands still until it is moved."""

    at: datetime = START

    def now(self) -> datetime:
        return self.at

    def forward(self, **lasting: float) -> None:
        self.at += timedelta(**lasting)


@dataclass
class FakePublisher:
    """Counts what is to be published."""

    programmes: list[frozenset[AreaId]] = field(default_factory=list)
    urgents: list[frozenset[AreaId]] = field(default_factory=list)
    emergencies: list[tuple[frozenset[AreaId], Entry]] = field(default_factory=list)
    over_at: list[datetime | None] = field(default_factory=list)
    configs: list[frozenset[AreaId]] = field(default_factory=list)

    def programme_changed(self, areas: frozenset[AreaId]) -> None:
        self.programmes.append(areas)

    def emergency(self, areas: frozenset[AreaId], entry: Entry, over_at: datetime | None) -> None:
        self.emergencies.append((areas, entry))
        self.over_at.append(over_at)

    def urgent_changed(self, areas: frozenset[AreaId]) -> None:
        self.urgents.append(areas)

    def config_changed(self, nodes: frozenset[AreaId]) -> None:
        self.configs.append(nodes)


@dataclass
class FakeAccess:
    """Counts how often the broker's list was to be made anew."""

    refreshed: int = 0
    cut_off: list[NodeId] = field(default_factory=list)

    def refresh(self) -> None:
        self.refreshed += 1

    def cut(self, node: NodeId) -> None:
        self.refresh()
        self.cut_off.append(node)


@dataclass
class FakeEvents:
    """Keeps what pages would be told."""

    told: list[Event] = field(default_factory=list)

    def announce(self, kind: EventKind, area: AreaId, subject: str) -> None:
        self.told.append(Event(kind, area, subject))

    def look_again(self, user: str) -> None:
        self.told.append(Event(EventKind.SESSION, AreaId(""), user))
