"""Keeps what nodes say of themselves, and which of them are there."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import structlog

from loa.controller.core.health import Point, concerns_of, hour_of
from loa.controller.core.presence import Presence, merge, presence_of
from loa.controller.ports import Clock, EventKind, Events
from loa.controller.services.metrics import Metrics
from loa.controller.store.database import Database, Work
from loa.controller.store.health import store_points
from loa.controller.store.heard import (
    Known,
    count_presences,
    known_nodes,
    note_delivered,
    store_known,
    store_presences,
)
from loa.protocol.health import Concern
from loa.protocol.ids import AreaId, NodeId
from loa.protocol.programme import NodeSettings
from loa.protocol.reports import Detail, State
from loa.protocol.units import from_ms

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Said:
    """A state, and whether it is one that the broker had kept."""

    state: State
    retained: bool

    @property
    def is_live(self) -> bool:
        """Whether the node says it now."""
        return not self.retained and self.state.detail is not Detail.WILL


class Presences:
    """States as they come, and their ageing as a job."""

    def __init__(self, *, db: Database, clock: Clock, events: Events, metrics: Metrics) -> None:
        self._db = db
        self._clock = clock
        self._events = events
        self._metrics = metrics
        self._settings = NodeSettings()

    def note(self, said: Sequence[Said]) -> None:
        """Keep the states, of several of one node the last; raises Unavailable."""
        latest = {one.state.node: one for one in said}
        if not latest:
            return
        now = self._clock.now()
        with self._db.work() as work:
            before = known_nodes(work.session, latest)
            after = [self._heard(known, latest[known.node], now) for known in before]
            store_known(work.session, after, now)
            for old, new in zip(before, after, strict=True):
                self._note_held(work, old, new, now)
            store_points(work.session, _points(said, {one.node for one in after}, now))
            work.after_commit(lambda: self._announce(before, {one.node: one.presence for one in after}))
            work.after_commit(lambda: self._announce_changes(before, after))

    def age(self) -> None:
        """The job: who has not said anything for too long."""
        now = self._clock.now()
        with self._db.work() as work:
            before = known_nodes(work.session)
            after = {
                known.node: presence_of(known.state, known.heard_at, now, self._settings) for known in before
            }
            changed = [known for known in before if after[known.node] is not known.presence]
            store_presences(work.session, {known.node: after[known.node] for known in changed}, now)
            counts = count_presences(work.session)
            work.after_commit(lambda: self._announce(changed, after))
        for presence in Presence:
            self._metrics.nodes.labels(presence).set(counts.get(presence, 0))
        minded = Counter(concern for known in before for concern in known.concerns)
        for concern in Concern:
            self._metrics.concerns.labels(concern).set(minded[concern])

    def _heard(self, known: Known, said: Said, now: datetime) -> Known:
        state = merge(known.state, said.state)
        heard_at, arrived_at = now, now if said.is_live else None
        if arrived_at is None:
            # said at an unknown time: the node's own clock is the best there is
            heard_at = known.heard_at or min(now, said.state.at)
        presence = presence_of(state, heard_at, now, self._settings)
        concerns = concerns_of(state, arrived_at, known.concerns)
        return replace(known, state=state, heard_at=heard_at, presence=presence, concerns=concerns)

    def _note_held(self, work: Work, old: Known, new: Known, now: datetime) -> None:
        held_before = old.state.held if old.state else {}
        for area, held in (new.state.held if new.state else {}).items():
            if held != held_before.get(area):
                programme_at, urgent_at = (
                    _issue_of(version, now) for version in (held.programme, held.urgent)
                )
                note_delivered(
                    work.session,
                    new.node,
                    area,
                    programme_at=programme_at,
                    urgent_at=urgent_at,
                    now=now,
                )

    def _announce_changes(self, before: Sequence[Known], after: Sequence[Known]) -> None:
        for old, new in zip(before, after, strict=True):
            if old.concerns != new.concerns:
                _log.info("node.concerns", node=new.node, was=old.concerns, now=new.concerns)
            told = old.presence is not new.presence
            if not told and (old.concerns != new.concerns or _sound(old) != _sound(new)):
                self._events.announce(EventKind.NODE, AreaId(new.node), new.node)

    def _announce(self, before: Sequence[Known], after: dict[NodeId, Presence]) -> None:
        for known in before:
            presence = after[known.node]
            if presence is not known.presence:
                _log.info("node.presence", node=known.node, was=known.presence, now=presence)
                self._events.announce(EventKind.NODE, AreaId(known.node), known.node)


def _sound(known: Known) -> tuple[object, ...]:
    """What of a state pages show at once when it changes."""
    state = known.state
    if state is None:
        return None, None, None, None, True
    is_open = state.output is None or state.output.is_open
    return state.sounding, state.siren_for, state.stopped, state.clock, is_open


def _points(said: Sequence[Said], known: set[NodeId], now: datetime) -> dict[NodeId, Point]:
    hour = hour_of(now)
    return {
        one.state.node: Point(hour, one.state.health, one.state.free_bytes)
        for one in said
        if one.state.health is not None and one.is_live and one.state.node in known
    }


def _issue_of(version: int, now: datetime) -> datetime:
    """Versions are milliseconds of their issue, but for those that follow too closely."""
    return min(from_ms(min(version, 4_000_000_000_000)), now)
