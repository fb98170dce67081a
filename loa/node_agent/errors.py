"""What can go wrong on a node.

NodeError
├── NotEnrolledError          the data directory holds no enrolment, or a damaged one
├── EnrolmentFailedError      the controller did not accept the one-time code, or could not be reached
├── InUseError                another agent runs on the same data directory
âââ StorageError              what was to be written is not; it is kept in memory
â   âââ StorageFullError      no space left
â   âââ StorageReadOnlyError  it may be read, not written
â   âââ StorageFailingError   reading or writing failed, as on a dying card
â   âââ StorageDamagedError   what is there is not what was written
âââ NoVersionError            the updater finds no link to the version that runs
âââ DamagedLedgerError        the updater's ledger cannot be read
âââ InstallError              a release cannot be installed, or failed its check
├── PlayerUnavailableError    no output for sound can be opened
├── GpioError                 a pin cannot be reached
└── FetchError
    ├── FetchFailedError      no answer, or not the answer that was asked for; worth another try
    ├── FetchStoppedError     another fetch was more urgent, or the agent ends; what came is kept
    └── WrongDigestError      the bytes are not those that were named; nothing of them is kept
"""

from typing import ClassVar

from loa.protocol.reasons import ProblemCode


class NodeError(Exception):
    """Root of the tree."""


class NotEnrolledError(NodeError):
    """`path` is missing or cannot be read as what it ought to be."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"{path}: {problem}; run `loa-node enrol <url> <code>`")
        self.path = path
        self.problem = problem


class EnrolmentFailedError(NodeError):
    """The controller's answer to an enrolment; `status` is None if there was none."""

    def __init__(self, url: str, status: int | None, detail: str) -> None:
        super().__init__(f"{url} did not enrol this node: {detail}")
        self.url = url
        self.status = status
        self.detail = detail


class InUseError(NodeError):
    """`data` belongs to a running agent."""

    def __init__(self, data: str) -> None:
        super().__init__(f"another agent runs on {data}; stop it first")
        self.data = data


class StorageError(NodeError):
    """The disk that holds `path` did not do what was asked of it."""

    code: ClassVar[ProblemCode] = ProblemCode.DISK_FAILING
    advice: ClassVar[str] = "{path} cannot be read or written; replace the disk"

    def __init__(self, path: str) -> None:
        super().__init__(self.advice.format(path=path))
        self.path = path


class StorageFullError(StorageError):
    """The disk that holds `path` is full."""

    code = ProblemCode.DISK_FULL
    advice = "no space left to write {path}; free some space"


class StorageReadOnlyError(StorageError):
    """The disk that holds `path`, or the file itself, is read-only."""

    code = ProblemCode.DISK_READ_ONLY
    advice = "{path} is on a read-only disk; mount it read-write, or replace a card that has locked itself"


class StorageFailingError(StorageError):
    """The disk that holds `path` answered with an input or output error."""


class StorageDamagedError(StorageError):
    """`path` holds something else than what was written."""

    code = ProblemCode.JOURNAL_CORRUPT
    advice = "{path} is damaged; it is set aside and begun anew"


class NoVersionError(NodeError):
    """`link` leads to no version."""

    def __init__(self, link: str, detail: str) -> None:
        super().__init__(f"{link} leads to no version: {detail}; install the node anew")
        self.link = link
        self.detail = detail


class DamagedLedgerError(NodeError):
    """`path` holds no ledger."""

    def __init__(self, path: str, detail: str) -> None:
        super().__init__(f"{path} cannot be read: {detail}")
        self.path = path
        self.detail = detail


class InstallError(NodeError):
    """`detail` says what stood in the way."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class PlayerUnavailableError(NodeError):
    """`sink` cannot be opened."""

    def __init__(self, sink: str, detail: str) -> None:
        super().__init__(f"no sound through {sink}: {detail}; check the sound card, or use --sink wav:PATH")
        self.sink = sink
        self.detail = detail


class GpioError(NodeError):
    """Something about GPIO `pin` failed."""

    def __init__(self, pin: int, detail: str) -> None:
        super().__init__(
            f"GPIO {pin}: {detail}; is Loa installed with its part `gpio`, and the agent in the group gpio?"
        )
        self.pin = pin
        self.detail = detail


class FetchError(NodeError):
    """Anything that ends a fetch early."""


class FetchFailedError(FetchError):
    """`status` is the HTTP status, None if no answer came."""

    def __init__(self, path: str, detail: str, status: int | None = None) -> None:
        super().__init__(f"{path}: {detail}")
        self.path = path
        self.detail = detail
        self.status = status


class FetchStoppedError(FetchError):
    """What has come so far waits in the `.part` file."""


class WrongDigestError(FetchError):
    """What came under the name `expected` has the digest `found`."""

    def __init__(self, expected: str, found: str) -> None:
        super().__init__(f"fetched {found} instead of {expected}")
        self.expected = expected
        self.found = found
