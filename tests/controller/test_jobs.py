"""Jobs run in their rhythm; what fails is counted, told, and tried again."""

import threading

import pytest

from loa.controller.errors import Unavailable
from loa.controller.services.jobs import Job, Jobs, standing_jobs
from loa.controller.services.metrics import Metrics
from tests.waiting import wait_for


def job(run: object, name: str = "missed") -> Job:
    assert callable(run)
    return Job(name=name, run=run, every_s=3600, grace_s=None, why="for a test")


def test_a_job_runs_at_the_start() -> None:
    ran = threading.Event()
    jobs = Jobs(jobs=[job(ran.set)], metrics=Metrics())
    jobs.start()
    assert ran.wait(20)
    jobs.stop()


@pytest.mark.parametrize(
    "error", [Unavailable("database_unavailable", "no answer"), OSError(28, "full"), KeyError("x")]
)
def test_a_failure_is_counted_and_told_until_a_run_succeeds(error: Exception) -> None:
    metrics, fails = Metrics(), [True]

    def run() -> None:
        if fails:
            raise error

    failing = job(run)
    jobs = Jobs(jobs=[failing], metrics=metrics)
    jobs.do(failing)
    assert list(jobs.failing) == ["missed"]
    assert b'loa_job_failures_total{job="missed"} 1.0' in metrics.page()
    fails.clear()
    jobs.do(failing)
    assert jobs.failing == {}


def test_one_failing_job_does_not_stop_the_others() -> None:
    ran = threading.Event()

    def fail() -> None:
        raise Unavailable("database_unavailable", "no answer")

    jobs = Jobs(jobs=[job(fail, "bad"), job(ran.set, "good")], metrics=Metrics())
    jobs.start()
    assert ran.wait(20)
    wait_for(lambda: list(jobs.failing) == ["bad"], what="the failure")
    jobs.stop()


def test_every_standing_job_says_how_late_it_may_be_and_why() -> None:
    def nothing() -> None:
        return

    found = standing_jobs(
        renew_rights=nothing,
        mark_missed=nothing,
        age=nothing,
        compare=nothing,
        expect_all=nothing,
        refresh=nothing,
        tidy=nothing,
        roll_out=nothing,
        check_trail=nothing,
    )
    assert all(one.why for one in found)
    assert all(one.grace_s is None or one.grace_s >= 15 for one in found), "one second drops runs silently"
    assert len({one.name for one in found}) == len(found) == 9
