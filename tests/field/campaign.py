"""A campaign: a commune at work, faults on top of it, and a judge at the end."""

import json
import re
import sqlite3
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random
from threading import Event, Thread

from tests.field import fate, kinds, nights
from tests.field.bureau import Bureau
from tests.field.hearing import slices
from tests.field.judge import Findings, Judge, Name
from tests.field.kinds import Stage
from tests.field.ledger import Due, Ledger
from tests.field.nights import Nights
from tests.field.replay import Recorder
from tests.field.scenes import Scenes
from tests.field.studio import Studio
from tests.field.world import Parish, Pole
from tests.flow.office import OPEN, Json
from tests.flow.times import seconds
from tests.waiting import wait_for

ALL_KINDS = (*kinds.KINDS, *nights.KINDS)
_LOOK_S = 0.05
_LONGEST_S = 3600.0
_HELD_AHEAD = seconds(4)
"""So long before its start it is looked at who has its sound."""
_SETTLES, _PAUSE_S = 20, 3.0
"""How often minutes are let pass until the last report is there, and how long it then may take."""
_KEEPALIVE = seconds(65)
"""After two of these a dead connection is noticed; after one, reports that are not confirmed go again."""
_CALM_END = seconds(5)
"""Of scenes after the last fault."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What campaign."""

    faults: int
    seed: int
    kinds: tuple[str, ...] = ALL_KINDS

    def of(self, some: Iterable[str]) -> list[str]:
        """Those of some kinds that are wanted."""
        return [kind for kind in some if kind in self.kinds]

    @property
    def is_long(self) -> bool:
        return self.faults >= 100

    @property
    def pace_s(self) -> float:
        return 4.0 if self.is_long else 1.6

    @property
    def poles(self) -> int:
        return 3 if self.is_long else 2

    @property
    def sounds(self) -> int:
        """Of each length."""
        return 6 if self.is_long else 2


@dataclass(frozen=True, slots=True)
class Result:
    """What was done, and what came of it."""

    ledger: Ledger
    findings: Findings
    nodes: Sequence[str]


class Helper:
    """Something that goes on beside the faults, on a thread of its own; what ends it ends the campaign."""

    def __init__(self, name: str, turn: Callable[[], None]) -> None:
        self._turn = turn
        self._over = Event()
        self._failure: Exception | None = None
        self._thread = Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def check(self) -> None:
        """Raise what ended it."""
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        self._over.set()
        self._thread.join(120)

    def _run(self) -> None:
        try:
            while not self._over.wait(_LOOK_S):
                self._turn()
        except Exception as failure:  # noqa: BLE001 -- the root of a thread; the campaign raises it
            self._failure = failure


