"""The doctor's looks at a machine that is made up, and at disks, pins and outputs that fail."""

import errno
import json
import os
import struct
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path

import numpy as np
import pytest

from loa.audio.sounddevice_player import Callback, OpenStream, Stream
from loa.node_agent.adapters.enrolment import ENROLMENT_FILE, KEY_FILE, Enrolment
from loa.node_agent.adapters.network_probe import Network
from loa.node_agent.adapters.probes import PROBE_FILE, probe_disk, probe_pin, probe_sound
from loa.node_agent.adapters.tls import Pass
from loa.node_agent.core.findings import Finding, Verdict, well
from loa.node_agent.doctor import Doctor, as_json, as_text, is_well
from loa.protocol.keys import SigningKey
from tests.node_agent.pi import Pi
from tests.node_agent.processes import NodeProcess


class FakeStream:
    """Takes so many blocks, in a thread as PortAudio does."""

    latency = 0.01

    def __init__(self, callback: Callback, blocks: int) -> None:
        self._callback = callback
        self._blocks = blocks
        self.is_closed = False
        self.levels: list[int] = []

    def start(self) -> None:
        threading.Thread(target=self._take, daemon=True).start()

    def close(self) -> None:
        self.is_closed = True

    def _take(self) -> None:
        for _ in range(self._blocks):
            block = np.ones((480, 1), np.int16)
            self._callback(block, 480, None, None)  # type: ignore[arg-type]  # the probe looks at the block alone
            self.levels.append(int(np.abs(block).max()))


def streams(blocks: int) -> tuple[OpenStream, list[FakeStream]]:
    made: list[FakeStream] = []

    def open_stream(callback: Callback, _ended: Callable[[], None]) -> Stream:
        made.append(FakeStream(callback, blocks))
        return made[-1]

    return open_stream, made


def no_card(_callback: Callback, _ended: Callable[[], None]) -> Stream:
    raise OSError("no such device")


def test_silence_and_nothing_else_is_played_and_the_output_is_given_back() -> None:
    open_stream, made = streams(20)
    assert probe_sound("card", open_stream, is_agent_running=False).error is None
    assert made[0].is_closed
    assert set(made[0].levels) == {0}


def test_an_output_that_opens_and_takes_nothing_is_no_output() -> None:
    open_stream, made = streams(1)
    assert "takes no sound" in (probe_sound("card", open_stream, is_agent_running=False).error or "")
    assert made[0].is_closed


def test_an_output_that_does_not_open_says_why() -> None:
    assert probe_sound("card", no_card, is_agent_running=False).error == "no such device"


def test_a_disk_is_written_and_left_as_it_was(tmp_path: Path) -> None:
    facts = probe_disk(tmp_path, wear_pct=20, errors=0)
    assert facts.write_error is None
    assert (facts.wear_pct, facts.errors) == (20, 0)
    assert facts.free_bytes is not None
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_refuses_says_why(tmp_path: Path) -> None:
    (tmp_path / PROBE_FILE).mkdir()
    assert probe_disk(tmp_path, wear_pct=None, errors=None).write_error == os.strerror(errno.EISDIR)
    gone = probe_disk(tmp_path / "gone", wear_pct=None, errors=None)
    assert (gone.write_error, gone.is_read_only) == (os.strerror(errno.ENOENT), False)


def kernel(consumer: bytes | None) -> Callable[[FileIO, int, bytes], bytes]:
    """Answers as linux/gpio.h lays its structures out."""

    def ask(chip: FileIO, request: int, given: bytes) -> bytes:
        if request == 0x8044B401:
            own = str(chip.name).endswith("gpiochip1")
            return struct.pack(
                "32s32sI", b"gpiochip", b"pinctrl-bcm2711" if own else b"raspberrypi-exp-gpio", 58
            )
        assert (request, len(given)) == (0xC100B405, 256)
        assert str(chip.name).endswith("gpiochip1"), "the board's own chip is asked"
        offset = struct.unpack_from("I", given, 64)[0]
        if offset > 57:
            raise OSError(errno.EINVAL, "Invalid argument")
        flags = 0 if consumer is None else 1
        return struct.pack("32s32sIIQ176x", b"GPIO17", consumer or b"", offset, 0, flags)

    return ask


