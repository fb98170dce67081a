"""Lines of the audit trail as syslog messages (RFC 5424)."""

from loa.controller.core.trail import Sealed, document, exported

LOG_AUDIT = 13
"""Facility of RFC 5424, table 1."""
NOTICE = 5
_PRIORITY = LOG_AUDIT * 8 + NOTICE
_LONGEST_HOST = 255
_LONGEST_ID = 32
_BOM = b"\xef\xbb\xbf"


def message(sealed: Sealed, host: str) -> bytes:
    """The message: MSGID is the act, MSG the line as it is exported, with its digest."""
    at = document(sealed.line)["at"]
    header = f"<{_PRIORITY}>1 {at} {_printable(host, _LONGEST_HOST)} loa - "
    act = _printable(sealed.line.act, _LONGEST_ID)
    return f"{header}{act} - ".encode("ascii") + _BOM + exported(sealed).encode()


def framed(content: bytes) -> bytes:
    """For a stream: octet counting (RFC 6587, 3.4.1; RFC 5425, 4.3)."""
    return f"{len(content)} ".encode() + content


def _printable(text: str, longest: int) -> str:
    """PRINTUSASCII without spaces, else the nil value."""
    return "".join(letter for letter in text if "!" <= letter <= "~")[:longest] or "-"
