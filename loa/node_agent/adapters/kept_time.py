import json
import logging
import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import inf
from pathlib import Path

from loa.node_agent import logs
from loa.node_agent.adapters.time_sources import TimeSources
from loa.node_agent.core.clock import Facts, Setting, follow, raise_to, take_answer
from loa.node_agent.ports import Reading, Step
from loa.protocol.ids import BootId
from loa.protocol.reasons import ClockSource, ClockState

EARLIEST = datetime(2026, 1, 1, tzinfo=UTC)
"""No agent ran before it was written."""
CLOCK_FILE = "clock.json"
NTP_EVERY_S = 5.0
BATTERY_EVERY_S = 60.0
KEEP_EVERY_S = 600.0
_STIRRED_S = 0.0005
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_log = logging.getLogger(__name__)


class KeptTime:
    """A `NodeClock` on what the machine says, which keeps on disk what it knows.

    How the clock was set holds as long as the machine is on: an agent that is started again in the same boot
    goes on by it. After a loss of power only the newest instant known is left, as a lower bound. The system's
    clock is never set. With `keeps` off it writes nothing, for who only looks beside a running agent.
    """

    def __init__(self, sources: TimeSources, *, path: Path, boot_id: BootId, keeps: bool = True) -> None:
        self._sources = sources
        self._path = path
        self._boot_id = boot_id
        self._keeps = keeps
        self._known_s, setting = _recall(path, boot_id)
        self._setting = setting or Setting(offset_s=self._known_s - sources.boot_s())
        self._system_s = inf
        self._ntp_error_s: float | None = None
        self._battery_offset_s: float | None = None
        self._ntp_at_s = self._battery_at_s = self._keep_at_s = 0.0
        self._kept: Setting | None = setting
        self._is_told = False
        self._apart: tuple[float, float] | None = None

    def now(self) -> datetime:
        """See `Timekeeper.now`."""
        return _instant(self._setting.offset_s + self._sources.boot_s())

    def monotonic(self) -> float:
        """See `Timekeeper.monotonic`: the machine's boot time."""
        return self._sources.boot_s()

    def state(self) -> ClockState:
        """See `Timekeeper.state`."""
        return self._setting.state_at(self._sources.boot_s())

    @property
    def is_set(self) -> bool:
        """See `NodeClock.is_set`."""
        return self._setting.source is not None

    @property
    def wants_answer(self) -> bool:
        """See `NodeClock.wants_answer`."""
        return self._setting.wants_answer(self._sources.boot_s())

    def look(self) -> Step | None:
        """See `NodeClock.look`."""
        facts = self._facts()
        step = self._set(follow(self._setting, facts, known_s=self._known_s), facts.boot_s)
        self._keep(facts.boot_s)
        return step

    def take_answer(self, at: datetime, round_trip_s: float, came_s: float) -> Step | None:
        """See `NodeClock.take_answer`."""
        at_s = at.timestamp()
        after = take_answer(self._setting, at_s=at_s, round_trip_s=round_trip_s, boot_s=came_s)
        self._apart = at_s + round_trip_s / 2 - came_s - after.offset_s, round_trip_s / 2
        return self._set(after, self._sources.boot_s())

    def not_before(self, at: datetime) -> Step | None:
        """See `NodeClock.not_before`."""
        boot_s, at_s = self._sources.boot_s(), at.timestamp()
        if self.state() is ClockState.UNTRUSTED:
            self._known_s = max(self._known_s, at_s)
        return self._set(raise_to(self._setting, at_s, boot_s), boot_s)

    def reading(self) -> Reading:
        """See `NodeClock.reading`."""
        boot_s, setting = self._sources.boot_s(), self._setting
        error_s = setting.error_at(boot_s)
        apart_s, apart_error_s = self._apart or (None, 0.0)
        return Reading(
            state=setting.state_at(boot_s),
            source=setting.source,
            error_s=None if error_s == inf else error_s,
            apart_s=apart_s,
            apart_error_s=apart_error_s,
        )

    def _set(self, setting: Setting, boot_s: float) -> Step | None:
        before_s, self._setting = self._setting.offset_s, setting
        if setting.offset_s == before_s:
            return None
        return Step(was=_instant(before_s + boot_s), now=_instant(setting.offset_s + boot_s))

    def _facts(self) -> Facts:
        boot_s, system_s = self._sources.system()
        is_stirred = abs(system_s - boot_s - self._system_s) > _STIRRED_S
        self._system_s = system_s - boot_s
        if is_stirred or boot_s >= self._ntp_at_s:
            self._ntp_at_s = boot_s + NTP_EVERY_S
            self._ntp_error_s = self._sources.ntp_error_s()
        if is_stirred or boot_s >= self._battery_at_s:
            self._battery_at_s = boot_s + BATTERY_EVERY_S
            read_s = self._sources.battery_s()
            self._battery_offset_s = None if read_s is None else read_s - boot_s
        battery_s = None if self._battery_offset_s is None else self._battery_offset_s + boot_s
        return Facts(boot_s=boot_s, system_s=system_s, ntp_error_s=self._ntp_error_s, battery_s=battery_s)

    def _keep(self, boot_s: float) -> None:
        """Write down how the clock is set, when that changed, and now and then what time it is."""
        setting = replace(self._setting, is_live=False)
        before = self._kept
        is_news = before is None or (before.offset_s, before.source) != (setting.offset_s, setting.source)
        if not self._keeps or setting.source is None or (not is_news and boot_s < self._keep_at_s):
            return
        self._keep_at_s, self._kept = boot_s + KEEP_EVERY_S, setting
        if setting.state_at(boot_s) is not ClockState.UNTRUSTED:
            self._known_s = setting.offset_s + boot_s
        try:
            _write(self._path, _kept(self._boot_id, setting, self._known_s))
            self._is_told = False
        except OSError as error:
            if not self._is_told:
                logs.shout(_log, "clock_not_kept", path=self._path, detail=error)
            self._is_told = True


def _kept(boot_id: BootId, setting: Setting, known_s: float) -> str:
    said = {
        "boot_id": boot_id,
        "offset_s": setting.offset_s,
        "source": setting.source,
        "error_s": setting.error_s,
        "as_of_s": setting.as_of_s,
        "known_s": known_s,
    }
    return json.dumps(said)


def _recall(path: Path, boot_id: BootId) -> tuple[float, Setting | None]:
    """The newest instant known, and how the clock was set if that was in this boot."""
    earliest_s = EARLIEST.timestamp()
    try:
        said = json.loads(path.read_text())
        known_s = max(earliest_s, float(said["known_s"]))
        setting = Setting(
            offset_s=float(said["offset_s"]),
            source=ClockSource(said["source"]),
            error_s=float(said["error_s"]),
            as_of_s=float(said["as_of_s"]),
        )
        return known_s, setting if said["boot_id"] == boot_id else None
    except (OSError, ValueError, KeyError, TypeError):
        return earliest_s, None


def _write(path: Path, text: str) -> None:
    draft = path.with_name(path.name + ".new")
    with draft.open("w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def _instant(at_s: float) -> datetime:
    return _EPOCH + timedelta(seconds=at_s)
