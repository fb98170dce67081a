import logging
from collections.abc import Callable
from datetime import datetime

from loa.node_agent import logs
from loa.node_agent.core.concerns import Look, Watch, watch
from loa.node_agent.core.data_budget import Outlook, Usage, count, look_ahead
from loa.node_agent.core.readings import Readings
from loa.node_agent.memory import Memory
from loa.node_agent.ports import Sensors, Timekeeper, UsageKeeper
from loa.protocol.health import Concern, Health
from loa.protocol.ids import BootId
from loa.protocol.programme import NodeSettings
from loa.protocol.reasons import ClockState
from loa.protocol.units import SizeBytes
from loa.protocol.when import DEFAULT_TZ
from loa.schedules.billing import Month, month_at
from loa.schedules.localtime import local_date

KEEP_EVERY_S = 3_600.0
"""So seldom is the disk written; a loss of power loses the count of so long."""

_log = logging.getLogger(__name__)


class Vitals:
    """How the machine is: the last readings, the SIM's month, and what of it somebody must mind."""

    def __init__(
        self,
        *,
        sensors: Sensors,
        keeper: UsageKeeper,
        memory: Memory,
        clock: Timekeeper,
        boot_id: BootId,
        free_bytes: Callable[[], SizeBytes],
    ) -> None:
        self._sensors = sensors
        self._keeper = keeper
        self._memory = memory
        self._clock = clock
        self._boot_id = boot_id
        self._free_bytes = free_bytes
        self._seen: Readings | None = None
        self._usage = keeper.read()
        self._kept_s = clock.monotonic()
        self._watch = Watch()
        self._health = Health()

    def turn(self) -> None:
        """Take in what the sensors saw last, if that is new."""
        readings = self._sensors.latest()
        if readings is None or readings is self._seen:
            return
        self._seen = readings
        self._usage = self._count(readings)
        self._health = self._judge(readings, self._usage)
        self._keep_now_and_then()

    @property
    def concerns(self) -> tuple[Concern, ...]:
        """What somebody must mind."""
        return self._health.concerns

    def health(self) -> Health | None:
        """As it goes into a full state; None before the first look."""
        return self._health if self._seen else None

    def close(self) -> None:
        """Keep the count; idempotent."""
        self._sensors.close()
        if self._usage is not None:
            self._keeper.write(self._usage)

    def _count(self, readings: Readings) -> Usage:
        month = self._month()
        usage = self._usage or Usage(since=(month or self._month_by(self._clock.now())).begins)
        if readings.under_voltage:
            usage = usage.model_copy(update={"under_voltage_boot": self._boot_id})
        return count(usage, readings.uplink, self._boot_id, month) if readings.uplink else usage

    def _month(self) -> Month | None:
        return None if self._clock.state() is ClockState.UNTRUSTED else self._month_by(self._clock.now())

    def _month_by(self, now: datetime) -> Month:
        return month_at(local_date(now, self._tz()), self._settings().billing_day)

    def _judge(self, readings: Readings, usage: Usage) -> Health:
        bare = _health(
            readings, usage, self._boot_id, self._settings().month_budget_bytes, self._outlook(usage)
        )
        look = Look(bare, self._free_bytes(), self._clock.state())
        before = self._watch.concerns
        self._watch = watch(self._watch, look, self._clock.monotonic())
        concerns = self._watch.concerns
        if concerns != before:
            logs.say(_log, "concerns", now=",".join(concerns), was=",".join(before))
        return bare.model_copy(update={"concerns": concerns})

    def _outlook(self, usage: Usage) -> Outlook | None:
        month = self._month()
        if month is None or usage.since != month.begins:
            return None
        budget = self._settings().month_budget_bytes
        return look_ahead(usage.used_bytes, budget, month, self._clock.now(), self._tz())

    def _keep_now_and_then(self) -> None:
        now_s = self._clock.monotonic()
        if now_s >= self._kept_s + KEEP_EVERY_S and self._usage is not None:
            self._keeper.write(self._usage)
            self._kept_s = now_s

    def _settings(self) -> NodeSettings:
        return self._memory.config.settings if self._memory.config else NodeSettings()

    def _tz(self) -> str:
        return self._memory.config.tz if self._memory.config else DEFAULT_TZ


def _health(
    readings: Readings, usage: Usage, boot_id: BootId, budget_bytes: SizeBytes | None, outlook: Outlook | None
) -> Health:
    measured = readings.under_voltage is not None
    return Health(
        temperature_c=readings.temperature_c,
        under_voltage=readings.under_voltage,
        under_voltage_since_boot=usage.under_voltage_boot == boot_id if measured else None,
        disk_wear_pct=readings.disk_wear_pct,
        disk_errors=readings.disk_errors,
        memory_free_bytes=readings.memory_free_bytes,
        agent_rss_bytes=readings.agent_rss_bytes,
        clock_offset_ms=readings.clock_offset_ms,
        clock_error_ms=readings.clock_error_ms,
        signal_pct=readings.signal_pct,
        bytes_month=usage.used_bytes if readings.uplink else None,
        forecast_bytes=outlook.forecast_bytes if outlook and readings.uplink else None,
        budget_bytes=budget_bytes,
        runs_out_on=outlook.runs_out_on if outlook and readings.uplink else None,
    )
