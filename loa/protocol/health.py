"""How the machine of a node is: what sensors, disk, modem and SIM tell, and what of it somebody must mind."""

from datetime import date
from enum import StrEnum
from typing import Annotated

from pydantic import Field, field_validator

from loa.protocol.units import SizeBytes
from loa.protocol.wire import Wire

Percent = Annotated[int, Field(ge=0, le=200)]


class Concern(StrEnum):
    """What somebody must mind. The node decides, with hysteresis: at a limit nothing flaps."""

    HOT = "hot"
    """80 °C and more; a Raspberry Pi slows down at 80 to 85 °C. Until under 75 °C."""
    UNDER_VOLTAGE = "under_voltage"
    """The supply fell below what the board needs; writes to the disk may be damaged."""
    DISK_WORN = "disk_worn"
    """90 % of the writes that its maker promises are used up."""
    DISK_ERRORS = "disk_errors"
    """The file system found errors."""
    DISK_SHORT = "disk_short"
    """Under 200 MB free; until 300 MB are."""
    MEMORY_SHORT = "memory_short"
    """Under 40 MB available; until 60 MB are."""
    CLOCK_OFF = "clock_off"
    """More than a second from true time as NTP measures it, or in the controller's eyes a minute."""
    SIGNAL_WEAK = "signal_weak"
    """Under 20 % by the modem; until 30 %."""
    BUDGET_SHORT = "budget_short"
    """At this rate the SIM's budget is used up before the month is over; until 95 % of it would do."""


class Health(Wire):
    """Of a node's machine. A field that it cannot measure is absent."""

    temperature_c: Annotated[float | None, Field(ge=-100, le=300)] = None
    under_voltage: bool | None = None
    """Since the last look, a minute ago at most."""
    under_voltage_since_boot: bool | None = None
    disk_wear_pct: Percent | None = None
    """Of the writes that its maker promises; over 100 it lives on borrowed time."""
    disk_errors: Annotated[int | None, Field(ge=0)] = None
    """Counted by the file systems since they were last checked."""
    memory_free_bytes: SizeBytes | None = None
    """That programs could have without swapping."""
    agent_rss_bytes: SizeBytes | None = None
    clock_offset_ms: int | None = None
    """What NTP has yet to correct."""
    clock_error_ms: int | None = None
    """The most that the clock may be wrong, as NTP reckons; absent while nobody keeps it."""
    signal_pct: Percent | None = None
    """Quality of the mobile signal."""
    bytes_month: SizeBytes | None = None
    """Sent and received on the uplink since the billing day, by everything on the machine."""
    forecast_bytes: SizeBytes | None = None
    """What `bytes_month` will be at the end of the month if it goes on like this."""
    budget_bytes: SizeBytes | None = None
    runs_out_on: date | None = None
    """The day on which the budget will be used up; absent if it lasts."""
    concerns: tuple[Concern, ...] = ()

    @field_validator("concerns", mode="before")
    @classmethod
    def _leave_out_what_is_newer(cls, concerns: object) -> object:
        """A newer node may mind more than we know of; its state counts all the same."""
        if not isinstance(concerns, list | tuple):
            return concerns
        return tuple(concern for concern in concerns if concern in set(Concern))
