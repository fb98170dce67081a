"""Whether a release that the controller points to is for this node, and whether the moment is quiet."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import Field

from loa.node_agent.core.ledger import Ledger, Target
from loa.node_agent.core.plan import Plan
from loa.protocol.programme import ReleasePointer
from loa.protocol.reasons import RefusalReason
from loa.protocol.release import BUNDLE_LIMIT_BYTES, Manifest, numbers, unsuited
from loa.protocol.wire import Wire

MARGIN = timedelta(minutes=10)
"""Nothing may be due for so long: a trial with its end takes six minutes."""
OVERDUE_MARGIN = timedelta(seconds=30)
"""What an urgent release leaves before the next sound."""
LONGEST_GO = timedelta(seconds=60)
MOST_REMEMBERED = 32


class UpdateMemory(Wire):
    """What the agent remembers of updates; kept with its journal, so that nothing is told twice."""

    told: int = 0
    """The last outcome of the updater's that was reported."""
    refused: tuple[Target, ...] = Field(default=())


@dataclass(frozen=True, slots=True)
class Machine:
    """What a release has to fit."""

    python: str
    """As `3.11`."""
    machine: str
    """As `aarch64`."""


@dataclass(frozen=True, slots=True)
class Unwanted:
    """There is nothing to do about it."""


@dataclass(frozen=True, slots=True)
class Unfit:
    """It is refused, and reported so."""

    reason: RefusalReason
    detail: str


@dataclass(frozen=True, slots=True)
class Welcome:
    """It is to be fetched and asked for."""


Verdict = Unwanted | Unfit | Welcome


def target_of(pointer: ReleasePointer) -> Target:
    """What the pointer aims at."""
    return Target(rollout=pointer.rollout, version=pointer.version, sha256=pointer.sha256)


def judge_pointer(pointer: ReleasePointer, *, runs: str, ledger: Ledger, memory: UpdateMemory) -> Verdict:
    """By what is known without the bundle."""
    target = target_of(pointer)
    if pointer.version == runs or target in memory.refused or target in ledger.tried:
        return Unwanted()
    if pointer.size_bytes > BUNDLE_LIMIT_BYTES:
        return Unfit(
            RefusalReason.TOO_LARGE, f"{pointer.size_bytes} bytes exceed the limit of {BUNDLE_LIMIT_BYTES}"
        )
    floor = max(ledger.floor, runs, key=numbers)
    if numbers(pointer.version) <= numbers(floor):
        return Unfit(RefusalReason.STALE, f"version {pointer.version} is not above {floor}")
    return Welcome()


def judge_manifest(
    manifest: Manifest, pointer: ReleasePointer, *, runs: str, machine: Machine
) -> Unfit | Welcome:
    """By what the signed manifest says."""
    if manifest.version != pointer.version:
        detail = f"the pointer says version {pointer.version}, the bundle {manifest.version}"
        return Unfit(RefusalReason.MISADDRESSED, detail)
    why = unsuited(manifest, python=machine.python, machine=machine.machine, runs=runs)
    return Unfit(RefusalReason.UNSUITABLE, why) if why else Welcome()


def quiet_for(plan: Plan | None, now: datetime) -> timedelta:
    """How long nothing is to sound from now on; zero if something ought to sound."""
    if plan is None:
        return timedelta.max
    coming = next((one for one in plan.segments if one.to_at > now), None)
    if coming is None:
        return timedelta.max
    return max(coming.from_at - now, timedelta(0))


def go_for(quiet: timedelta, *, is_overdue: bool) -> timedelta | None:
    """How long the updater may take to switch, None if the moment is not quiet enough."""
    spare = quiet - (OVERDUE_MARGIN if is_overdue else MARGIN)
    return min(spare, LONGEST_GO) if spare > timedelta(0) else None
