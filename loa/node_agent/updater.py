"""The command `loa-node-update`: the service that owns the installed versions; runs from the steady one."""

import logging
import os
import time
from pathlib import Path

from loa.node_agent import logs
from loa.node_agent.adapters.clock import SystemTime
from loa.node_agent.adapters.update_files import FileDesk
from loa.node_agent.adapters.versions import VenvVersions
from loa.node_agent.errors import NodeError
from loa.node_agent.update_service import Updater
from loa.protocol.ids import BootId

LOOK_EVERY_S = 1.0
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")

_log = logging.getLogger(__name__)


def run() -> None:
    """The console script. Ends when nothing is to be done; a path unit starts it when the agent says more."""
    from loa.node_agent.settings import AgentSettings  # noqa: PLC0415 -- nobody else imports it

    settings = AgentSettings()
    logs.set_up(settings.log_level)
    try:
        make_updater(settings.versions, settings.data).run(_pause)
    except (NodeError, OSError) as error:
        logs.shout(_log, "updater_died", detail=error)
        raise SystemExit(1) from error


def make_updater(root: Path, data: Path) -> Updater:
    """Over the real files, in this boot."""
    return Updater(
        desk=FileDesk(root, data),
        versions=VenvVersions(root),
        clock=SystemTime(),
        boot_id=boot_id(),
        is_alive=is_alive,
    )


def is_alive(pid: int) -> bool:
    """Whether that process runs, whosever it is."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def boot_id() -> BootId:
    """Names this start of the machine."""
    return BootId(_BOOT_ID.read_text().strip().replace("-", ""))


def _pause() -> bool:
    time.sleep(LOOK_EVERY_S)
    return True
