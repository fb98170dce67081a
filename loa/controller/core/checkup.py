"""What `loa-controller doctor` makes of the facts: in words of who installs it, each fault with its cure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from loa.controller.core.names import LOCAL, name_fault

SOON = timedelta(days=14)
SOLE_OWNER = 0o077


class Grade(StrEnum):
    """Of one look."""

    WELL = "ok"
    WARNING = "?"
    PROBLEM = "!!"


@dataclass(frozen=True, slots=True)
class Look:
    """One line of the report."""

    grade: Grade
    said: str
    do: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """The certificate that browsers are shown at the public name."""

    names: frozenset[str]
    not_after: datetime
    is_ours: bool
    """By the controller's own authority, which no browser knows by itself."""


def judge_name(url: str) -> Look:
    """Whether passkeys and microphones will work there."""
    fault = name_fault(url)
    if fault is None:
        return Look(Grade.WELL, f"{url} is an address that passkeys and microphones take.")
    return Look(Grade.PROBLEM, f"{url} will not do.", f"LOA_PUBLIC_URL: {fault}")


def judge_place(host: str, addresses: frozenset[str], own: frozenset[str]) -> Look:
    """Whether the name leads here; a proxy or a router in between is no fault."""
    if not addresses:
        return Look(Grade.WARNING, f"The name {host} cannot be looked up from here.", "Enter it in the DNS.")
    if addresses & own or host == LOCAL:
        return Look(Grade.WELL, f"The name {host} leads to this machine.")
    there = ", ".join(sorted(addresses))
    do = "That is right behind a router or a proxy; else mend the DNS."
    return Look(Grade.WARNING, f"The name {host} leads to {there}, which is not this machine.", do)


def judge_certificate(host: str, shown: Shown, now: datetime) -> Look:
    """Whether browsers will take what they are shown."""
    if not _covers(shown.names, host):
        held = ", ".join(sorted(shown.names)) or "no name"
        return Look(Grade.PROBLEM, f"The certificate is for {held}, not for {host}.", "Get one for the name.")
    if shown.not_after <= now:
        return Look(Grade.PROBLEM, f"The certificate was over on {shown.not_after:%Y-%m-%d}.", "Renew it.")
    if shown.is_ours:
        do = "Take one of a public authority, or give browsers what `loa-controller authority` prints."
        return Look(Grade.WARNING, "The certificate is our own; only browsers that are told so take it.", do)
    if shown.not_after <= now + SOON:
        until = f"{shown.not_after:%Y-%m-%d}"
        return Look(Grade.WARNING, f"The certificate is over on {until}.", "See why it is not renewed.")
    return Look(Grade.WELL, f"The certificate is for {host}, until {shown.not_after:%Y-%m-%d}.")


def judge_secret(path: str, mode: int) -> Look:
    """Whether a private key is private."""
    if mode & SOLE_OWNER:
        return Look(Grade.PROBLEM, f"Others on this machine can read {path}.", f"`chmod 600 {path}`")
    return Look(Grade.WELL, f"{path} is for its owner alone.")


def judge_nodes(behind: list[str]) -> Look:
    """Whether nodes know where we are: those that have not taken in their last configuration may not."""
    if not behind:
        return Look(Grade.WELL, "Every node has its last configuration, and so our address.")
    do = "Keep the former name (LOA_FORMER_NAMES) until they have been online."
    return Look(Grade.WARNING, f"{len(behind)} nodes may not know our address yet: {', '.join(behind)}.", do)


def _covers(names: frozenset[str], host: str) -> bool:
    """By the name itself, or by one for all below its domain (RFC 6125, 6.4.3)."""
    _, _, domain = host.partition(".")
    return host in names or (bool(domain) and f"*.{domain}" in names)
