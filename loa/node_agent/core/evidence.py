"""From what ears found to the evidence of a report."""

from collections.abc import Mapping
from datetime import datetime

from loa.audio.evidence import Finding
from loa.node_agent.core.plays import Play
from loa.protocol.reasons import Reason
from loa.protocol.reports import Evidence, Levels, Sensed

RENDERED, HEARD = "rendered", "heard"
"""The names of what an ear can tell."""


def evidence_on(
    play: Play | None,
    *,
    came: tuple[datetime | None, datetime | None],
    is_whole: bool,
    findings: Mapping[str, Finding],
) -> Evidence:
    """How far an occurrence came.

    `came`: when the broadcast and when its recording was here; a broadcast is kept only once its signature
    was verified, and `is_whole` says that the recording's digest was.
    """
    broadcast_at, recording_at = came
    both = broadcast_at is not None and recording_at is not None
    return Evidence(
        delivered_at=max(broadcast_at, recording_at) if broadcast_at and recording_at else None,
        verified=both and is_whole,
        decoded=_is_decoded(play),
        **sensed(findings),
    )


def sensed(findings: Mapping[str, Finding]) -> dict[str, bool | Sensed | Levels | None]:
    """What each ear found, as the fields of an `Evidence`."""
    fields: dict[str, bool | Sensed | Levels | None] = {"levels": _levels(findings)}
    for name in (RENDERED, HEARD):
        if (finding := findings.get(name)) is not None:
            fields[name], fields[f"{name}_by"] = finding.is_there, _figures(finding)
    return fields


def in_words(evidence: Evidence) -> str:
    """What the ears found, for a technician."""
    told = [
        f"{name}: {by.passed} of {by.judged} windows, {by.level_db:g} dB, correlation {by.correlation:g}"
        for name, by in ((RENDERED, evidence.rendered_by), (HEARD, evidence.heard_by))
        if by is not None
    ]
    return "; ".join(told) or "no ear captured it"


def _is_decoded(play: Play | None) -> bool | None:
    if play is None:
        return None
    if play.played_ms or play.done:
        return True
    return False if play.trouble is Reason.SOUND_MISSING else None


def _figures(finding: Finding) -> Sensed:
    return Sensed(
        judged=finding.judged,
        passed=finding.passed,
        correlation=finding.correlation,
        level_db=finding.level_db,
        delay_ms=finding.delay_ms,
    )


def _levels(findings: Mapping[str, Finding]) -> Levels | None:
    """Every ear was told of the same windows, so that one row of the recording stands for all of them."""
    if not findings:
        return None
    found = {name: finding.levels for name, finding in findings.items()}
    captured = {name: levels.captured for name, levels in found.items()}
    one = next(iter(found.values()))
    return Levels(every_s=one.every_s, recorded=one.recorded, **captured)
