from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from loa.node_agent.core.plan import Plan, make_plan, window_at
from loa.node_agent.ports import Disk, Reading, Recalled
from loa.protocol.ids import RecordingId, broadcast_of
from loa.protocol.keys import PublicKey
from loa.protocol.programme import Config
from loa.protocol.reasons import ClockSource, ClockState
from loa.protocol.succession import follow
from loa.schedules.localtime import to_wall

_SOURCES = {
    ClockSource.NTP: "NTP",
    ClockSource.BATTERY: "the clock with a battery",
    ClockSource.ANSWER: "the controller's answer",
    None: "nobody",
}


@dataclass(frozen=True, slots=True)
class Condition:
    """How a node is, in plain words, and whether all is well."""

    lines: tuple[str, ...]
    is_well: bool


def examine(
    disk: Disk, here: Collection[RecordingId], *, is_running: bool, now: datetime, clock: Reading
) -> Condition:
    """Judge a node by its disk and by whether its agent runs; `here` are the recordings on disk."""
    recalled = disk.recall()
    running = (
        "The agent is running." if is_running else "The agent is not running: `systemctl start loa-node`."
    )
    waiting = f"{disk.count_unsent({})} reports wait for the controller's receipt."
    if recalled.config is None:
        lacking = "No configuration has come yet: check the link to the controller."
        return Condition((running, _time(clock), lacking, waiting), is_well=False)
    plan = _plan(recalled, recalled.config, now)
    needed = [*plan.sources.values(), *recalled.config.standing.values()]
    missing = {source.recording for source in needed} - set(here)
    lines = (
        running,
        _time(clock),
        f"It belongs to {', '.join(recalled.config.areas)}; configuration {recalled.config.version}.",
        f"It holds {len(recalled.shelf.entries)} broadcasts; {len(missing)} recordings are missing.",
        _next(recalled, plan, now),
        waiting,
    )
    return Condition(lines, is_well=is_running and not missing and _is_sure(clock))


def say_root(given: PublicKey | None, held: Config | None) -> str:
    """Whom the node believes, to be compared with what the stick says."""
    if given is None:
        return "It takes the controller's word: it was enrolled without a root key."
    steps = held.papers.successions if held and held.papers else ()
    return f"It believes whom the root key {follow(given, steps).root.x} names."


def _is_sure(clock: Reading) -> bool:
    return clock.state is not ClockState.UNTRUSTED


def _time(clock: Reading) -> str:
    if not _is_sure(clock):
        return (
            "Its clock can't be relied on, so nothing scheduled sounds: it needs NTP, a clock with a "
            "battery, or the controller's answer."
        )
    held = "" if clock.state is ClockState.TRUSTED else ", which is away now"
    return f"Its clock is right to {clock.error_s or 0.0:.1f} s, by {_SOURCES[clock.source]}{held}."


def _plan(recalled: Recalled, config: Config, now: datetime) -> Plan:
    window = window_at(now, recalled.accounted_at or now, config.settings.fetch_ahead_ms, config.tz)
    memory = recalled.shelf, recalled.sounds
    return make_plan(*memory, config, window, recalled.siren, presses=recalled.presses)


def _next(recalled: Recalled, plan: Plan, now: datetime) -> str:
    segment = next((one for one in plan.segments if one.to_at > now), None)
    if segment is None:
        return "Nothing is to sound in the days ahead."
    title = recalled.shelf.entries[broadcast_of(segment.item_id)].said.broadcast.title
    wall = to_wall(max(segment.from_at, now), plan.tz)
    return f"Next: “{title}” at {wall:%Y-%m-%d %H:%M:%S} local time."
