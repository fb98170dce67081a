"""Base64url without padding (RFC 4648, section 5), and only in the one form that an encoder gives."""

import base64
import binascii

from loa.protocol.errors import MalformedError


def to_base64url(content: bytes) -> str:
    """The bytes as text."""
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def from_base64url(text: str) -> bytes:
    """The bytes; `MalformedError` for whatever `to_base64url` would not have given."""
    try:
        content = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise MalformedError(f"not base64url: {error}") from error
    if to_base64url(content) != text:
        raise MalformedError("not base64url in its shortest form")
    return content
