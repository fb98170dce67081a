"""The state machine of an update: what is on the updater's disk, and what follows from it and the word given.

The ledger is written before anything is done, and all that is done follows from the ledger and may be done
again: at whatever instant the power fails, the old or the new version runs afterwards, and a trial goes on or
is rolled back.

    IDLE → INSTALLING → READY → SWITCHED → TRIAL → IDLE (kept)
      ↑        ↓          ↓        ↓         ↓
      └────────┴──────────┴──── REVERTING ←──┘
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, assert_never

from pydantic import Field

from loa.protocol.programme import RELEASE_VERSION
from loa.protocol.reasons import UpdateOutcome
from loa.protocol.release import numbers
from loa.protocol.units import Instant
from loa.protocol.wire import Wire

TRIAL_S = 300.0
"""So long a new version has to report."""
MOST_BOOTS = 3
"""A trial that the power cut off begins anew in the next boot, but not for ever."""
MOST_INSTALLS = 3
RESTART_EVERY_S = 30.0
MOST_RESTARTS = 20
_MOST_TRIED, _MOST_OUTCOMES = 32, 16


class Target(Wire):
    """The bundle that a node was told to run."""

    rollout: int
    version: Annotated[str, Field(pattern=RELEASE_VERSION)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Outcome(Wire):
    """What is to be told of an update; numbered without a gap."""

    number: int
    at: Instant
    target: Target
    runs: str
    outcome: UpdateOutcome
    detail: str = ""


class Phase(StrEnum):
    """How far an update is."""

    IDLE = "idle"
    INSTALLING = "installing"
    """The new version is being put beside the one that runs."""
    READY = "ready"
    """It waits for the agent to say that the moment is quiet."""
    SWITCHED = "switched"
    """The next start runs it; the old agent has not left yet."""
    TRIAL = "trial"
    """It was started, and has to report."""
    REVERTING = "reverting"
    """The old version is to run again."""


class Ledger(Wire):
    """All that the updater remembers."""

    phase: Phase = Phase.IDLE
    steady: str
    """The version that has proved itself; the updater runs from it."""
    previous: str | None = None
    """The one before, kept."""
    floor: str
    """Nothing that is not above it is installed."""
    target: Target | None = None
    trial: str | None = None
    """A token that only a version that runs in this trial can know."""
    boot_id: str | None = None
    since_s: float = 0.0
    """When the phase began, on the monotonic clock of that boot."""
    count: int = 0
    """Of installs, boots or restarts in this phase."""
    tried: tuple[Target, ...] = ()
    """What failed, was rolled back or refused is not tried again in that rollout."""
    last_number: int = 0
    outcomes: tuple[Outcome, ...] = ()


class Word(Wire):
    """What the agent says to the updater: who runs, and what it wants."""

    version: str
    pid: int
    boot_id: str
    wants: Target | None = None
    """Its bundle lies beside the word."""
    go_until_s: float | None = None
    """Until then, on the monotonic clock of that boot, nothing sounds or is due."""
    bad: str | None = None
    """Why the agent would not start what was installed."""
    heard: str | None = None
    """The trial in which the controller answered or receipted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the updater sees now."""

    at: datetime
    now_s: float
    boot_id: str
    word: Word | None
    is_alive: bool
    """Whether the process that gave the word still runs."""
    token: str
    """Fresh, for a trial that begins now."""


class Act(StrEnum):
    """What follows."""

    REST = "rest"
    """Nothing, until the agent says something else."""
    WAIT = "wait"
    """Nothing yet; look again soon."""
    INSTALL = "install"
    RESTART = "restart"
    """Have the agent's service started again."""


Step = tuple[Ledger, Act]


def wanted(ledger: Ledger) -> str | None:
    """The version that the next start of the agent is to run; None leaves it as it is."""
    match ledger.phase:
        case Phase.SWITCHED | Phase.TRIAL:
            return ledger.target.version if ledger.target else ledger.steady
        case Phase.REVERTING:
            return ledger.steady
        case Phase.IDLE | Phase.INSTALLING | Phase.READY:
            return None
        case _:
            assert_never(ledger.phase)


