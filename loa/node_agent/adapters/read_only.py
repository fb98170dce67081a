import sqlite3
from pathlib import Path
from urllib.parse import quote

from loa.node_agent.adapters.disk import SqliteDisk
from loa.protocol.ids import JournalId


class ReadOnlyDisk(SqliteDisk):
    """The journal of an agent that may run meanwhile; nothing of it is changed. Raises sqlite3.Error."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._base = sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)
        self.was_corrupt = False
        self.journal_id = JournalId(self._fact("journal_id") or "")
