import logging
from contextlib import suppress

from loa.node_agent import logs
from loa.node_agent.core.plan import Plan
from loa.node_agent.core.reports import problem
from loa.node_agent.errors import StorageError, WrongDigestError
from loa.node_agent.intake import Intake
from loa.node_agent.memory import Memory
from loa.node_agent.ports import Change, Downloads, Fetched, FetchTrouble, Job, Recordings, Timekeeper
from loa.node_agent.sounding import Sounding
from loa.protocol.broadcast import RecordingSource
from loa.protocol.ids import RecordingId
from loa.protocol.reasons import ProblemCode
from loa.protocol.units import to_whole_ms

_TELL_AFTER = 5
"""Attempts until a fetch that does not succeed is a problem to report; once a job."""
_MOST_JOBS = 200

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
        clock: Timekeeper,
    ) -> None:
        self._memory = memory
        self._intake = intake
        self._sounding = sounding
        self._recordings = recordings
        self._downloads = downloads
        self._clock = clock
        self._told: set[str] = set()
        self._seen: tuple[Plan | None, frozenset[RecordingId]] | None = None
        self._jobs: list[Job] = []
        self.missing = 0
        """Recordings that are needed and not here."""

    def recover(self) -> None:
        """Look at the sizes of what is on disk: damaged files go, and whole ones count as here."""
        sources = [seen.said.broadcast.source for seen in self._memory.shelf.entries.values()]
        here = self._recordings.here()
        for source in sources:
            size_bytes = here.get(source.recording)
            if size_bytes is None or size_bytes == source.size_bytes:
                continue
            logs.shout(_log, "recording_damaged", recording=source.recording, size_bytes=size_bytes)
            with suppress(OSError):  # on a read-only disk it stays, and its digest tells
                self._recordings.place(source.recording).unlink(missing_ok=True)
            del here[source.recording]
        now = to_whole_ms(self._clock.now())
        came = {one.recording: now for one in sources if one.recording in here}
        news = {name: at for name, at in came.items() if name not in self._memory.sounds}
        if news:
            self._memory.keep(Change(sounds=news))

    def turn(self) -> None:
        """Renew what is wanted if anything changed."""
        plan = self._sounding.plan
        lost = frozenset(self._sounding.lost)
        if self._seen is None or self._seen[0] is not plan or self._seen[1] != lost:
            self._seen = (plan, lost)
            self._jobs = self._recording_jobs(plan) if plan else []
        self._downloads.want([*self._intake.jobs(), *self._jobs[:_MOST_JOBS]])

    def take(self, fetched: Fetched) -> None:
        """Something came."""
        name = RecordingId(fetched.job.sha256)
        if fetched.path != self._recordings.place(name):
            self._intake.take_body(fetched)
            return
        logs.say(_log, "fetched", recording=name, size_bytes=fetched.job.size_bytes)
        self._sounding.lost.discard(name)
        self._seen = None
        self._jobs = [job for job in self._jobs if job.sha256 != name]
        self._memory.keep(Change(sounds={name: to_whole_ms(fetched.at)}))

    def suffer(self, trouble: FetchTrouble) -> None:
        """An attempt failed; another follows by itself."""
        job, error = trouble.job, trouble.error
        logs.say(_log, "fetch_failed", path=job.path, attempt=trouble.attempt, detail=error)
        if isinstance(error, WrongDigestError):
            self._intake.refuse_bytes(job, error)
        elif isinstance(error, StorageError):
            self._tell(job, error.code, error)
        elif trouble.attempt >= _TELL_AFTER:
            self._tell(job, ProblemCode.FETCH_FAILED, error)

    def _tell(self, job: Job, code: ProblemCode, error: Exception) -> None:
        if job.sha256 in self._told:
            return
        self._told.add(job.sha256)
        draft = problem(at=self._clock.now(), code=code, detail=f"{job.path}: {error}")
        self._memory.keep(Change(reports=(draft,)))

    def _recording_jobs(self, plan: Plan) -> list[Job]:
        """Those lost first, since something counted on them; then by the time at which each would sound."""
        sources = {source.recording: source for source in plan.sources.values()}
        here = self._recordings.here()
        gone = {name for name in sources if name in self._memory.sounds and name not in here}
        names = sorted(gone | (self._sounding.lost & sources.keys()))
        wanted = [*names, *(name for name in plan.wanted if name not in names)]
        self.missing = len(wanted)
        return [self._job(sources[name]) for name in wanted]

    def _job(self, source: RecordingSource) -> Job:
        return Job(
            path=f"/api/v1/recordings/{source.recording}/content",
            sha256=source.recording,
            size_bytes=source.size_bytes,
            into=self._recordings.place(source.recording),
        )
