"""A made-up tree of /sys and /proc with what a Raspberry Pi 4 with eMMC and a 4G modem has there."""

import os
from pathlib import Path

ROUTE = """\
Iface	Destination	Gateway 	Flags	RefCnt	Use	Metric	Mask		MTU	Window	IRTT
eth0	00000000	0101A8C0	0002	0	0	100	00000000	0	0	0
wwan0	00000000	01C8640A	0003	0	0	700	00000000	0	0	0
usb0	00000000	0108A8C0	0003	0	0	900	00000000	0	0	0
wwan0	00C8640A	00000000	0001	0	0	700	FCFFFFFF	0	0	0
"""
"""The cable is pulled: its route is not up."""

ROUTE_V6 = """\
fe800000000000000000000000000000 40 00000000000000000000000000000000 00 \
00000000000000000000000000000000 00000100 00000001 00000000 00000001    wwan0
00000000000000000000000000000000 00 00000000000000000000000000000000 00 \
fe800000000000000000000000000001 00000064 00000001 00000000 00450003    wlan0
00000000000000000000000000000000 00 00000000000000000000000000000000 00 \
00000000000000000000000000000000 ffffffff 00000001 00000000 00200200       lo
"""

MEMINFO = """\
MemTotal:         948572 kB
MemFree:           98204 kB
MemAvailable:     612480 kB
Buffers:           31188 kB
"""


class Pi:
    """The tree below `root`; `data` is a directory on its disk."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.data = root / "var/lib/loa"
        self.data.mkdir(parents=True)
        self.say("sys/class/thermal/thermal_zone0/temp", "61322")
        self.say("sys/class/thermal/thermal_zone1/temp", "-274000")
        self.say("sys/class/hwmon/hwmon0/name", "cpu_thermal")
        self.say("sys/class/hwmon/hwmon1/name", "rpi_volt")
        self.say("sys/class/hwmon/hwmon1/in0_lcrit_alarm", "0")
        self.say("sys/fs/ext4/mmcblk0p2/errors_count", "0")
        self.say("sys/fs/ext4/features/lazy_itable_init", "supported")
        self.say("proc/meminfo", MEMINFO)
        self.say("proc/self/statm", "41033 17190 5120 1 0 26650 0")
        self.say("proc/net/route", ROUTE)
        self.say("proc/net/ipv6_route", "")
        for name, received, sent in (("wwan0", 5_000_000, 2_000_000), ("eth0", 1, 2), ("wlan0", 30, 40)):
            self.say(f"sys/class/net/{name}/statistics/rx_bytes", str(received))
            self.say(f"sys/class/net/{name}/statistics/tx_bytes", str(sent))
        self._make_disk()

    def say(self, path: str, content: str) -> None:
        """As the kernel writes it."""
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(content if content.endswith("\n") else content + "\n")

    def take(self, path: str) -> None:
        """As where the kernel or the board has no such thing."""
        (self.root / path).unlink()

    def _make_disk(self) -> None:
        """The data's partition, named by its device number, below its disk."""
        disk = self.root / "sys/devices/platform/emmc2bus/mmc_host/mmc0/mmc0:0001"
        partition = disk / "block/mmcblk0/mmcblk0p2"
        partition.mkdir(parents=True)
        (disk / "block/mmcblk0/device").symlink_to(disk)
        (disk / "life_time").write_text("0x02 0x09\n")
        number = self.data.stat().st_dev
        links = self.root / "sys/dev/block"
        links.mkdir(parents=True)
        (links / f"{os.major(number)}:{os.minor(number)}").symlink_to(partition)
