"""What a version says of itself before it may run: that it is whole, and can read this node's data."""

import importlib
import pkgutil
import sqlite3
from importlib.metadata import version
from pathlib import Path

import loa.node_agent
import loa.protocol
import loa.schedules
from loa.node_agent.adapters import enrolment
from loa.node_agent.adapters.disk import SqliteDisk
from loa.node_agent.errors import InstallError, StorageError

_PACKAGES = (loa.protocol, loa.schedules, loa.node_agent)
_NEEDS_A_LIBRARY = "loa.audio.sounddevice_player"


def check_release(data: Path | None) -> str:
    """The version, once all of it could be imported and the data be read. Raises a `NodeError`."""
    for package in _PACKAGES:
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            _load(module.name)
    _load(_NEEDS_A_LIBRARY)
    if data is not None:
        _read(data)
    return version("loa")


def _load(name: str) -> None:
    try:
        importlib.import_module(name)
    except OSError:
        if name != _NEEDS_A_LIBRARY:  # a node that writes to a file has no PortAudio
            raise
    except ImportError as error:
        raise InstallError(f"{name} cannot be imported: {error}") from error


def _read(data: Path) -> None:
    identity, _ = enrolment.load(data)
    journal = data / identity.journal_file
    if not journal.exists():
        return
    try:
        disk = SqliteDisk(journal, looks_only=True)
        disk.recall()
        disk.unsent(1, {})
        disk.close()
    except (sqlite3.Error, StorageError, ValueError) as error:
        raise InstallError(f"{journal} cannot be read: {error}") from error
