"""What the doctor makes of the facts: in words of a technician, each fault with what to do about it."""

from dataclasses import dataclass
from enum import StrEnum

_MB = 1_000_000
SHORT_BYTES = 200 * _MB
SLOW_MS = 2_000
WORN_PCT = 90
OFF_S = 5.0
"""What a Date header in whole seconds and a slow network blur is less."""


class Verdict(StrEnum):
    """Of one check."""

    WELL = "well"
    PROBLEM = "problem"
    SKIPPED = "skipped"
    """It could not be looked at, or there is nothing to look at."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor's report."""

    check: str
    verdict: Verdict
    said: str
    do: str = ""
    """What to do about a problem."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskFacts:
    """Of the disk with the data directory."""

    free_bytes: int | None = None
    write_error: str | None = None
    is_read_only: bool = False
    sync_ms: int = 0
    """That a small file took to be safe on the disk."""
    wear_pct: int | None = None
    errors: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockFacts:
    """Of the system's clock."""

    is_kept: bool
    """By NTP, as the kernel knows it."""
    has_battery: bool
    ahead_s: float | None
    """Of the controller's; None if that could not be asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundFacts:
    """Of the output."""

    device: str = ""
    error: str | None = None
    is_agent_running: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PinFacts:
    """Of one GPIO pin that the settings name."""

    name: str
    number: int
    error: str | None = None
    used_by: str | None = None
    is_agent_running: bool = False


def well(check: str, said: str) -> Finding:
    """All is well."""
    return Finding(check, Verdict.WELL, said)


def problem(check: str, said: str, do: str) -> Finding:
    """Somebody has to do something."""
    return Finding(check, Verdict.PROBLEM, said, do)


def skipped(check: str, said: str) -> Finding:
    """Nothing can be said."""
    return Finding(check, Verdict.SKIPPED, said)


def judge_disk(facts: DiskFacts) -> list[Finding]:
    """Writing first: a disk that cannot be written needs no other advice."""
    if facts.is_read_only:
        again = "Start the machine again; if it comes back read-only, the card is dying: replace it."
        return [problem("Disk", "The disk is read-only: reports cannot be kept.", again)]
    if facts.write_error is not None:
        owner = (
            "The directory must belong to the user of the service (`loa`), and the disk have space: `df -h`."
        )
        return [problem("Disk", f"The data directory cannot be written: {facts.write_error}.", owner)]
    return [_judge_space(facts), _judge_speed(facts), *_judge_wear(facts)]


def judge_clock(facts: ClockFacts) -> list[Finding]:
    """What it shows, and who keeps it."""
    findings = [_judge_keeping(facts)]
    if facts.ahead_s is None:
        findings.append(skipped("Clock", "The controller could not be asked for its time."))
    elif abs(facts.ahead_s) > OFF_S:
        way = "ahead of" if facts.ahead_s > 0 else "behind"
        said = f"The clock is {spell(abs(facts.ahead_s))} {way} the controller's."
        do = "`timedatectl set-ntp true`, and let UDP port 123 out; then see `timedatectl timesync-status`."
        findings.append(problem("Clock", said, do))
    else:
        findings.append(well("Clock", "It shows the controller's time."))
    return findings


def judge_sound(facts: SoundFacts) -> Finding:
    """Whether a silent stream came through."""
    if facts.error is None:
        return well("Sound", f"Silence was played through {facts.device} without a fault.")
    if facts.is_agent_running:
        said = f"The running agent holds the output ({facts.error})."
        return skipped("Sound", said + " To have it tested: `systemctl stop loa-node`.")
    do = "Plug the sound card in, see `aplay -l`; the user `loa` must be in the group `audio`."
    return problem("Sound", f"No sound comes out: {facts.error}.", do)


def judge_pin(facts: PinFacts) -> Finding:
    """Whether it can be had."""
    name = f"Pin {facts.number} ({facts.name.removesuffix('_pin')})"
    if facts.error is not None:
        do = "`loa` must be in the group `gpio`; see `ls -l /dev/gpiochip*`, and the number in node.env."
        return problem("GPIO", f"{name} cannot be opened: {facts.error}.", do)
    if facts.used_by is None:
        return well("GPIO", f"{name} is free.")
    if facts.is_agent_running:
        return well("GPIO", f"{name} is in use, by the running agent as it should be ({facts.used_by}).")
    do = "Take that program or overlay off the pin, or name another pin in node.env."
    return problem("GPIO", f"{name} is taken by {facts.used_by}.", do)


def spell(seconds: float) -> str:
    """A length of time as people say it."""
    for unit_s, unit in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if seconds >= 2 * unit_s:
            return f"{seconds / unit_s:.0f} {unit}"
    return f"{seconds:.0f} seconds"


def _judge_space(facts: DiskFacts) -> Finding:
    if facts.free_bytes is None:
        return skipped("Disk", "Nobody knows how much is free.")
    free_mb = facts.free_bytes / _MB
    if facts.free_bytes < SHORT_BYTES:
        do = "See `du -xh / | sort -h | tail`; old logs go first: `journalctl --vacuum-size=50M`."
        return problem("Disk", f"Only {free_mb:.0f} MB are free.", do)
    return well("Disk", f"{free_mb / 1000:.1f} GB are free.")


def _judge_speed(facts: DiskFacts) -> Finding:
    if facts.sync_ms > SLOW_MS:
        said = f"A small file took {facts.sync_ms / 1000:.1f} s to be safe on the disk."
        return problem("Disk", said, "The card is worn out or a bad one: replace it soon.")
    return well("Disk", f"A small file is safe on it after {facts.sync_ms} ms.")


def _judge_wear(facts: DiskFacts) -> list[Finding]:
    findings = []
    if facts.wear_pct is not None:
        used = f"{facts.wear_pct} % of the writes that its maker promises are used up."
        do = "Have a new one ready, and enrol it with a new code from the controller."
        is_worn = facts.wear_pct >= WORN_PCT
        findings.append(problem("Disk", used, do) if is_worn else well("Disk", used))
    if facts.errors:
        do = "Have it checked at the next start (`fsck.mode=force` as boot option), and a new card ready."
        findings.append(problem("Disk", f"The file system found {facts.errors} errors.", do))
    return findings


def _judge_keeping(facts: ClockFacts) -> Finding:
    if facts.is_kept:
        return well("Clock", "NTP keeps it.")
    if facts.has_battery:
        return well("Clock", "No NTP keeps it now, but it has a battery.")
    said = "Neither NTP nor a battery keeps it: after a loss of power no schedule would sound."
    return problem("Clock", said, "`timedatectl set-ntp true`, let UDP port 123 out; or fit a battery clock.")
