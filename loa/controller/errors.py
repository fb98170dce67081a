"""What the controller refuses, and why.

ControllerError            500
├── Unauthenticated        401  nobody is signed in, or not any more
├── Forbidden              403  signed in, sees the thing, but may not do that
├── NotFound               404  not there, or nobody's business
├── Conflict               409  the thing is not in the state that the act needs
├── Stale                  412  somebody else saved it in the meantime
├── TooLarge               413  more bytes than the settings allow
├── Invalid                422  understood, but it cannot be so
├── PreconditionRequired   428  say which revision is meant
├── TooMany                429  wait a little
├── Unavailable            503  a part is down that this needs
└── DiskFull               507  nothing was stored
"""

from datetime import datetime
from typing import ClassVar


class ControllerError(Exception):
    """A refusal. `code` is stable (snake_case), `detail` is English and says what to do.

    `facts` are for machines: JSON values, instants or enums, which travel as members of the problem.
    """

    status: ClassVar[int] = 500

    def __init__(self, code: str, detail: str, **facts: object) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.facts = facts


class Unauthenticated(ControllerError):
    """Nobody is signed in, or not any more."""

    status = 401


class Forbidden(ControllerError):
    """The person sees the thing but may not do that; who may not even see it gets `NotFound`."""

    status = 403


class NotFound(ControllerError):
    """Not there, or none of the person's business."""

    status = 404


class Conflict(ControllerError):
    """The thing is not in the state that the act needs."""

    status = 409


class Stale(ControllerError):
    """Somebody else saved it after the caller had read it."""

    status = 412

    def __init__(self, *, revision: int, saved_by: str, saved_at: datetime) -> None:
        super().__init__(
            "stale",
            f"{saved_by} saved this in the meantime; load it again and repeat your change",
            revision=revision,
            saved_by=saved_by,
            saved_at=saved_at,
        )
        self.revision = revision
        self.saved_by = saved_by
        self.saved_at = saved_at


class TooLarge(ControllerError):
    """More bytes than the settings allow."""

    status = 413


class Invalid(ControllerError):
    """Understood, but it cannot be so."""

    status = 422


class PreconditionRequired(ControllerError):
    """The request must say with If-Match which revision it means."""

    status = 428

    def __init__(self) -> None:
        super().__init__("if_match_required", "read the thing first and send its ETag in the header If-Match")


class TooMany(ControllerError):
    """Too many attempts; `retry_after_s` says when the next one is welcome."""

    status = 429

    def __init__(self, code: str, detail: str, *, retry_after_s: int) -> None:
        super().__init__(code, detail, retry_after_s=retry_after_s)
        self.retry_after_s = retry_after_s


class Unavailable(ControllerError):
    """A part is down that this needs."""

    status = 503


class DiskFull(ControllerError):
    """There was no room; nothing was stored and nothing was lost."""

    status = 507

    def __init__(self) -> None:
        super().__init__(
            "disk_full", "the controller's disk is full; nothing was stored: free space, then send it again"
        )
