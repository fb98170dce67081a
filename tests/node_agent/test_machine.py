from collections.abc import Callable
from pathlib import Path
from queue import Queue
from threading import Event

import pytest

from loa.node_agent.adapters.kernel_clock import offset_and_error_ms
from loa.node_agent.adapters.machine import Machine
from loa.node_agent.adapters.modem import read_signal, signal_pct
from loa.node_agent.adapters.sensors import BackgroundSensors
from loa.node_agent.core.readings import Readings, Uplink
from loa.node_agent.ports import Arrival, Crashed
from loa.protocol.units import SizeBytes
from tests.node_agent.pi import ROUTE_V6, Pi
from tests.waiting import wait_for

LIFE_TIME = "sys/devices/platform/emmc2bus/mmc_host/mmc0/mmc0:0001/life_time"


@pytest.fixture
def pi(tmp_path: Path) -> Pi:
    return Pi(tmp_path / "pi")


def machine(pi: Pi, signal: Callable[[], int | None] = lambda: 67) -> Machine:
    return Machine(root=pi.root, data=pi.data, clock=lambda: (-3, 21), signal_pct=signal)


def test_a_raspberry_pi_tells_how_it_is(pi: Pi) -> None:
    assert machine(pi).look() == Readings(
        temperature_c=61.3,
        under_voltage=False,
        disk_wear_pct=90,
        disk_errors=0,
        memory_free_bytes=SizeBytes(612_480 * 1024),
        agent_rss_bytes=SizeBytes(17_190 * 4096),
        clock_offset_ms=-3,
        clock_error_ms=21,
        signal_pct=67,
        uplink=Uplink("wwan0", SizeBytes(7_000_000)),
    )


def test_a_machine_that_tells_nothing_is_no_fault(tmp_path: Path) -> None:
    bare = Machine(root=tmp_path / "none", data=tmp_path / "no", clock=lambda: None, signal_pct=lambda: None)
    assert bare.look() == Readings()


@pytest.mark.parametrize(
    ("path", "content", "name", "value"),
    [
        ("sys/class/thermal/thermal_zone1/temp", "84213", "temperature_c", 84.2),
        ("sys/class/thermal/thermal_zone0/temp", "garbage", "temperature_c", None),
        ("sys/class/hwmon/hwmon1/in0_lcrit_alarm", "1", "under_voltage", True),
        ("sys/class/hwmon/hwmon1/name", "other", "under_voltage", None),
        (
            LIFE_TIME,
            "0x0B 0x01",
            "disk_wear_pct",
            110,
        ),
        (
            LIFE_TIME,
            "0x00 0x00",
            "disk_wear_pct",
            None,
        ),
        (
            LIFE_TIME,
            "worn out",
            "disk_wear_pct",
            None,
        ),
        ("sys/fs/ext4/sda1/errors_count", "4", "disk_errors", 4),
        ("proc/meminfo", "MemTotal: much", "memory_free_bytes", None),
        ("proc/self/statm", "41033", "agent_rss_bytes", None),
        ("proc/net/route", "Iface\nwwan0\t00000000", "uplink", None),
        ("proc/net/route", "Iface", "uplink", None),
        ("sys/class/net/wwan0/statistics/rx_bytes", "-", "uplink", None),
    ],
)
def test_what_the_kernel_says_is_read_for_what_it_is(
    pi: Pi, path: str, content: str, name: str, value: object
) -> None:
    pi.say(path, content)
    assert getattr(machine(pi).look(), name) == value


def test_where_the_network_is_ipv6_alone_its_default_route_counts(pi: Pi) -> None:
    pi.say("proc/net/route", "Iface")
    pi.say("proc/net/ipv6_route", ROUTE_V6)
    assert machine(pi).look().uplink == Uplink("wlan0", SizeBytes(70))


def test_this_very_machine_can_be_looked_at(tmp_path: Path) -> None:
    here = Machine(root=Path("/"), data=tmp_path, clock=offset_and_error_ms, signal_pct=signal_pct).look()
    assert here.agent_rss_bytes is not None
    assert here.agent_rss_bytes > 10_000_000
    assert here.memory_free_bytes is not None


@pytest.mark.parametrize(
    ("answer", "pct"),
    [
        (b'{"modem":{"generic":{"signal-quality":{"recent":"yes","value":"67"},"state":"connected"}}}', 67),
        (b'{"modem":{"generic":{"signal-quality":{"recent":"no","value":"--"}}}}', None),
        (b"error: couldn't find modem\n", None),
        (b"[]", None),
        (b"", None),
    ],
)
def test_the_modem_manager_tells_the_signal(answer: bytes, pct: int | None) -> None:
    assert read_signal(answer) == pct


def test_the_sensors_look_in_a_thread_of_their_own(pi: Pi) -> None:
    inbox: Queue[Arrival] = Queue()
    looked = Event()

    def is_low() -> bool:
        looked.set()
        return False

    sensors = BackgroundSensors(look=machine(pi).look, is_low=is_low, inbox=inbox)
    readings = wait_for(sensors.latest, what="the first look")
    assert readings.temperature_c == 61.3
    wait_for(looked.is_set, what="the voltage is minded between the looks")
    sensors.close()
    assert inbox.empty()


def test_a_look_that_fails_unforeseen_ends_the_agent_and_not_just_the_thread(pi: Pi) -> None:
    inbox: Queue[Arrival] = Queue()

    def fail() -> int | None:
        raise RuntimeError("unforeseen")

    sensors = BackgroundSensors(look=machine(pi, fail).look, is_low=lambda: None, inbox=inbox)
    crashed = inbox.get(timeout=10)
    sensors.close()
    assert isinstance(crashed, Crashed)
    assert crashed.what == "sensors"
