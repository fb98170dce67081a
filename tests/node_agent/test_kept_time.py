"""The clock on its machine: what it reads, what it keeps on disk, and what it believes after a restart."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from loa.node_agent.adapters.kept_time import EARLIEST, KeptTime
from loa.node_agent.adapters.time_sources import LinuxTimeSources
from loa.protocol.ids import BootId
from loa.protocol.reasons import ClockSource, ClockState
from tests.fakes.time_sources import FakeTimeSources, shows_1970

TRUE = datetime(2026, 6, 11, 5, 0, tzinfo=UTC)
BOOT, NEXT_BOOT = BootId("1" * 32), BootId("2" * 32)
NEAR = timedelta(seconds=1)


@pytest.fixture
def machine() -> FakeTimeSources:
    """One whose clock nobody keeps."""
    machine = FakeTimeSources(TRUE)
    shows_1970(machine)
    return machine


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "clock.json"


def started(machine: FakeTimeSources, path: Path, boot_id: BootId = BOOT) -> KeptTime:
    clock = KeptTime(machine, path=path, boot_id=boot_id)
    clock.look()
    return clock


def test_it_never_shows_a_time_before_the_agent_was_written(machine: FakeTimeSources, path: Path) -> None:
    clock = started(machine, path)
    assert clock.now() >= EARLIEST
    assert (clock.state(), clock.is_set, clock.wants_answer) == (ClockState.UNTRUSTED, False, True)


def test_an_answer_is_kept_in_the_same_boot_and_only_bounds_the_time_in_the_next(
    machine: FakeTimeSources, path: Path
) -> None:
    clock = started(machine, path)
    step = clock.take_answer(TRUE, 0.2, machine.boot_s())
    assert step is not None
    assert step.by > timedelta(days=100)
    clock.look()
    machine.true += timedelta(hours=3)
    again = started(machine, path)
    assert again.state() is ClockState.HOLDING
    assert abs(again.now() - machine.true) < NEAR
    machine.true += timedelta(hours=20)
    shows_1970(machine)
    later = started(machine, path, NEXT_BOOT)
    assert (later.state(), later.is_set) == (ClockState.UNTRUSTED, False)
    assert TRUE <= later.now() < machine.true


def test_the_newest_time_known_is_kept_now_and_then(machine: FakeTimeSources, path: Path) -> None:
    clock = started(machine, path)
    clock.take_answer(TRUE, 0.2, machine.boot_s())
    for _ in range(60):
        machine.true += timedelta(minutes=1)
        clock.look()
    known_s = json.loads(path.read_text())["known_s"]
    assert machine.true - datetime.fromtimestamp(known_s, UTC) < timedelta(minutes=11)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"known_s": "soon"}'])
def test_a_damaged_file_is_no_reason_to_stop(machine: FakeTimeSources, path: Path, content: str) -> None:
    path.write_text(content)
    assert started(machine, path).state() is ClockState.UNTRUSTED


def test_a_disk_that_does_not_take_it_is_no_reason_to_stop(machine: FakeTimeSources, tmp_path: Path) -> None:
    clock = started(machine, tmp_path / "missing" / "clock.json")
    clock.take_answer(TRUE, 0.2, machine.boot_s())
    clock.look()
    assert abs(clock.now() - machine.true) < NEAR


def test_ntp_goes_before_a_battery_and_a_battery_before_an_answer(
    machine: FakeTimeSources, path: Path
) -> None:
    clock = started(machine, path)
    sources = []
    clock.take_answer(TRUE, 0.2, machine.boot_s())
    machine.battery_ahead = timedelta(seconds=10)
    for _ in range(2):
        machine.true += timedelta(minutes=2)
        clock.look()
        sources.append(clock.reading().source)
        machine.system_ahead, machine.ntp = timedelta(seconds=-7), 0.02
    assert sources == [ClockSource.BATTERY, ClockSource.NTP]
    assert abs(clock.now() - machine.true + timedelta(seconds=7)) < timedelta(milliseconds=1)


def test_a_step_of_the_system_clock_shows_when_it_is_looked_at_and_not_before(
    machine: FakeTimeSources, path: Path
) -> None:
    machine.system_ahead, machine.ntp = timedelta(0), 0.02
    clock = started(machine, path)
    machine.system_ahead = timedelta(hours=1)
    assert abs(clock.now() - TRUE) < NEAR
    step = clock.look()
    assert step is not None
    assert step.by == timedelta(hours=1)
    assert clock.now() == step.now


def test_it_says_by_how_much_the_controllers_clock_differs(machine: FakeTimeSources, path: Path) -> None:
    machine.system_ahead, machine.ntp = timedelta(0), 0.02
    clock = started(machine, path)
    assert clock.reading().apart_s is None
    assert clock.take_answer(TRUE + timedelta(seconds=30), 0.4, machine.boot_s()) is None
    assert clock.reading().apart_s == pytest.approx(30.2, abs=0.01)


def test_what_this_machine_says_makes_sense() -> None:
    sources = LinuxTimeSources()
    boot_s, system_s = sources.system()
    assert abs(system_s - datetime.now(UTC).timestamp()) < 1
    assert 0 <= sources.boot_s() - boot_s < 1
    error_s = sources.ntp_error_s()
    assert error_s is None or 0 <= error_s < 20


@pytest.mark.parametrize(
    ("files", "shown_s"),
    [
        ({}, None),
        ({"rtc0/since_epoch": "1781150400\n"}, 1781150400.5),
        ({"rtc0/since_epoch": ""}, None),
        ({"rtc0/name": "ds1307"}, None),
    ],
)
def test_a_battery_clock_is_read_from_sysfs(
    tmp_path: Path, files: dict[str, str], shown_s: float | None
) -> None:
    for name, text in files.items():
        place = tmp_path / name
        place.parent.mkdir()
        place.write_text(text)
    assert LinuxTimeSources(tmp_path).battery_s() == shown_s


def test_a_machine_without_battery_clocks_has_none(tmp_path: Path) -> None:
    assert LinuxTimeSources(tmp_path / "rtc").battery_s() is None
