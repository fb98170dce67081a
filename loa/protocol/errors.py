"""What can be wrong with a message.

ProtocolError
├── TooLargeError          the bytes exceed the limit of the topic
├── MalformedError         not the JSON, the model or the topic that the contract names
├── BundleMismatchError    a file of a bundle is not the one that its manifest names
├── MisaddressedError      genuine, but it speaks of another area or node than its topic
└── UntrustedError
    ├── UnknownKeyError    signed by nobody we know
    ├── BadSignatureError  the signature does not fit the bytes
    ├── UncharteredError   no charter says what the node is
    ├── BadAssertionError  a passkey's holder did not sign this, or not here
    └── UnapprovedError    a broadcast without the approvals that it needs
"""

from loa.protocol.reasons import RefusalReason


class ProtocolError(Exception):
    """A message that cannot be accepted; `reason` is what a refusal report says."""

    reason = RefusalReason.MALFORMED


class TooLargeError(ProtocolError):
    """More bytes than the topic's limit."""

    reason = RefusalReason.TOO_LARGE

    def __init__(self, size_bytes: int, limit_bytes: int) -> None:
        super().__init__(f"{size_bytes} bytes exceed the limit of {limit_bytes}")
        self.size_bytes = size_bytes
        self.limit_bytes = limit_bytes


class MalformedError(ProtocolError):
    """Bytes that are not the message they ought to be."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class BundleMismatchError(ProtocolError):
    """The file `name` of a bundle is `found` where the signed manifest says `expected`."""

    reason = RefusalReason.WRONG_DIGEST

    def __init__(self, name: str, expected: str, found: str) -> None:
        super().__init__(f"{name} has {found}, the manifest says {expected}")
        self.name = name
        self.expected = expected
        self.found = found


class MisaddressedError(ProtocolError):
    """A message found where it does not belong."""

    reason = RefusalReason.MISADDRESSED

    def __init__(self, expected: str, found: str) -> None:
        super().__init__(f"the message is for {found!r}, not for {expected!r}")
        self.expected = expected
        self.found = found


class UntrustedError(ProtocolError):
    """Nobody we trust vouches for the bytes."""

    reason = RefusalReason.BAD_SIGNATURE


class UnknownKeyError(UntrustedError):
    """The key that signed is not on the key ring."""

    reason = RefusalReason.UNKNOWN_KEY

    def __init__(self, kid: str) -> None:
        super().__init__(f"key {kid!r} is not known here")
        self.kid = kid


class BadSignatureError(UntrustedError):
    """The signature does not fit the bytes."""

    def __init__(self, kid: str) -> None:
        super().__init__(f"the signature by {kid!r} does not fit the bytes")
        self.kid = kid


class UnapprovedError(UntrustedError):
    """A broadcast that nobody with the right to do so has approved."""

    reason = RefusalReason.UNAPPROVED

    def __init__(self, broadcast: str, detail: str) -> None:
        super().__init__(f"broadcast {broadcast}: {detail}")
        self.broadcast = broadcast
        self.detail = detail


class BadAssertionError(UntrustedError):
    """An assertion that does not prove that the holder of the passkey signed this, here and in person."""

    def __init__(self, detail: str) -> None:
        super().__init__(f"the passkey's assertion does not hold: {detail}")
        self.detail = detail


class UncharteredError(UntrustedError):
    """Keepers have signed nothing that says what the node is, so it believes nobody."""

    reason = RefusalReason.UNCHARTERED

    def __init__(self, node: str) -> None:
        super().__init__(f"no charter names {node}")
        self.node = node
