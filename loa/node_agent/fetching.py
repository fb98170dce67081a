import logging
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from random import Random

from loa.node_agent import logs
from loa.node_agent.core.needs import Haste, Order, in_order, lost_needs, next_turn, sources_of
from loa.node_agent.core.plan import Need, Plan
from loa.node_agent.core.reports import problem
from loa.node_agent.errors import StorageError, WrongDigestError
from loa.node_agent.intake import Intake
from loa.node_agent.keeping import Keeping
from loa.node_agent.memory import Memory
from loa.node_agent.ports import Change, Downloads, Fetched, FetchTrouble, Job, NodeClock, Recordings
from loa.node_agent.sounding import Sounding
from loa.protocol.ids import RecordingId
from loa.protocol.programme import Config, NodeSettings
from loa.protocol.reasons import ProblemCode
from loa.protocol.units import to_whole_ms

_TELL_AFTER = 5
"""Attempts until a fetch that does not succeed is a problem to report; once a job."""
_MOST_JOBS = 200
_HASTY_WAIT_S, _LONGEST_WAIT_S = 15.0, 300.0
"""After failures: for what is due within minutes, and for the rest."""
_LOOK_AGAIN = timedelta(hours=1)
"""Room may have come free by itself."""

_Seen = tuple[Plan, frozenset[RecordingId], Config | None]

_log = logging.getLogger(__name__)


class Fetching:
    """Says what is to be fetched, in order of need, and takes in what came."""

    def __init__(
        self,
        *,
        memory: Memory,
        intake: Intake,
        sounding: Sounding,
        recordings: Recordings,
        downloads: Downloads,
        clock: NodeClock,
        random: Random,
        after_all: Callable[[], Sequence[Job]] = tuple,
    ) -> None:
        self._memory = memory
        self._intake = intake
        self._sounding = sounding
        self._recordings = recordings
        self._keeping = Keeping(memory=memory, recordings=recordings, clock=clock)
        self._downloads = downloads
        self._clock = clock
        self._random = random
        self._after_all = after_all
        self._told: set[str] = set()
        self._seen: _Seen | None = None
        self._look_at: datetime | None = None
        self._alarms: list[Job] = []
        self._jobs: list[Job] = []
        self._not_before: dict[RecordingId, float] = {}
        self.missing = 0
        """Recordings that are needed and not here."""

    @property
    def without_room(self) -> int:
        """Those of them that do not fit."""
        return self._keeping.without_room

    def recover(self) -> None:
        """Look at the sizes of what is on disk: damaged files go, and whole ones count as here."""
        entries = self._memory.shelf.entries.values()
        sources = [*(seen.said.broadcast.source for seen in entries), *self._keeping.standing()]
        here = self._recordings.here()
        for source in sources:
            size_bytes = here.get(source.recording)
            if size_bytes is None or size_bytes == source.size_bytes:
                continue
            logs.shout(_log, "recording_damaged", recording=source.recording, size_bytes=size_bytes)
            self._recordings.drop([source.recording])
            del here[source.recording]
        now = to_whole_ms(self._clock.now())
        if news := {name: now for name in here if name not in self._memory.sounds}:
            self._memory.keep(Change(sounds=news))

    def turn(self) -> None:
        """Renew what is wanted if anything changed, be it the time.

        Nobody answers requests that are signed at a time long past, so nothing is fetched before it is known.
        """
        if not self._clock.is_set:
            return
        self._keeping.mind_the_siren()
        plan, now = self._sounding.plan, self._clock.now()
        if plan is not None:
            seen = plan, frozenset(self._sounding.lost), self._memory.config
            if (
                self._seen is None
                or not _is_same(seen, self._seen)
                or (self._look_at and self._look_at <= now)
            ):
                self._seen = seen
                orders = self._decide(plan, now)[:_MOST_JOBS]
                self._alarms = [self._job(order) for order in orders if order.haste is Haste.EMERGENCY]
                self._jobs = [self._job(order) for order in orders if order.haste is not Haste.EMERGENCY]
        self._downloads.want([*self._alarms, *self._intake.jobs(), *self._jobs, *self._after_all()])

    def take(self, fetched: Fetched) -> None:
        """Something came."""
        name = RecordingId(fetched.job.sha256)
        if fetched.path != self._recordings.place(name):
            self._intake.take_body(fetched)
            return
        logs.say(_log, "fetched", recording=name, size_bytes=fetched.job.size_bytes)
        self._sounding.lost.discard(name)
        self._look_anew()
        self._alarms = [job for job in self._alarms if job.sha256 != name]
        self._jobs = [job for job in self._jobs if job.sha256 != name]
        self._memory.keep(Change(sounds={name: to_whole_ms(fetched.at)}))

    def suffer(self, trouble: FetchTrouble) -> None:
        """An attempt failed; another follows by itself."""
        job, error = trouble.job, trouble.error
        logs.say(_log, "fetch_failed", path=job.path, attempt=trouble.attempt, detail=error)
        if isinstance(error, WrongDigestError):
            self._intake.refuse_bytes(job, error)
        elif isinstance(error, StorageError):
            self._look_anew()
            self._tell(job, error.code, error)
        elif trouble.attempt >= _TELL_AFTER:
            self._tell(job, ProblemCode.FETCH_FAILED, error)

    def _look_anew(self) -> None:
        self._seen = None

    def _tell(self, job: Job, code: ProblemCode, error: Exception) -> None:
        if job.sha256 in self._told:
            return
        self._told.add(job.sha256)
        draft = problem(at=self._clock.now(), code=code, detail=f"{job.path}: {error}")
        self._memory.keep(Change(reports=(draft,)))

    def _decide(self, plan: Plan, now: datetime) -> list[Order]:
        here = self._recordings.here()
        needs = [*plan.wanted, *self._lost(plan, here, now)]
        self._look_at = min(next_turn(needs, now) or now + _LOOK_AGAIN, now + _LOOK_AGAIN)
        standing = [source for source in self._keeping.standing() if source.recording not in here]
        orders = in_order(needs, standing, now)
        self.missing = len(orders)
        self._not_before = {order.source.recording: self._spread(order) for order in orders}
        return self._keeping.fit(orders, plan)

    def _lost(self, plan: Plan, here: Collection[RecordingId], now: datetime) -> list[Need]:
        gone = {name for name in sources_of(plan) if name in self._memory.sounds and name not in here}
        return lost_needs(plan, gone | self._sounding.lost, now)

    def _spread(self, order: Order) -> float:
        """When it may be begun, on the monotonic clock; drawn once, so that nodes don't all come together."""
        if order.is_hasty:
            return 0.0
        drawn = self._not_before.get(order.source.recording, 0.0)
        jitter_s = self._settings().fetch_jitter_ms / 1000
        return drawn or self._clock.monotonic() + self._random.uniform(0, jitter_s)

    def _settings(self) -> NodeSettings:
        return self._memory.config.settings if self._memory.config else NodeSettings()

    def _job(self, order: Order) -> Job:
        source = order.source
        return Job(
            path=f"/api/v1/recordings/{source.recording}/content",
            sha256=source.recording,
            size_bytes=source.size_bytes,
            into=self._recordings.place(source.recording),
            not_before=self._not_before.get(source.recording, 0.0),
            rate_bytes_s=order.rate_bytes_s(self._settings()),
            longest_wait_s=_HASTY_WAIT_S if order.is_hasty else _LONGEST_WAIT_S,
        )


def _is_same(one: _Seen, other: _Seen) -> bool:
    """Whether nothing changed; plans and configurations are not compared but replaced."""
    return one[0] is other[0] and one[1] == other[1] and one[2] is other[2]
