"""The kinds of faults: how each is done, healed, and what may go wrong meanwhile.

A fault is a generator: until the first `yield` it is done, what it yields is how long to wait (seconds) or
what to wait for, and the rest heals it; what follows `HEALED` watches how long its effects last. The spans
that it appends say what it excuses, and nothing else is.
"""

import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from random import Random

from loa.protocol.ids import OccurrenceId, RecordingId
from tests.field import damage
from tests.field.bureau import Bureau
from tests.field.ledger import NEVER, Fault, Ledger, Span, Stretch
from tests.field.preload import Disk
from tests.field.proxy import SLOW, Flow, Weather
from tests.field.replay import Recorder
from tests.field.world import Parish, Pole
from tests.flow.office import OPEN
from tests.flow.times import seconds

HEALED = None
Steps = Iterator[float | Callable[[], bool] | None]

# What it takes until all is as before, once the cause is gone.
HEARS = seconds(4)
"""From the first byte of the broker until everything that is retained was taken in."""
PUBLISHED = seconds(8)
"""From when controller or broker are back until the controller has published again."""
STALLS = seconds(2)
"""What was held comes at once, and is dealt with."""
FETCH = seconds(35)
"""Reads time out after 10 s; pauses between attempts grow with the time that it could not."""
_BOOT = seconds(10)
WARM = seconds(4)
"""Decoders are opened 3 s ahead."""
CLOCK_SETTLES = seconds(10)
DISK_SETTLES = seconds(15)
JOURNAL_SETTLES = seconds(15)


@dataclass(slots=True)
class Stage:
    """What a fault may lay hands on."""

    parish: Parish
    ledger: Ledger
    bureau: Bureau
    recorder: Recorder
    dice: Random
    is_long: bool
    """There is time for what takes minutes to be noticed."""

    def lasting_s(self, least: float, most: float) -> float:
        """How long a fault lasts; in a short campaign not long, or it would be no short one."""
        return self.dice.uniform(least, most if self.is_long else least + (most - least) / 4)

    def excuse(
        self,
        fault: Fault,
        after: timedelta,
        *,
        deaf: bool = False,
        starved: bool = False,
        unwritten: bool = False,
        mute: bool = False,
        astray: timedelta = NEVER,
        node: str | None = None,
    ) -> None:
        """From the fault until so long after now."""
        when = Stretch(fault.at - seconds(0.3), self.parish.now() + after)
        span = Span(
            node or fault.node,
            when,
            fault.kind,
            deaf=deaf,
            starved=starved,
            unwritten=unwritten,
            mute=mute,
            astray=astray,
        )
        self.ledger.spans.append(span)

    def until_it_hears(self, fault: Fault, after: timedelta, *poles: Pole) -> Steps:
        """Nodes are deaf until they are seen to get something from the broker, by the bytes on the wire."""
        self.excuse(fault, FETCH, starved=True)
        begun_s = time.monotonic()
        yield HEALED
        for pole in poles:
            yield partial(pole.mqtt.has_brought, begun_s)
            self.excuse(fault, after, deaf=True, node=pole.name)


Inflict = Callable[[Stage, Fault, Pole], Steps]


# The network of one node.


def slow(stage: Stage, fault: Fault, pole: Pole) -> Steps:
    """300 ± 100 ms, 64 kbit/s."""
    yield from _weather(stage, fault, pole, SLOW, (4, 12))
    stage.excuse(fault, STALLS, deaf=True)
    stage.excuse(fault, FETCH, starved=True)


def stall(stage: Stage, fault: Fault, pole: Pole) -> Steps:
    """Nothing, then everything in order."""
    yield from _weather(stage, fault, pole, Weather(Flow.STALLED), (1, 9))
    stage.excuse(fault, STALLS, deaf=True)
    stage.excuse(fault, FETCH, starved=True)


def cut(stage: Stage, fault: Fault, pole: Pole) -> Steps:
    """No connection at all."""
    yield from _weather(stage, fault, pole, Weather(Flow.CUT), (2, 10))
    yield from stage.until_it_hears(fault, HEARS, pole)


