"""The copy of people's rights on disk, signed so that nobody can grant himself a STOP with an editor."""

import threading
from pathlib import Path

import structlog

from loa.controller.store.private_files import replace_private
from loa.protocol.envelope import seal, unseal
from loa.protocol.errors import ProtocolError
from loa.protocol.keys import KeyRing, SigningKey

_log = structlog.get_logger(__name__)
_TYP = "loa-rights"


class SignedRightsFile:
    """`loa.controller.ports.RightsFile`, replaced as a whole. Thread-safe."""

    def __init__(self, path: Path, *, key: SigningKey) -> None:
        self._path = path
        self._key = key
        self._writing = threading.Lock()

    def write(self, content: bytes) -> None:
        """Replace the copy; raises OSError."""
        sealed = seal(content, typ=_TYP, key=self._key)
        with self._writing:
            replace_private(self._path, sealed)

    def read(self) -> bytes | None:
        """The last copy; None if there is none, or if it was not written with our key."""
        try:
            return unseal(self._path.read_bytes(), typ=_TYP, keys=KeyRing([self._key.public]))
        except FileNotFoundError:
            return None
        except ProtocolError as error:
            _log.error("rights_file.refused", path=str(self._path), why=str(error))
            return None
