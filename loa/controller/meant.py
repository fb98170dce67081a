"""What some settings mean to the services that they are for."""

from datetime import timedelta

from loa.controller.composition import Reach
from loa.controller.core.names import LOCAL, host_of
from loa.controller.services.log import LogTimes
from loa.controller.services.retention import Periods
from loa.controller.settings import Settings
from loa.protocol.programme import Address


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
    address = Address(
        base_url=settings.address,
        mqtt_host=settings.broker_public_host or host_of(settings.address),
        mqtt_port=settings.broker_public_port or settings.broker_port,
    )
    return Reach(
        address=address,
        release_keys=settings.release_keys,
        root_key=settings.root_key,
    )


def public_hosts(settings: Settings) -> list[str]:
    """Names and addresses under which browsers and nodes find us, those of before included."""
    here = [LOCAL, "127.0.0.1", "::1"]
    return [host_of(settings.address), *settings.former_names, *here]


def broker_hosts(settings: Settings) -> list[str]:
    """Names and addresses under which the broker is found; the first is how we ourselves do."""
    public = [settings.broker_public_host] if settings.broker_public_host else []
    return [settings.broker_host, *public, *public_hosts(settings)]