def half_open(stage: Stage, fault: Fault, pole: Pole) -> Steps:
    """Connections are dead and nobody says so, for a while or until a keepalive finds out."""
    says_so = not stage.is_long or stage.dice.random() < 0.7
    yield from _weather(stage, fault, pole, Weather(Flow.HALF_OPEN), (2, 8))
    fault.what += ", then reset" if says_so else ", never told"
    if says_so:
        for link in pole.links:
            link.reset(dead_only=True)
    yield from stage.until_it_hears(fault, HEARS, pole)


def _weather(stage: Stage, fault: Fault, pole: Pole, weather: Weather, lasting: tuple[float, float]) -> Steps:
    lasting_s = stage.lasting_s(*lasting)
    fault.what = f"{lasting_s:.0f} s"
    for link in pole.links:
        link.become(weather)
    yield lasting_s
    for link in pole.links:
        link.become(Weather())


def reset(stage: Stage, fault: Fault, pole: Pole) -> Steps:
    """Connections end with a reset."""
    for link in pole.links:
        link.reset()
    yield from stage.until_it_hears(fault, HEARS, pole)


# Processes.


def kill_agent(stage: Stage, fault: Fault, pole: Pole) -> Steps:
    """kill -9."""
    pole.kill()
    yield stage.dice.uniform(0.1, 3)
    yield from _start(stage, fault, pole, WARM)


def power_cut(stage: Stage, fault: Fault, pole: Pole) -> Steps:
    """kill -9, and what was not synced is gone or torn."""
    pole.kill()
    pole.supply.fail(stage.dice)
    yield stage.dice.uniform(0.1, 3)
    yield from _start(stage, fault, pole, WARM)


def _start(stage: Stage, fault: Fault, pole: Pole, after: timedelta) -> Steps:
    size_bytes = _size(pole)
    pole.start()
    yield lambda: _size(pole) > size_bytes
    stage.excuse(fault, after, mute=True)
    yield from stage.until_it_hears(fault, max(after, HEARS), pole)


def _size(pole: Pole) -> int:
    return pole.ear.wav.stat().st_size


def kill_broker(stage: Stage, fault: Fault, _pole: Pole) -> Steps:
    """kill -9; it comes back with what it had."""
    stage.parish.kill_broker()
    yield stage.dice.uniform(0.1, 3)
    stage.parish.start_broker()
    stage.excuse(fault, PUBLISHED, deaf=True)
    yield from stage.until_it_hears(fault, HEARS, *stage.parish.poles)


def kill_controller(stage: Stage, fault: Fault, _pole: Pole) -> Steps:
    """kill -9; it comes back with what it had."""
    stage.parish.kill_controller()
    yield stage.dice.uniform(0.1, 2)
    stage.parish.start_controller()
    yield stage.parish.is_ready
    stage.excuse(fault, PUBLISHED, deaf=True)
    stage.excuse(fault, FETCH, starved=True)


# The clock of one node.


def clock_forward(stage: Stage, fault: Fault, pole: Pole) -> Steps:
    """Its wall clock is ahead for a while."""
    yield from _jump(stage, fault, pole, _span(stage.dice))


def clock_back(stage: Stage, fault: Fault, pole: Pole) -> Steps:
    """Its wall clock is behind for a while."""
    yield from _jump(stage, fault, pole, -_span(stage.dice))


def _span(dice: Random) -> timedelta:
    """Seconds to hours, each magnitude as likely."""
    return seconds(round(3 * 3600 ** dice.random()))


def _jump(stage: Stage, fault: Fault, pole: Pole, by: timedelta) -> Steps:
    lasting_s = stage.lasting_s(3, 10)
    fault.what = f"{by.total_seconds():+.0f} s for {lasting_s:.0f} s"
    pole.clock.turn(jump=by)
    yield lasting_s
    pole.clock.turn(jump=NEVER)
    stage.excuse(fault, CLOCK_SETTLES, mute=True, astray=by)
    stage.excuse(fault, CLOCK_SETTLES, deaf=True)
    stage.excuse(fault, FETCH, starved=True)


# The disk of one node.


def disk_full(stage: Stage, fault: Fault, pole: Pole) -> Steps:
    """Nothing on it can grow."""
    yield from _behave(stage, fault, pole, Disk.FULL)


def disk_read_only(stage: Stage, fault: Fault, pole: Pole) -> Steps:
    """Nothing on it can be written."""
    yield from _behave(stage, fault, pole, Disk.READ_ONLY)


