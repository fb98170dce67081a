"""What is done again and again: each job with its rhythm, and what becomes of a run that was missed."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog
from apscheduler.events import EVENT_JOB_MAX_INSTANCES, EVENT_JOB_MISSED, JobExecutionEvent
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from loa.controller.errors import DiskFull, Unavailable
from loa.controller.services.metrics import Metrics

_log = structlog.get_logger(__name__)
THREADS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Something to do every `every_s` seconds.

    APScheduler's grace of one second would drop a run without a word whenever the machine was busy, so
    each job says how late it may still begin (None: however late), and why. All coalesce: what looks at
    the whole present state gains nothing from being done twice.
    """

    name: str
    run: Callable[[], object]
    every_s: int
    grace_s: int | None
    why: str


class Jobs:
    """The jobs of a controller, on threads of their own."""

    def __init__(self, *, jobs: Sequence[Job], metrics: Metrics) -> None:
        self._jobs = list(jobs)
        self._metrics = metrics
        self._lock = threading.Lock()
        self._failing: dict[str, str] = {}
        self._scheduler = BackgroundScheduler(
            timezone=UTC, executors={"default": ThreadPoolExecutor(THREADS)}
        )

    def add(self, job: Job) -> None:
        """One more, before the start."""
        self._jobs.append(job)

    def start(self) -> None:
        """Run each job now and then in its rhythm."""
        for job in self._jobs:
            self._scheduler.add_job(
                self.do,
                "interval",
                [job],
                id=job.name,
                seconds=job.every_s,
                misfire_grace_time=job.grace_s,
                coalesce=True,
                max_instances=1,
                next_run_time=datetime.now(UTC),
            )
        self._scheduler.add_listener(self._not_run, EVENT_JOB_MISSED | EVENT_JOB_MAX_INSTANCES)
        self._scheduler.start()

    def stop(self) -> None:
        """Wait for what is running, begin nothing more."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=True)

    @property
    def failing(self) -> dict[str, str]:
        """The jobs whose last run failed, and why."""
        with self._lock:
            return dict(self._failing)

    def do(self, job: Job) -> None:
        """Run it once; a failure is counted and remembered until a run succeeds."""
        try:
            job.run()
        except (Unavailable, DiskFull, OSError) as error:
            self._failed(job, str(error))
            _log.error("job.failed", job=job.name, why=str(error))
        except Exception as error:  # noqa: BLE001 -- the root of a task: the other jobs go on, readyz tells
            self._failed(job, repr(error))
            _log.exception("job.failed", job=job.name)
        else:
            with self._lock:
                self._failing.pop(job.name, None)

    def _failed(self, job: Job, why: str) -> None:
        self._metrics.job_failures.labels(job.name).inc()
        with self._lock:
            self._failing[job.name] = why

    def _not_run(self, event: JobExecutionEvent) -> None:
        self._metrics.job_failures.labels(event.job_id).inc()
        _log.warning("job.not_run", job=event.job_id)


def standing_jobs(
    *,
    renew_rights: Callable[[], object],
    mark_missed: Callable[[], object],
    age: Callable[[], object],
    compare: Callable[[], object],
    expect_all: Callable[[], object],
    refresh: Callable[[], object],
    tidy: Callable[[], object],
    roll_out: Callable[[], object],
    check_trail: Callable[[], object],
) -> list[Job]:
    """The jobs that every controller has."""
    hour, day = 3_600, 86_400
    return [
        Job(
            name="rights", run=renew_rights, every_s=10, grace_s=None, why="STOP without a database needs it"
        ),
        Job(name="presence", run=age, every_s=15, grace_s=15, why="the next run sees the same, but fresher"),
        Job(name="divergence", run=compare, every_s=30, grace_s=30, why="the next run sees it, too"),
        Job(
            name="missed", run=mark_missed, every_s=30, grace_s=None, why="a silent node must become visible"
        ),
        Job(name="expect", run=expect_all, every_s=hour, grace_s=None, why="no line, no missed line"),
        Job(name="refresh", run=refresh, every_s=hour, grace_s=hour, why="only takes out what is over"),
        Job(name="rollouts", run=roll_out, every_s=30, grace_s=None, why="what fails must be halted"),
        Job(name="audit", run=check_trail, every_s=day, grace_s=day, why="the next run finds it, too"),
        Job(name="retention", run=tidy, every_s=day, grace_s=day, why="a day more or less is nothing"),
    ]