def adopt(ledger: Ledger | None, current: str) -> Ledger:
    """Take in what somebody installed by hand: it is what runs, and it was not put on trial."""
    if ledger is None:
        return Ledger(steady=current, floor=current)
    if wanted(ledger) is not None or current == ledger.steady:
        return ledger
    floor = max(ledger.floor, current, key=numbers)
    return _rest(ledger, steady=current, previous=ledger.steady, floor=floor)


def step(ledger: Ledger, facts: Facts) -> Step:
    """What the ledger is to say now, and what is to be done once it says so."""
    match ledger.phase:
        case Phase.IDLE:
            return _idle(ledger, facts)
        case Phase.INSTALLING:
            return _installing(ledger, facts)
        case Phase.READY:
            return _ready(ledger, facts)
        case Phase.SWITCHED:
            return _switched(ledger, facts)
        case Phase.TRIAL:
            return _trial(ledger, facts)
        case Phase.REVERTING:
            return _reverting(ledger, facts)
        case _:
            assert_never(ledger.phase)


def installed(ledger: Ledger) -> Ledger:
    """The new version is whole on the disk."""
    return ledger.model_copy(update={"phase": Phase.READY, "count": 0})


def given_up(ledger: Ledger, at: datetime, outcome: UpdateOutcome, why: str) -> Ledger:
    """It is not to be, in this rollout."""
    told = _told(ledger, at, outcome, ledger.steady, why)
    return _rest(told, tried=_tried(ledger))


def kept_versions(ledger: Ledger) -> frozenset[str]:
    """What may not be deleted."""
    target = ledger.target.version if ledger.target else None
    return frozenset(version for version in (ledger.steady, ledger.previous, target) if version)


def _idle(ledger: Ledger, facts: Facts) -> Step:
    target = facts.word.wants if facts.word else None
    if target is None or target in ledger.tried:
        return ledger, Act.REST
    if numbers(target.version) <= max(numbers(ledger.floor), numbers(ledger.steady)):
        why = f"version {target.version} is not above {ledger.floor}, and versions only go up"
        aimed = ledger.model_copy(update={"target": target})
        return given_up(aimed, facts.at, UpdateOutcome.REFUSED, why), Act.REST
    update = {"phase": Phase.INSTALLING, "target": target, "count": 1}
    return ledger.model_copy(update=update), Act.INSTALL


def _installing(ledger: Ledger, facts: Facts) -> Step:
    """Only after a restart of the updater: what it was doing is done again."""
    if ledger.count >= MOST_INSTALLS:
        why = f"{ledger.count} attempts to install it were cut off"
        return given_up(ledger, facts.at, UpdateOutcome.FAILED, why), Act.REST
    return ledger.model_copy(update={"count": ledger.count + 1}), Act.INSTALL


def _ready(ledger: Ledger, facts: Facts) -> Step:
    word = facts.word
    if word is None or word.wants != ledger.target:
        return _rest(ledger), Act.WAIT
    if word.bad is not None:
        return given_up(ledger, facts.at, UpdateOutcome.FAILED, word.bad), Act.REST
    if not facts.is_alive or word.go_until_s is None or facts.now_s >= word.go_until_s:
        return ledger, Act.REST
    return _begun(ledger, Phase.SWITCHED, facts, trial=facts.token, count=0), Act.WAIT


def _switched(ledger: Ledger, facts: Facts) -> Step:
    if ledger.target is None or facts.word is None:
        return _begun(ledger, Phase.REVERTING, facts, count=0), Act.WAIT
    is_new = facts.word.version == ledger.target.version
    if is_new or not facts.is_alive:
        told = _told(ledger, facts.at, UpdateOutcome.INSTALLED, ledger.target.version, "")
        return _begun(told, Phase.TRIAL, facts, count=1), Act.WAIT
    if facts.word.wants != ledger.target:
        return _begun(ledger, Phase.REVERTING, facts, count=0), Act.WAIT
    return ledger, Act.WAIT