def _behave(stage: Stage, fault: Fault, pole: Pole, disk: Disk) -> Steps:
    """What it has sounds; new recordings may have to wait."""
    lasting_s = stage.lasting_s(2, 10)
    fault.what = f"{lasting_s:.0f} s"
    pole.supply.behave(disk)
    yield lasting_s
    pole.supply.behave(Disk.SOUND)
    stage.excuse(fault, DISK_SETTLES, starved=True, unwritten=True)


def spoil_recording(stage: Stage, fault: Fault, pole: Pole) -> Steps:
    """Bits flip in a recording, or its end is lost, while the agent is off."""
    pole.kill()
    path = _coming(stage, pole)
    yield stage.dice.uniform(0.1, 1)
    if path is not None:
        _spoil(stage.dice, path)
        fault.what = path.stem[:8]
    if path is not None:
        when = Stretch(fault.at, stage.parish.now() + _BOOT + FETCH)
        stage.ledger.spans.append(
            Span(pole.name, when, fault.kind, mute=True, recording=RecordingId(path.stem))
        )
    yield from _start(stage, fault, pole, WARM)


def spoil_journal(stage: Stage, fault: Fault, pole: Pole) -> Steps:
    """The journal's file is damaged while the agent is off."""
    pole.kill()
    yield 0.2
    path = next(pole.data.glob("*.db"))
    _checkpoint(path)
    harm = stage.dice.choice(("bits", "page", "short"))
    fault.what = harm
    stage.ledger.excused |= _unheard(stage, pole)
    if harm == "bits":
        damage.flip_bits(path, stage.dice, times=20)
    elif harm == "page":
        damage.spoil_page(path, stage.dice)
    else:
        damage.cut_short(path, stage.dice)
    for step in _start(stage, fault, pole, JOURNAL_SETTLES):
        if step is HEALED:
            stage.ledger.excused |= _over_since(stage, fault, pole)
        yield step


def _checkpoint(path: Path) -> None:
    """Bring what is in the -wal into the file, as it is most of the time."""
    base = sqlite3.connect(path)
    try:
        base.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        base.close()


def _unheard(stage: Stage, pole: Pole) -> set[tuple[OccurrenceId, str]]:
    """What began on a node and has no report in the log yet: if the journal had one, it is gone."""
    lines = stage.bureau.lines()
    told = {line["occurrence"] for line in lines if line["node"] == pole.name and line["outcome"] not in OPEN}
    now = stage.parish.now()
    begun = {due.occurrence for due in stage.ledger.dues if due.planned_at <= now}
    return {(occurrence, pole.name) for occurrence in begun - told}


def _over_since(stage: Stage, fault: Fault, pole: Pole) -> set[tuple[OccurrenceId, str]]:
    """What was due while the node knew nothing."""
    when = Stretch(fault.at, stage.parish.now() + JOURNAL_SETTLES)
    return {(due.occurrence, pole.name) for due in stage.ledger.dues if due.may.meets(when)}


def _spoil(dice: Random, path: Path) -> None:
    if dice.random() < 0.5:
        damage.flip_bits(path, dice, times=20)
    else:
        damage.cut_short(path, dice)


def _coming(stage: Stage, pole: Pole) -> Path | None:
    """The recording that is needed next."""
    now = stage.parish.now()
    coming = sorted(
        (due for due in stage.ledger.dues if due.planned_at > now), key=lambda due: due.planned_at
    )
    paths = (pole.data / "recordings" / f"{due.recording}.ogg" for due in coming)
    return next((path for path in paths if path.exists()), None)


# Messages.


def replay(stage: Stage, fault: Fault, _pole: Pole) -> Steps:
    """Old messages of controller and nodes come again; nothing may follow from that."""
    fault.what = f"{stage.recorder.play_again(stage.dice)} messages"
    yield 0.1


KINDS: dict[str, Inflict] = {
    one.__name__: one
    for one in (
        *(slow, stall, cut, half_open, reset),
        *(kill_agent, power_cut, kill_broker, kill_controller),
        *(clock_forward, clock_back),
        *(disk_full, disk_read_only, spoil_recording, spoil_journal),
        replay,
    )
}
OF_ALL = frozenset({"kill_broker", "kill_controller", "replay"})
"""Kinds that concern everybody; the others one node."""
