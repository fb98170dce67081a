"""All attacks on one town: made, listened for, looked up, and answered by a genuine broadcast."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx

from loa.audio.player import RATE_HZ
from tests.attacks.broken import without
from tests.attacks.case import SOUNDS_WITHIN, Case, Shown, Stage
from tests.attacks.forge import URGENT, Forger
from tests.attacks.hands import Broker
from tests.attacks.judge import UNKNOWN, what_sounded
from tests.attacks.sounds import make_samples
from tests.attacks.town import AWAKE, STOLEN, VICTIM, Town
from tests.flow.ears import make_sound
from tests.flow.office import Announced, Refused
from tests.flow.times import now, seconds
from tests.waiting import wait_for

GENUINE_S = 1.0
SETTLES = seconds(1.5)
"""After a genuine broadcast should have ended it is looked for."""
BROKEN_SOUNDS_WITHIN = seconds(5)
"""Of a loudspeaker that has just been switched on."""

Group = Sequence[Case]


@dataclass(frozen=True, slots=True)
class Row:
    """What came of one case."""

    case: Case
    sounded: str
    """On which loudspeakers it was heard; nothing, if all is well."""
    shown: str
    fault: str
    """What ought to have been shown, or the genuine broadcast that was not heard."""

    @property
    def is_broken(self) -> bool:
        """Whether the attack succeeded where its checks were out, and at no loudspeaker that had them."""
        if self.case.is_mute:
            return bool(self.fault)
        return self.sounded == VICTIM or (self.case.is_controllers and self.sounded != "")


@dataclass(frozen=True, slots=True)
class Result:
    """Of all cases, in their order; `unknown` is what sounded and is nobody's."""

    rows: Sequence[Row]
    unknown: Sequence[str]

    @property
    def sounded(self) -> int:
        return sum(bool(row.sounded) for row in self.rows)

    @property
    def is_clean(self) -> bool:
        return not self.sounded and not self.unknown and not any(row.fault for row in self.rows)

    @property
    def is_all_broken(self) -> bool:
        """Whether each attack succeeded where the checks were out, and nowhere else."""
        return all(row.is_broken for row in self.rows)


Told = dict[str, tuple[str, str]]
"""By case what was shown, or else what was not."""
Attack = Callable[[Stage, Group], Told]


class Suite:
    """One run in a folder, which holds everything afterwards."""

    def __init__(self, folder: Path, say: Callable[[str], None]) -> None:
        self._folder = folder
        self._say = say

    def run(self, groups: Sequence[Group]) -> Result:
        """One genuine broadcast closes a group of cases."""
        return self._run(groups, self._closed)

    def run_broken(self, cases: Sequence[Case]) -> Result:
        """Each case with what stops it taken out, and no genuine broadcasts."""
        return self._run([[case] for case in cases if case.broken], self._broken)

    def _run(self, groups: Sequence[Group], attack: Attack) -> Result:
        cases = [case for group in groups for case in group]
        with self._stage(cases) as stage:
            told: Told = {}
            for group in groups:
                self._say(", ".join(case.name for case in group))
                told |= attack(stage, group)
            stage.town.close()
            heard = what_sounded(stage.town.nodes, stage.town.genuine, stage.samples)
        rows = [Row(case, _where(heard, case.name), *told[case.name]) for case in cases]
        unknown = [f"{node}: {count}" for (name, node), count in heard.items() if name == UNKNOWN]
        return Result(rows, unknown)

    @contextmanager
    def _stage(self, cases: Sequence[Case]) -> Iterator[Stage]:
        genuine = make_sound(self._folder / "genuine.wav", GENUINE_S, seed=7)
        samples = make_samples(self._folder / "sounds", [case.name for case in cases])
        with Town.built(self._folder, genuine, list(samples.values())) as town:
            broker, master = Broker("localhost", town.ports[1]), town.controller_card("intruder")
            town.genuinely()
            recorded = broker.retained(town.card(STOLEN), str(URGENT))
            self._say("the town is up")
            yield Stage(
                town=town,
                samples=samples,
                broker=broker,
                master=master,
                forger=Forger(town),
                recorded=recorded,
            )

    def _closed(self, stage: Stage, group: Group) -> Told:
        told = self._attacked(stage, group)
        fault = self._unheard(stage)
        return {name: (said, missing or fault) for name, (said, missing) in told.items()}

    def _broken(self, stage: Stage, group: Group) -> Told:
        [case] = group
        with without(stage, case, self._folder):
            return self._closed(stage, group) if case.is_mute else self._listened(stage, case)

    def _listened(self, stage: Stage, case: Case) -> Told:
        _acted(stage, case)
        _listen(stage.town, BROKEN_SOUNDS_WITHIN)
        return {case.name: ("", "")}

    def _attacked(self, stage: Stage, group: Group) -> Told:
        stage.since = now()
        stage.enter()
        shown = {case.name: _acted(stage, case) for case in group}
        _listen(stage.town, SOUNDS_WITHIN)
        return {name: _told(find) for name, find in shown.items()}

    def _unheard(self, stage: Stage) -> str:
        """On which loudspeakers a genuine broadcast is not heard."""
        try:
            announced = stage.town.genuinely()
        except (Refused, httpx.TransportError) as error:
            return f"no genuine broadcast: {error}"
        silent = [name for name in AWAKE if not _hears(stage.town, name, announced)]
        return f"no genuine broadcast at {', '.join(silent)}" if silent else ""


def _hears(town: Town, name: str, announced: Announced) -> bool:
    ear, until = town.node(name).ear, announced.first_at + town.genuine.length + SETTLES
    ear.waits_until(until)
    return len(ear.starts(town.genuine, announced.first_at - seconds(1), until)) == 1


def _listen(town: Town, span: timedelta) -> None:
    """Until the loudspeakers that run all the time have gone on for so long."""
    ears = [town.node(name).ear for name in AWAKE]
    enough = [(ear, ear.frames + round(span.total_seconds() * RATE_HZ)) for ear in ears]
    wait_for(
        lambda: all(ear.frames >= frames for ear, frames in enough),
        what=f"{span} more of all loudspeakers",
        within_s=60,
    )


def _acted(stage: Stage, case: Case) -> Shown:
    try:
        return case.act(stage, stage.samples[case.name])
    except AssertionError as error:
        fault = str(error)

    def failed() -> str:
        raise AssertionError(fault)

    return failed


def _told(find: Shown) -> tuple[str, str]:
    """What was shown, or what was not."""
    try:
        return find(), ""
    except AssertionError as error:
        return "", str(error)


def _where(heard: Counter[tuple[str, str]], name: str) -> str:
    return ", ".join(sorted(node for sound, node in heard if sound == name))
