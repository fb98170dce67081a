"""Machine and card by what a made-up `/sys` says of them."""

import os
from pathlib import Path

import pytest

from loa.node_agent.adapters.hardware import read_block_device, read_card, read_machine


def write(root: Path, name: str, content: bytes | str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)


def interface(root: Path, name: str, address: str, *, assigned: str = "0", bus: str = "platform") -> None:
    device = root / "sys/devices" / bus / name
    device.mkdir(parents=True)
    write(root, f"sys/class/net/{name}/address", address + "\n")
    write(root, f"sys/class/net/{name}/addr_assign_type", assigned + "\n")
    (root / f"sys/class/net/{name}/device").symlink_to(device)


def pi(root: Path, serial: str = "10000000abcdef01") -> Path:
    write(root, "sys/firmware/devicetree/base/serial-number", serial + "\0")
    return root


def mmc(root: Path, cid: str) -> Path:
    """A partition of a card, as on a Raspberry Pi."""
    write(root, "sys/devices/platform/mmc0/mmc0:aaaa/cid", cid + "\n")
    partition = root / "sys/devices/platform/mmc0/mmc0:aaaa/block/mmcblk0/mmcblk0p2"
    partition.mkdir(parents=True)
    (partition.parent / "device").symlink_to(root / "sys/devices/platform/mmc0/mmc0:aaaa")
    (root / "sys/dev/block").mkdir(parents=True)
    (root / "sys/dev/block/179:2").symlink_to(partition)
    return root


def test_a_board_goes_by_its_serial_number(tmp_path: Path) -> None:
    one, again, other = pi(tmp_path / "1"), pi(tmp_path / "2"), pi(tmp_path / "3", "10000000abcdef02")
    interface(one, "eth0", "b8:27:eb:00:00:01")
    assert read_machine(one) == read_machine(again)
    assert read_machine(one) != read_machine(other)
    assert "abcdef" not in str(read_machine(one))


def test_a_pc_goes_by_its_uuid_and_without_one_by_its_own_network_address(tmp_path: Path) -> None:
    write(tmp_path, "sys/class/dmi/id/product_uuid", "4C4C4544-0042\n")
    by_uuid = read_machine(tmp_path)
    write(tmp_path, "sys/class/dmi/id/product_uuid", "00000000-0000-0000-0000-000000000000\n")
    assert read_machine(tmp_path) is None
    interface(tmp_path, "aaa", "02:00:00:00:00:01")
    interface(tmp_path, "bbb", "b8:27:eb:00:00:09", assigned="3")
    interface(tmp_path, "eth1", "b8:27:eb:00:00:02")
    interface(tmp_path, "enx", "b8:27:eb:00:00:03", bus="usb1")
    (tmp_path / "sys/class/net/lo").mkdir()
    by_address = read_machine(tmp_path)
    assert None is not by_address != by_uuid
    interface(tmp_path, "eth2", "b8:27:eb:00:00:04")
    assert read_machine(tmp_path) == by_address


def test_a_card_goes_by_its_cid_whichever_partition_it_is(tmp_path: Path) -> None:
    one, other = mmc(tmp_path / "1", "03534453433136"), mmc(tmp_path / "2", "03534453433137")
    assert read_block_device(one, 179, 2) == read_block_device(one, 179, 2)
    assert None is not read_block_device(one, 179, 2) != read_block_device(other, 179, 2)
    assert read_block_device(one, 179, 9) is None


@pytest.mark.parametrize(
    ("name", "content"),
    [("serial", "S4EVNX0\n"), ("device/wwid", "naa.5002538\n"), ("device/vpd_pg80", b"\0\x80\0\x04WD-1")],
)
def test_a_disk_goes_by_its_serial_number_also_below_a_mapping(
    tmp_path: Path, name: str, content: bytes | str
) -> None:
    disk = tmp_path / "sys/devices/pci/nvme0n1"
    write(tmp_path, f"sys/devices/pci/nvme0n1/{name}", content)
    (tmp_path / "sys/dev/block").mkdir(parents=True)
    (tmp_path / "sys/dev/block/259:0").symlink_to(disk)
    mapped = tmp_path / "sys/devices/virtual/block/dm-0/slaves"
    mapped.mkdir(parents=True)
    (mapped / "nvme0n1").symlink_to(disk)
    (tmp_path / "sys/dev/block/253:0").symlink_to(mapped.parent)
    assert read_block_device(tmp_path, 259, 0) is not None
    assert read_block_device(tmp_path, 253, 0) == read_block_device(tmp_path, 259, 0)


def test_a_folder_is_on_the_card_of_its_device(tmp_path: Path) -> None:
    root, device = mmc(tmp_path / "root", "0353"), tmp_path.stat().st_dev
    here = root / f"sys/dev/block/{os.major(device)}:{os.minor(device)}"
    here.symlink_to((root / "sys/dev/block/179:2").resolve())
    assert read_card(root, tmp_path) == read_block_device(root, 179, 2)


def test_this_machine_is_read_without_a_fault() -> None:
    root = Path("/")
    assert read_machine(root) == read_machine(root)
    assert read_card(root, Path("/dev/shm")) is None  # noqa: S108 -- it is in memory on every Linux
