import contextlib
import logging
import os
from pathlib import Path

from loa.node_agent import logs
from loa.node_agent.core.data_budget import Usage
from loa.protocol.errors import MalformedError

_log = logging.getLogger(__name__)


class UsageFile:
    """`UsageKeeper` in a small file of its own; a damaged one counts as none."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> Usage | None:
        """See `UsageKeeper.read`."""
        try:
            return Usage.from_bytes(self._path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, MalformedError) as error:
            logs.shout(_log, "usage_unreadable", path=self._path, detail=error)
            return None

    def write(self, usage: Usage) -> None:
        """See `UsageKeeper.write`. Atomic and synced."""
        part = self._path.with_name(self._path.name + ".part")
        try:
            with part.open("wb") as file:
                file.write(usage.to_bytes())
                file.flush()
                os.fsync(file.fileno())
            part.replace(self._path)
        except OSError as error:
            logs.shout(_log, "usage_not_kept", path=self._path, detail=error)
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)