def _trial(ledger: Ledger, facts: Facts) -> Step:
    target, word = ledger.target, facts.word
    if target is None:
        return _begun(ledger, Phase.REVERTING, facts, count=0), Act.WAIT
    if word is not None and word.heard == ledger.trial and word.version == target.version:
        told = _told(ledger, facts.at, UpdateOutcome.KEPT, target.version, "")
        floor = max(ledger.floor, target.version, key=numbers)
        return _rest(told, steady=target.version, previous=ledger.steady, floor=floor), Act.WAIT
    if _runs_steady(ledger, facts):
        return _held(ledger, facts), Act.WAIT
    return _go_on_trying(ledger, facts)


def _go_on_trying(ledger: Ledger, facts: Facts) -> Step:
    if facts.boot_id != ledger.boot_id and ledger.count < MOST_BOOTS:
        return _begun(ledger, Phase.TRIAL, facts, count=ledger.count + 1), Act.WAIT
    if facts.boot_id != ledger.boot_id:
        return _rolled_back(ledger, facts, f"the machine went off {ledger.count} times while it ran")
    if facts.now_s - ledger.since_s >= TRIAL_S:
        return _rolled_back(ledger, facts, f"it did not report within {TRIAL_S / 60:.0f} minutes")
    return ledger, Act.WAIT


def _held(ledger: Ledger, facts: Facts) -> Ledger:
    """The old agent came up once more before the switch was on the disk: the trial begins when it leaves."""
    is_fresh = facts.boot_id == ledger.boot_id and facts.now_s - ledger.since_s < RESTART_EVERY_S
    return ledger if is_fresh else _begun(ledger, Phase.TRIAL, facts)


def _rolled_back(ledger: Ledger, facts: Facts, why: str) -> Step:
    told = _told(ledger, facts.at, UpdateOutcome.ROLLED_BACK, ledger.steady, why)
    marked = told.model_copy(update={"tried": _tried(ledger)})
    return _begun(marked, Phase.REVERTING, facts, count=0, since_s=facts.now_s - RESTART_EVERY_S), Act.WAIT


def _reverting(ledger: Ledger, facts: Facts) -> Step:
    """Until the old version says that it runs, or has had its chances."""
    if _runs_steady(ledger, facts) or ledger.count >= MOST_RESTARTS:
        return _rest(ledger), Act.WAIT
    if facts.boot_id == ledger.boot_id and facts.now_s - ledger.since_s < RESTART_EVERY_S:
        return ledger, Act.WAIT
    return _begun(ledger, Phase.REVERTING, facts, count=ledger.count + 1), Act.RESTART


def _runs_steady(ledger: Ledger, facts: Facts) -> bool:
    return facts.word is not None and facts.word.version == ledger.steady and facts.is_alive


def _begun(ledger: Ledger, phase: Phase, facts: Facts, **more: object) -> Ledger:
    since = {"boot_id": facts.boot_id, "since_s": facts.now_s}
    return ledger.model_copy(update={"phase": phase, **since, **more})


def _rest(ledger: Ledger, **more: object) -> Ledger:
    nothing = {"phase": Phase.IDLE, "target": None, "trial": None, "boot_id": None, "count": 0}
    return ledger.model_copy(update={**nothing, **more})


def _tried(ledger: Ledger) -> tuple[Target, ...]:
    return (*ledger.tried, *([ledger.target] if ledger.target else []))[-_MOST_TRIED:]


def _told(ledger: Ledger, at: datetime, outcome: UpdateOutcome, runs: str, detail: str) -> Ledger:
    if ledger.target is None:
        return ledger
    number = ledger.last_number + 1
    told = Outcome(
        number=number, at=at, target=ledger.target, runs=runs, outcome=outcome, detail=detail[:500]
    )
    outcomes = (*ledger.outcomes, told)[-_MOST_OUTCOMES:]
    return ledger.model_copy(update={"last_number": number, "outcomes": outcomes})