class Campaign:
    """One run in a folder, which holds everything afterwards."""

    def __init__(self, wanted: Wanted, folder: Path, say: Callable[[str], None]) -> None:
        self._wanted = wanted
        self._folder = folder
        self._say = say
        self._dice = Random(wanted.seed)
        self._ledger = Ledger()
        self._known = self._told = 0
        self._unseen: list[Due] = []
        self._goes_on = False

    def run(self) -> Result:
        with Parish.built(self._folder, Random(self._dice.random()), poles=self._wanted.poles) as parish:
            studio = Studio(parish.office, self._folder, Random(self._dice.random()))
            studio.stock(self._wanted.sounds)
            with Recorder(parish) as recorder:
                self._live(parish, studio, recorder)
            self._settle(parish)
            lines = Bureau(parish).lines()
            parish.close()
            names = tuple(pole.name for pole in parish.poles)
            return Result(self._ledger, self._judge(parish, lines), names)

    def _live(self, parish: Parish, studio: Studio, recorder: Recorder) -> None:
        dice, wanted = self._dice, self._wanted
        stage = Stage(
            parish, self._ledger, Bureau(parish), recorder, Random(dice.random()), is_long=wanted.is_long
        )
        scenes = Scenes(parish, studio, self._ledger, Random(dice.random()))
        daily = scenes.prepare()
        by_night = nights.spread(wanted.faults, wanted.of(nights.KINDS), alone=not wanted.of(kinds.KINDS))
        count = wanted.faults - len(by_night)
        ahead = fate.Fate(
            stage, fate.draw(Random(dice.random()), count, wanted.of(kinds.KINDS), wanted.pace_s)
        )
        night = Nights(stage, scenes, Random(dice.random()))
        helpers = [
            Helper("office", lambda: scenes.turn(more=self._goes_on)),
            Helper("watch", lambda: self._look(parish)),
        ]
        acts = _Acts(parish, ahead, scenes, helpers)
        for after, kind in by_night:
            self._go_on(acts, until=partial(ahead.has_done, after))
            self._rest(acts, parish)
            night.begin(kind, daily)
            self._say(f"{kind}: over")
        self._go_on(acts, until=lambda: not ahead.left and ahead.is_calm)
        ends_at = parish.now() + _CALM_END
        self._go_on(acts, until=lambda: parish.now() > ends_at)
        self._rest(acts, parish)
        for helper in helpers:
            helper.stop()

    def _go_on(self, acts: "_Acts", *, until: Callable[[], bool]) -> None:
        """Faults and scenes."""
        self._goes_on = True
        acts.turn_until(until, more=True, tell=self._tell)

    def _rest(self, acts: "_Acts", parish: Parish) -> None:
        """Let what was begun come to its end, and begin nothing. Nobody waits for what takes minutes."""
        self._goes_on = False
        acts.turn_until(lambda: acts.ahead.is_healed and acts.scenes.is_idle)
        while not acts.ahead.is_calm:
            parish.let_pass(_KEEPALIVE)
            ends_s = time.monotonic() + _PAUSE_S
            acts.turn_until(lambda: time.monotonic() > ends_s or acts.ahead.is_calm)  # noqa: B023 -- called at once

    def _tell(self) -> None:
        done = len(self._ledger.faults)
        if done >= self._told + 10:
            self._told = done
            self._say(f"{done} faults so far")

    def _look(self, parish: Parish) -> None:
        """Who has the sound of what is about to sound: seen on their disks."""
        self._unseen += self._ledger.dues[self._known :]
        self._known = len(self._ledger.dues)
        for due in [one for one in self._unseen if parish.now() >= one.planned_at - _HELD_AHEAD]:
            due.holders = frozenset(pole.name for pole in parish.poles if _has(pole, due))
            self._unseen.remove(due)

    def _settle(self, parish: Parish) -> None:
        """Wait until the log is complete, but for lines that are found out to be lost."""
        bureau = Bureau(parish)
        for _ in range(_SETTLES):
            try:
                wait_for(
                    lambda: not self._open_lines(parish, bureau),
                    what="reports",
                    within_s=_PAUSE_S,
                    every_s=0.5,
                )
            except AssertionError:
                parish.let_pass(_KEEPALIVE)
            else:
                return
        self._say("not every report came")

    def _open_lines(self, parish: Parish, bureau: Bureau) -> list[Due]:
        lines = {(line["occurrence"], line["node"]): line for line in bureau.lines()}
        names = {(due.occurrence, pole.name): due for due in self._ledger.dues for pole in parish.poles}
        known = {name: lines.get(name) for name in names.keys() - self._ledger.excused}
        return [
            names[name]
            for name, line in known.items()
            if line is None or (line["outcome"] in OPEN and line["delivered_at"])
        ]

    def _judge(self, parish: Parish, lines: Sequence[Json]) -> Findings:
        self._say("judging")
        journals = {pole.name: _journals(pole) for pole in parish.poles}
        judge = Judge(self._ledger, lines, _reports(parish.data / "loa.db"), journals)
        for pole in parish.poles:
            judge.hear(pole.name, slices(pole.ear.wav))
        return judge.compare([pole.name for pole in parish.poles])


@dataclass(frozen=True, slots=True)
class _Acts:
    """What goes on at once."""

    parish: Parish
    ahead: fate.Fate
    scenes: Scenes
    helpers: Sequence[Helper]

    def turn_until(
        self, is_over: Callable[[], bool], *, more: bool = False, tell: Callable[[], None] = lambda: None
    ) -> None:
        """Go on with everything; with `more`, faults are begun, too."""

        def turn() -> bool:
            self.ahead.turn(more=more)
            self.parish.check()
            for helper in self.helpers:
                helper.check()
            tell()
            return is_over()

        wait_for(turn, what="the end of a part of the campaign", within_s=_LONGEST_S, every_s=_LOOK_S)


def _has(pole: Pole, due: Due) -> bool:
    return (pole.data / "recordings" / f"{due.recording}.ogg").exists()


def _reports(base: Path) -> list[Name]:
    """The occurrence and node of every report on a play that the controller ever stored."""
    with closing(sqlite3.connect(f"file:{base}?mode=ro", uri=True)) as opened:
        rows = opened.execute("SELECT body, node_id FROM reports WHERE kind = 'play'").fetchall()
    return [(json.loads(body)["occurrence"], node) for body, node in rows]


def _journals(pole: Pole) -> int:
    """How many it had, by what it says at each start."""
    return len(set(re.findall(r"event=running journal=(\w+)", pole.log.read_text(errors="replace"))))
