"""What a campaign prints: what was injected, what became of it, and the verdict."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import timedelta

from tests.field.campaign import Result
from tests.field.judge import Name
from tests.field.ledger import NEVER, Due, Fault

_HEAD = ("fault", "done", "healed", "agents died", "kept from sounding", "heard anyway")
_SCENES = ("scene", "occurrences", "on nodes", "held to it", "heard", "cut short or silent, excused")
_SHORT = timedelta(seconds=0.7)


def page(result: Result) -> str:
    """Everything but the verdict."""
    parts = [_faults(result), _sounds(result)]
    parts += [_findings(name, found) for name, found in _named(result)]
    if result.ledger.skipped:
        parts.append(f"{len(result.ledger.skipped)} scenes could not be set up")
    return "\n\n".join(part for part in parts if part)


def verdict(result: Result) -> str:
    """The last line."""
    found = result.findings
    counts = f"{len(found.lost)} lost, {len(found.doubled)} doubled, {len(found.stray)} stray"
    return f"{len(result.ledger.faults)} faults: {counts}"


def _named(result: Result) -> Iterator[tuple[str, Sequence[str]]]:
    found = result.findings
    yield from (("lost", found.lost), ("doubled", found.doubled), ("stray", found.stray))


def _faults(result: Result) -> str:
    rows = [_HEAD, *(_row(result, kind) for kind in sorted({one.kind for one in result.ledger.faults}))]
    return _aligned(rows)


def _row(result: Result, kind: str) -> tuple[str, ...]:
    faults = [fault for fault in result.ledger.faults if fault.kind == kind]
    excused = {name for name, due, node in _names(result) if _is_met(result, kind, due, node)}
    silent = {name for name in excused if name not in result.findings.heard}
    healed = sum(fault.healed_at is not None for fault in faults)
    deaths = sum(fault.deaths for fault in faults)
    return kind, str(len(faults)), str(healed), str(deaths), str(len(silent)), str(len(excused - silent))


def _is_met(result: Result, kind: str, due: Due, node: str) -> bool:
    spans = result.ledger.met(node, due.may, due.recording)
    return any(span.kind == kind for span in spans) and bool(due.pieces)


def _names(result: Result) -> Iterator[tuple[Name, Due, str]]:
    for due in result.ledger.dues:
        for node in result.nodes:
            yield (due.occurrence, node), due, node


def _sounds(result: Result) -> str:
    """By scene: how many occurrences on how many nodes, how many had to sound, how many did not wholly."""
    scenes = Counter(due.scene for due in result.ledger.dues)
    rows: list[tuple[str, ...]] = [_SCENES]
    for scene in sorted(scenes):
        names = [(name, due) for name, due, _ in _names(result) if due.scene == scene]
        held = [name for name, _ in names if name in result.findings.strict]
        heard = [name for name, _ in names if name in result.findings.heard]
        less = [name for name, due in names if name not in held and _lacks(result, name, due)]
        rows.append((scene, *(str(n) for n in (scenes[scene], len(names), len(held), len(heard), len(less)))))
    return _aligned(rows)


def _lacks(result: Result, name: Name, due: Due) -> bool:
    wanted = sum((piece.length for piece in due.pieces), start=NEVER)
    heard = sum((match.length for match in result.findings.heard.get(name, [])), start=NEVER)
    return wanted - heard > _SHORT


def _findings(name: str, found: Sequence[str]) -> str:
    return "\n".join([f"{name}:", *(f"  {one}" for one in found)]) if found else ""


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    )


def listed(faults: Sequence[Fault]) -> str:
    """Each fault by itself."""
    return "\n".join(
        f"{fault.number:4} {fault.at:%d %H:%M:%S.%f} {fault.node or 'all':6} {fault.kind} {fault.what}"
        + (f" (agent died {fault.deaths} times)" if fault.deaths else "")
        for fault in faults
    )


def planned(dues: Sequence[Due]) -> str:
    """Each occurrence by itself, with what had to be heard of it."""
    return "\n".join(
        f"{due.scene:10} {due.occurrence[:8]} {due.planned_at:%d %H:%M:%S} said {due.said_at:%H:%M:%S}"
        f" pieces {[f'{one.when.from_at:%H:%M:%S.%f}-{one.when.to_at:%H:%M:%S.%f}' for one in due.pieces]}"
        f" may {due.may.from_at:%H:%M:%S.%f}-{due.may.to_at:%H:%M:%S.%f}"
        for due in dues
    )
