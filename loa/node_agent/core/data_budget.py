"""How much of the SIM's month is used, and when it will be used up."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from loa.node_agent.core.readings import Uplink
from loa.protocol.ids import BootId
from loa.protocol.units import SizeBytes
from loa.protocol.wire import Wire
from loa.schedules.billing import Month
from loa.schedules.localtime import to_wall

_DAY = timedelta(days=1)


class Mark(Wire):
    """An interface's counter as it was counted last; it begins at 0 with every boot."""

    boot_id: BootId
    bytes_since_boot: SizeBytes


class Usage(Wire):
    """What went over the uplink in a month, and up to which marks that is counted."""

    since: date
    """The billing day with which the month began."""
    used_bytes: SizeBytes = SizeBytes(0)
    marks: Mapping[str, Mark] = {}
    under_voltage_boot: BootId | None = None
    """The last boot in which the voltage was too low."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """What the month will have used at its end, and the day on which a budget runs out, if it does."""

    forecast_bytes: SizeBytes
    runs_out_on: date | None


def count(usage: Usage, uplink: Uplink, boot_id: BootId, month: Month | None) -> Usage:
    """What has gone over the uplink since its mark is added; `month` is None while nobody knows the date.

    What an interface had counted before it was first seen is not added: nobody knows in which month that was.
    """
    usage = _in_month(usage, month) if month else usage
    mark = usage.marks.get(uplink.interface)
    new = Mark(boot_id=boot_id, bytes_since_boot=uplink.bytes_since_boot)
    added = 0 if mark is None else _since(mark, new)
    marks = {**usage.marks, uplink.interface: new}
    return usage.model_copy(update={"used_bytes": SizeBytes(usage.used_bytes + added), "marks": marks})


def look_ahead(used_bytes: int, budget_bytes: int | None, month: Month, now: datetime, tz: str) -> Outlook:
    """At the rate of the month so far, of which a day at least must be over to be a rate."""
    begins, at = datetime.combine(month.begins, datetime.min.time()), to_wall(now, tz).replace(tzinfo=None)
    gone, whole = max(at - begins, _DAY), (month.ends - month.begins)
    forecast = max(used_bytes, round(used_bytes * (whole / gone)))
    runs_out_on = None
    if budget_bytes is not None and forecast > budget_bytes:
        lasts = gone * (budget_bytes / used_bytes)
        runs_out_on = max(at.date(), min((begins + lasts).date(), month.ends - _DAY))
    return Outlook(SizeBytes(forecast), runs_out_on)


def _in_month(usage: Usage, month: Month) -> Usage:
    """A new month begins at 0; one that begins earlier shows that the clock or the billing day was wrong."""
    if month.begins == usage.since:
        return usage
    used_bytes = SizeBytes(0) if month.begins > usage.since else usage.used_bytes
    return usage.model_copy(update={"since": month.begins, "used_bytes": used_bytes})


def _since(mark: Mark, new: Mark) -> int:
    """A counter that began anew, with the boot or with a modem plugged in again, counts from 0."""
    if mark.boot_id != new.boot_id or new.bytes_since_boot < mark.bytes_since_boot:
        return new.bytes_since_boot
    return new.bytes_since_boot - mark.bytes_since_boot
