"""What was read of the machine, before anything is made of it."""

from dataclasses import dataclass

from loa.protocol.units import SizeBytes


@dataclass(frozen=True, slots=True)
class Uplink:
    """The interface to the network, and what has gone over it in this boot, in both directions."""

    interface: str
    bytes_since_boot: SizeBytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Readings:
    """One look at the machine; None is what it does not tell. Units as in `loa.protocol.health.Health`."""

    temperature_c: float | None = None
    under_voltage: bool | None = None
    disk_wear_pct: int | None = None
    disk_errors: int | None = None
    memory_free_bytes: SizeBytes | None = None
    agent_rss_bytes: SizeBytes | None = None
    clock_offset_ms: int | None = None
    clock_error_ms: int | None = None
    signal_pct: int | None = None
    uplink: Uplink | None = None
