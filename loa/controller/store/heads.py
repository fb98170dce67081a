"""A head of the audit trail in a file, where whoever changes the database does not reach."""

import json
from dataclasses import dataclass
from pathlib import Path

from loa.controller.core.trail import GENESIS, Head
from loa.controller.errors import Unavailable
from loa.controller.store.private_files import replace_private


@dataclass(frozen=True, slots=True)
class HeadFile:
    """Replaced as a whole; for one writer at a time."""

    path: Path

    def write(self, head: Head) -> None:
        """Replace it; raises OSError."""
        line = json.dumps({"id": head.id, "digest": head.digest}) + "\n"
        replace_private(self.path, line.encode())

    def read(self) -> Head | None:
        """The last one, None if there is none; raises `Unavailable` for a file that cannot be read."""
        try:
            return head_of(json.loads(self.path.read_text()))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise Unavailable("head_unreadable", f"{self.path} cannot be read: {error}") from error


def head_of(members: dict[str, object]) -> Head:
    """From JSON; raises KeyError, TypeError, ValueError."""
    id_, digest = members["id"], members["digest"]
    if not isinstance(id_, int) or not isinstance(digest, str) or len(digest) != len(GENESIS):
        raise ValueError("a head has the members id and digest")
    return Head(id_, digest)