@pytest.mark.parametrize(
    ("number", "consumer", "error", "used_by"),
    [
        (17, None, None, None),
        (17, b"lg", None, "lg"),
        (17, b"", None, "the kernel"),
        (99, None, "Invalid argument", None),
    ],
)
def test_the_kernel_says_who_has_a_pin(
    tmp_path: Path, number: int, consumer: bytes | None, error: str | None, used_by: str | None
) -> None:
    (tmp_path / "dev").mkdir()
    for chip in (0, 1):
        (tmp_path / f"dev/gpiochip{chip}").touch()
    facts = probe_pin("stop_pin", number, root=tmp_path, is_agent_running=False, ask=kernel(consumer))
    assert (facts.error, facts.used_by) == (error, used_by)


def test_a_machine_without_gpio_and_a_file_that_is_no_chip_are_told_apart(tmp_path: Path) -> None:
    assert (
        probe_pin("stop_pin", 17, root=tmp_path, is_agent_running=False).error == "this machine has no GPIO"
    )
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev/gpiochip0").touch()
    found = probe_pin("stop_pin", 17, root=tmp_path, is_agent_running=False).error
    assert found == os.strerror(errno.ENOTTY)


def the_controller_answers(_enrolment: Enrolment, _shows: Pass, _now: Callable[[], datetime]) -> Network:
    return Network((well("Network", "The controller answers."),), 0.2)


@pytest.fixture
def doctor(tmp_path: Path) -> Doctor:
    """Of a healthy node."""
    pi = Pi(tmp_path / "pi")
    node = NodeProcess(tmp_path, node_key=SigningKey.generate())
    node.enrol(host="127.0.0.1", port=1, base_url="https://127.0.0.1:1")
    for name in (ENROLMENT_FILE, KEY_FILE):
        (node.data / name).chmod(0o600)
    pi.say("sys/devices/platform/emmc2bus/mmc_host/mmc0/mmc0:0001/life_time", "0x01 0x01")
    return Doctor(
        data=node.data,
        sink="default",
        pins={},
        is_agent_running=False,
        now=lambda: datetime.now(UTC),
        clock=lambda: (0, 10),
        open_stream=streams(20)[0],
        probe_network=the_controller_answers,
        root=pi.root,
    )


def problems(doctor: Doctor) -> list[str]:
    return [one.check for one in doctor.examine() if one.verdict is Verdict.PROBLEM]


def test_a_healthy_node_is_well(doctor: Doctor) -> None:
    assert problems(doctor) == []
    assert is_well(doctor.examine())


def test_each_fault_is_found_where_it_is(doctor: Doctor, tmp_path: Path) -> None:
    assert problems(replace(doctor, open_stream=no_card)) == ["Sound"]
    assert problems(replace(doctor, clock=lambda: None)) == ["Clock"]
    assert problems(replace(doctor, pins={"stop_pin": 17})) == ["GPIO"]
    assert problems(replace(doctor, sink=f"wav:{tmp_path}/gone/heard.wav")) == ["Sound"]
    assert problems(replace(doctor, sink=f"wav:{tmp_path}/heard.wav")) == []
    behind = Network((), -60.0)
    assert problems(replace(doctor, probe_network=lambda _identity, _shows, _now: behind)) == ["Clock"]
    assert problems(replace(doctor, data=tmp_path / "gone")) == ["Enrolment", "Disk"]


def test_a_battery_keeps_a_clock_that_no_ntp_keeps(doctor: Doctor) -> None:
    (doctor.root / "sys/class/rtc/rtc0").mkdir(parents=True)
    assert problems(replace(doctor, clock=lambda: None)) == []


def test_keys_that_others_can_read_are_named_with_the_cure(doctor: Doctor) -> None:
    (doctor.data / KEY_FILE).chmod(0o644)
    [finding] = [one for one in doctor.examine() if one.verdict is Verdict.PROBLEM]
    assert finding.do == f"`chmod 600 {doctor.data / KEY_FILE}`"


def test_the_report_is_for_people_or_for_programs() -> None:
    found = [well("Disk", "12 GB are free."), Finding("Clock", Verdict.PROBLEM, "It is wrong.", "Set it.")]
    assert as_text(found).splitlines() == [
        "ok  Disk       12 GB are free.",
        "!!  Clock      It is wrong.",
        "               What to do: Set it.",
    ]
    told = json.loads(as_json(found))
    assert told["well"] is False
    assert told["findings"][1] == {
        "check": "Clock",
        "verdict": "problem",
        "said": "It is wrong.",
        "do": "Set it.",
    }
