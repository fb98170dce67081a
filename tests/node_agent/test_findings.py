import pytest

from loa.node_agent.core.findings import (
    ClockFacts,
    DiskFacts,
    Finding,
    PinFacts,
    SoundFacts,
    Verdict,
    judge_clock,
    judge_disk,
    judge_pin,
    judge_sound,
    spell,
)

WELL, PROBLEM, SKIPPED = Verdict.WELL, Verdict.PROBLEM, Verdict.SKIPPED
GOOD_DISK = {"free_bytes": 12_300_000_000, "sync_ms": 8, "wear_pct": 20, "errors": 0}


def told(findings: list[Finding]) -> list[tuple[Verdict, str]]:
    """What was said; what is a problem comes with what to do, and nothing else does."""
    assert all(bool(one.do) == (one.verdict is PROBLEM) for one in findings)
    return [(one.verdict, one.said) for one in findings]


@pytest.mark.parametrize(
    ("facts", "verdicts", "word"),
    [
        ({}, [WELL, WELL, WELL], "12.3 GB"),
        ({"wear_pct": None, "errors": None}, [WELL, WELL], "8 ms"),
        ({"free_bytes": 199_999_999}, [PROBLEM, WELL, WELL], "Only 200 MB"),
        ({"free_bytes": 200_000_000}, [WELL, WELL, WELL], "0.2 GB"),
        ({"free_bytes": None}, [SKIPPED, WELL, WELL], "Nobody knows"),
        ({"sync_ms": 2_500}, [WELL, PROBLEM, WELL], "2.5 s"),
        ({"wear_pct": 90}, [WELL, WELL, PROBLEM], "90 %"),
        ({"errors": 2}, [WELL, WELL, WELL, PROBLEM], "2 errors"),
        ({"is_read_only": True, "write_error": "Read-only file system"}, [PROBLEM], "read-only"),
        ({"write_error": "Permission denied"}, [PROBLEM], "Permission denied"),
    ],
)
def test_a_disk_is_judged(facts: dict[str, object], verdicts: list[Verdict], word: str) -> None:
    found = told(judge_disk(DiskFacts(**{**GOOD_DISK, **facts})))  # type: ignore[arg-type]  # facts of each type
    assert [verdict for verdict, _ in found] == verdicts
    assert any(word in said for _, said in found)


@pytest.mark.parametrize(
    ("is_kept", "has_battery", "ahead_s", "verdicts", "word"),
    [
        (True, False, 0.4, [WELL, WELL], "NTP keeps it."),
        (False, True, -4.9, [WELL, WELL], "battery"),
        (False, False, 0.0, [PROBLEM, WELL], "Neither"),
        (True, True, None, [WELL, SKIPPED], "could not be asked"),
        (True, False, 185.0, [WELL, PROBLEM], "3 minutes ahead of"),
        (True, False, -7_300.0, [WELL, PROBLEM], "2 hours behind"),
    ],
)
def test_a_clock_is_judged(
    *, is_kept: bool, has_battery: bool, ahead_s: float | None, verdicts: list[Verdict], word: str
) -> None:
    facts = ClockFacts(is_kept=is_kept, has_battery=has_battery, ahead_s=ahead_s)
    found = told(judge_clock(facts))
    assert [verdict for verdict, _ in found] == verdicts
    assert any(word in said for _, said in found)


@pytest.mark.parametrize(
    ("facts", "verdict"),
    [
        (SoundFacts(device="card"), WELL),
        (SoundFacts(device="card", error="no such device"), PROBLEM),
        (SoundFacts(device="card", error="busy", is_agent_running=True), SKIPPED),
    ],
)
def test_sound_is_judged(facts: SoundFacts, verdict: Verdict) -> None:
    assert told([judge_sound(facts)])[0][0] is verdict


@pytest.mark.parametrize(
    ("facts", "verdict", "word"),
    [
        (PinFacts(name="stop_pin", number=17), WELL, "Pin 17 (stop) is free"),
        (PinFacts(name="stop_pin", number=17, used_by="lg", is_agent_running=True), WELL, "running agent"),
        (PinFacts(name="stop_pin", number=17, used_by="w1"), PROBLEM, "taken by w1"),
        (PinFacts(name="amplifier_pin", number=4, error="Permission denied"), PROBLEM, "Permission denied"),
    ],
)
def test_a_pin_is_judged(facts: PinFacts, verdict: Verdict, word: str) -> None:
    [(found, said)] = told([judge_pin(facts)])
    assert found is verdict
    assert word in said


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(6, "6 seconds"), (119, "119 seconds"), (120, "2 minutes"), (7_200, "2 hours"), (1.8e9, "20833 days")],
)
def test_lengths_of_time_are_said_as_people_do(seconds: float, words: str) -> None:
    assert spell(seconds) == words
