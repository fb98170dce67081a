"""What the hardware calls itself, as Linux tells it in `/sys`; hashed, since nobody needs to know more."""

import os
from collections.abc import Iterator
from pathlib import Path

from loa.protocol.ids import HardwareId, sha256_hex

_SERIAL_NUMBERS = ("sys/firmware/devicetree/base/serial-number", "sys/class/dmi/id/product_uuid")
_NETWORK = "sys/class/net"
_PERMANENT = "0"
"""Of `addr_assign_type`: burnt in, not made up at this start."""
_LOCAL_BIT = 0x02
_NOT_FILLED_IN = {"", "none", "unknown", "default string", "to be filled by o.e.m.", "not specified"}
_CARD_NAMES = ("cid", "serial", "wwid")
_SCSI_SERIAL = "vpd_pg80"
_SCSI_HEADER_BYTES = 4
_DEEPEST = 4
"""Levels from a partition up to the device that has a serial number."""


def read_machine(root: Path) -> HardwareId | None:
    """The machine: by its serial number or, where it has none, by its first built-in network address.

    None if it tells neither. `root` is `/`, or a tree like it.
    """
    for name in _SERIAL_NUMBERS:
        serial = _read(root / name)
        if serial is not None:
            return _named("machine", serial)
    address = next(_addresses(root / _NETWORK), None)
    return None if address is None else _named("machine", address)


def read_card(root: Path, data: Path) -> HardwareId | None:
    """The card or disk that holds the folder `data`; None if it tells nothing, as one in memory."""
    device = data.stat().st_dev
    return read_block_device(root, os.major(device), os.minor(device))


def read_block_device(root: Path, major: int, minor: int) -> HardwareId | None:
    """A block device by its number; a partition goes by the whole of it, a mapped one by its first part."""
    at = (root / f"sys/dev/block/{major}:{minor}").resolve()
    below = next(iter(sorted(at.glob("slaves/*"))), None)
    if below is not None:
        at = below.resolve()
    for folder in [at, *at.parents][:_DEEPEST]:
        serial = _serial_of(folder) or _serial_of(folder / "device")
        if serial is not None:
            return _named("card", serial)
    return None


def _serial_of(folder: Path) -> str | None:
    found = (_read(folder / name) for name in _CARD_NAMES)
    return next((serial for serial in found if serial is not None), None) or _scsi_serial(folder)


def _scsi_serial(folder: Path) -> str | None:
    """A page of vital product data: a header, then the serial number."""
    try:
        page = (folder / _SCSI_SERIAL).read_bytes()
    except OSError:
        return None
    return _cleaned(page[_SCSI_HEADER_BYTES:])


def _addresses(folder: Path) -> Iterator[str]:
    """Of built-in interfaces: what is plugged into USB may be another one tomorrow."""
    for interface in sorted(folder.glob("*")):
        address = _read(interface / "address")
        if address and _is_built_in(interface) and not int(address[:2], 16) & _LOCAL_BIT:
            yield address


def _is_built_in(interface: Path) -> bool:
    device = interface / "device"
    try:
        kind = (interface / "addr_assign_type").read_text().strip()
    except OSError:
        return False
    return kind == _PERMANENT and device.exists() and "/usb" not in str(device.resolve())


def _read(path: Path) -> str | None:
    try:
        return _cleaned(path.read_bytes())
    except OSError:
        return None


def _cleaned(content: bytes) -> str | None:
    """Without the zero at the end of a device tree's text; None for what a maker left open."""
    text = content.decode("ascii", errors="replace").strip("\0 \n").lower()
    is_blank = text in _NOT_FILLED_IN or not text.strip("0-")
    return None if is_blank else text


def _named(kind: str, serial: str) -> HardwareId:
    return HardwareId(sha256_hex(f"loa {kind} {serial}".encode()))
