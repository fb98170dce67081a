"""What the database alone must not give away: sealed with a key that lies beside it."""

import base64
import hashlib
import hmac
import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from loa.controller.errors import Unavailable
from loa.controller.store.private_files import make_private

KEY_BYTES = 32
_NONCE_BYTES = 12


@dataclass(frozen=True, slots=True)
class Sealer:
    """AES-256-GCM and HMAC-SHA-256, each with a key of its own made from one."""

    key: bytes = field(repr=False)

    @classmethod
    def at(cls, path: Path) -> "Sealer":
        """With the key in that file, which is made if there is none; raises `Unavailable`."""
        try:
            with suppress(FileExistsError):
                make_private(path, secrets.token_bytes(KEY_BYTES))
            return cls._with(path.read_bytes(), path)
        except OSError as error:
            raise Unavailable("key_unreadable", f"{path}: {error}") from error

    @classmethod
    def _with(cls, key: bytes, path: Path) -> "Sealer":
        if len(key) != KEY_BYTES:
            raise Unavailable(
                "key_unreadable", f"{path} does not hold {KEY_BYTES} bytes; bring back a backup"
            )
        return cls(key)

    def seal(self, content: bytes, label: str) -> str:
        """Readable with the key and the same label, such as the id of the row that holds it."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = AESGCM(self._part(b"seal")).encrypt(nonce, content, label.encode())
        return base64.urlsafe_b64encode(nonce + sealed).decode()

    def unseal(self, sealed: str, label: str) -> bytes:
        """What was sealed; raises `Unavailable` if the key is another one."""
        content = base64.urlsafe_b64decode(sealed)
        try:
            return AESGCM(self._part(b"seal")).decrypt(
                content[:_NONCE_BYTES], content[_NONCE_BYTES:], label.encode()
            )
        except InvalidTag as error:
            raise Unavailable(
                "factor_unreadable",
                "the key of the second factors is not the one of this database; restore both",
            ) from error

    def mark(self, text: str) -> str:
        """A hash that nobody can try out with the database alone."""
        return hmac.new(self._part(b"mark"), text.encode(), hashlib.sha256).hexdigest()

    def _part(self, name: bytes) -> bytes:
        return hmac.new(self.key, name, hashlib.sha256).digest()
