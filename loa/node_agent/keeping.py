import logging
from collections.abc import Iterable
from datetime import datetime

from loa.node_agent import logs
from loa.node_agent.core.forgetting import recordings_of
from loa.node_agent.core.needs import Haste, Order, still_counted_on
from loa.node_agent.core.plan import Plan
from loa.node_agent.core.reports import problem
from loa.node_agent.core.room import Room, Stored, Wanted, make_room
from loa.node_agent.core.stand_ins import Siren
from loa.node_agent.memory import Memory
from loa.node_agent.ports import Change, Recordings, Timekeeper
from loa.protocol.broadcast import RecordingSource
from loa.protocol.ids import RecordingId
from loa.protocol.kinds import StandingMessage
from loa.protocol.programme import NodeSettings
from loa.protocol.reasons import ProblemCode
from loa.protocol.units import to_whole_ms

_log = logging.getLogger(__name__)


class Keeping:
    """Keeps the recordings within their room: which stay, which go, and which siren stands in."""

    def __init__(self, *, memory: Memory, recordings: Recordings, clock: Timekeeper) -> None:
        self._memory = memory
        self._recordings = recordings
        self._clock = clock
        self._told: set[RecordingId] = set()
        self._noted_for: datetime | None = None
        self.without_room = 0
        """Recordings that are needed and do not fit."""

    def standing(self) -> list[RecordingSource]:
        """The recordings of the standing messages, and the siren that stands in until another has come."""
        config, siren = self._memory.config, self._memory.siren
        sources = list(config.standing.values()) if config else []
        return [*sources, siren.source] if siren else sources

    def mind_the_siren(self) -> None:
        """Take the configured siren as soon as it is here; until then the one before stands in."""
        config, siren = self._memory.config, self._memory.siren
        source = config.standing.get(StandingMessage.SIREN) if config else None
        if (
            source is None
            or (siren and siren.source == source)
            or source.recording not in self._memory.sounds
        ):
            return
        if source.recording in self._recordings.here():
            since = siren.since if siren else to_whole_ms(self._clock.now())
            self._memory.keep(Change(siren=Siren(source=source, since=since)))
            logs.say(_log, "siren_ready", recording=source.recording)

    def fit(self, orders: list[Order], plan: Plan) -> list[Order]:
        """Those for which there is room; what nobody needs goes for them, and what does not fit is told."""
        wanted = [_wanted(order) for order in orders]
        needed = self._needed(plan)
        verdict = make_room(self._stored(needed), wanted, self._room(wanted))
        self._evict(verdict.evict)
        self.without_room = len(verdict.left_out)
        self._tell(one for one in wanted if one.recording in set(verdict.left_out))
        self._note(plan, needed, wanted)
        room = set(verdict.fetch)
        return [order for order in orders if order.source.recording in room]

    def _needed(self, plan: Plan) -> set[RecordingId]:
        counted_on = still_counted_on(plan, self._memory.reported, self._clock.now())
        return counted_on | {source.recording for source in self.standing()}

    def _stored(self, needed: set[RecordingId]) -> dict[RecordingId, Stored]:
        last = self._recordings.last_needed()
        return {
            name: Stored(size_bytes=size_bytes, is_needed=name in needed, last_needed_at=last[name])
            for name, size_bytes in self._recordings.here().items()
            if name in last
        }

    def _room(self, wanted: Iterable[Wanted]) -> Room:
        settings = self._memory.config.settings if self._memory.config else NodeSettings()
        begun = self._recordings.begun()
        return Room(
            quota_bytes=settings.recordings_quota_bytes,
            reserve_bytes=settings.recordings_reserve_bytes,
            free_bytes=self._recordings.free_bytes() + sum(begun.get(one.recording, 0) for one in wanted),
        )

    def _evict(self, names: tuple[RecordingId, ...]) -> None:
        """The journal forgets them first: bytes that are left over count as here at the next start."""
        if names:
            self._memory.keep(Change(forget_sounds=names))
            self._recordings.drop(names)
            logs.say(_log, "evicted", recordings=",".join(names))

    def _tell(self, left_out: Iterable[Wanted]) -> None:
        left = list(left_out)
        for one in left:
            if one.recording not in self._told:
                logs.shout(_log, "no_room", recording=one.recording, size_bytes=one.size_bytes)
                detail = (
                    f"recording {one.recording} of {one.size_bytes} bytes does not fit: raise the quota, "
                    "use a larger disk, or plan less for the coming days"
                )
                draft = problem(at=self._clock.now(), code=ProblemCode.NO_ROOM, detail=detail)
                self._memory.keep(Change(reports=(draft,)))
        self._told = {one.recording for one in left}

    def _note(self, plan: Plan, needed: set[RecordingId], wanted: Iterable[Wanted]) -> None:
        """Once a broadcast day: what is needed is marked so, and what is left of nothing goes."""
        if self._noted_for == plan.window.from_at:
            return
        self._noted_for = plan.window.from_at
        self._recordings.note_needed(needed, self._clock.now())
        deleted = self._recordings.sweep(one.recording for one in wanted)
        kept = {*recordings_of(self._memory.shelf), *needed, *self._recordings.here()}
        if idle := self._memory.sounds.keys() - kept:
            self._memory.keep(Change(forget_sounds=idle))
        logs.say(_log, "recordings_tidied", deleted=deleted, forgotten=len(idle))


def _wanted(order: Order) -> Wanted:
    exempt = order.haste in {Haste.EMERGENCY, Haste.STANDING}
    return Wanted(recording=order.source.recording, size_bytes=order.source.size_bytes, is_exempt=exempt)
