"""What some settings mean to the services that they are for."""

from datetime import timedelta
from urllib.parse import urlsplit

from loa.controller.composition import Reach
from loa.controller.services.log import LogTimes
from loa.controller.services.retention import Periods
from loa.controller.settings import Settings


def log_times(settings: Settings) -> LogTimes:
    """How far ahead lines are expected, and after how long they are missed."""
    return LogTimes(
        horizon=timedelta(hours=settings.log_horizon_hours),
        grace=timedelta(minutes=settings.log_grace_minutes),
    )


def periods(settings: Settings) -> Periods:
    """How long things are kept."""
    lines = settings.keep_log_days
    return Periods(
        plays=timedelta(days=settings.keep_plays_days),
        lines=None if lines is None else timedelta(days=lines),
        answers=timedelta(hours=settings.keep_answers_hours),
        health=timedelta(days=settings.keep_health_days),
    )


def reach(settings: Settings) -> Reach:
    """Where nodes and people find the controller."""
    return Reach(
        base_url=settings.address,
        mqtt_host=settings.broker_public_host or urlsplit(settings.address).hostname or "localhost",
        mqtt_port=settings.broker_public_port or settings.broker_port,
        release_keys=settings.release_keys,
        root_key=settings.root_key,
    )
