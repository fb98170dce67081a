"""A broadcast (lịch phát): what is to sound, where and when; immutable, named by its SHA-256, approved."""

from functools import cached_property
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from loa.protocol.envelope import sign_detached, verify_detached
from loa.protocol.errors import MalformedError, UntrustedError
from loa.protocol.ids import AreaId, BroadcastId, RecordingId, sha256_hex
from loa.protocol.keys import KeyRing, SigningKey
from loa.protocol.kinds import AfterInterruption, BroadcastClass, Late
from loa.protocol.passkey import Assertion
from loa.protocol.units import DurationMs, Instant, SizeBytes
from loa.protocol.when import When
from loa.protocol.wire import Wire

DAY_MS = 86_400_000
_APPROVAL_TYP = "loa-approval"


class RecordingSource(Wire):
    """A prepared recording as the source of the sound."""

    kind: Literal["recording"] = "recording"
    recording: RecordingId
    duration_ms: Annotated[DurationMs, Field(gt=0, le=DAY_MS)]
    """Decoded length, chime and closing included."""
    size_bytes: Annotated[SizeBytes, Field(gt=0)]


class Broadcast(Wire):
    """An announcement with its audience and time.

    Its name is the SHA-256 of its canonical bytes, so a change of anything is another broadcast.
    """

    bulletin: Annotated[str, Field(min_length=1, max_length=64)]
    """Id of the bulletin that it was made from, on the controller that made it."""
    created_at: Instant
    title: Annotated[str, Field(min_length=1, max_length=200)]
    field: Annotated[str, Field(min_length=1, max_length=64)]
    """Lĩnh vực, a slug."""
    class_: Annotated[BroadcastClass, Field(alias="class")]
    source: RecordingSource
    text_sha256: Annotated[str | None, Field(pattern=r"^[0-9a-f]{64}$")] = None
    """Of the text that was spoken, if the sound came from a text."""
    audience: Annotated[tuple[AreaId, ...], Field(min_length=1, max_length=256)]
    """Areas, sorted, each once."""
    when: When
    issuer: AreaId
    authority: Annotated[int, Field(ge=0, le=100)]
    """Rank of the issuing area: province over commune."""
    not_after_ms: Annotated[DurationMs, Field(ge=0, le=DAY_MS)]
    """How long after its start an occurrence may still begin."""
    last_end_ms: Annotated[DurationMs, Field(gt=0, le=DAY_MS)]
    """How long after its start an occurrence must have ended."""
    after_interruption: AfterInterruption = AfterInterruption.RESUME
    late: Late = Late.WHOLE
    max_plays: Annotated[int | None, Field(gt=0)] = None
    expires_at: Instant | None = None
    drill: Literal[True] | None = None
    """A rehearsal (diễn tập), and announced as one; absent from whatever is in earnest."""

    @model_validator(mode="after")
    def _audience_is_canonical(self) -> Self:
        if list(self.audience) != sorted(set(self.audience)):
            raise ValueError("audience must be sorted, each area once")
        return self

    @model_validator(mode="after")
    def _drill_is_no_emergency(self) -> Self:
        if self.drill and self.class_ is BroadcastClass.EMERGENCY:
            raise ValueError("a drill is no emergency")
        return self

    @cached_property
    def id(self) -> BroadcastId:
        """SHA-256 of the canonical bytes."""
        return BroadcastId(sha256_hex(self.to_bytes()))


class ControllerApproval(Wire):
    """The controller's key vouches that this person, signed in with the right to do so, approved."""

    kind: Literal["controller"] = "controller"
    approver: Annotated[str, Field(min_length=1, max_length=64)]
    """The person's user name on the controller."""
    approved_at: Instant
    signature: Annotated[str, Field(max_length=1024)]
    """Detached JWS over the approval's statement."""


class PasskeyApproval(Wire):
    """The approver's own passkey signed the very bytes of the document; whom that makes is on the roster."""

    kind: Literal["passkey"] = "passkey"
    approver: Annotated[str, Field(min_length=1, max_length=64)]
    """The person's user name on the controller, for people; the credential tells who it was."""
    approved_at: Instant
    assertion: Assertion
    """Its challenge is the SHA-256 of the document."""


Approval = Annotated[ControllerApproval | PasskeyApproval, Field(discriminator="kind")]


class _Statement(Wire):
    """What an approval of kind `controller` signs."""

    kind: Literal["controller"] = "controller"
    broadcast: BroadcastId
    approver: str
    approved_at: Instant


class Entry(Wire):
    """A broadcast as it stands in a programme: the very bytes that were approved, and by whom.

    The bytes travel as they are, so that a newer sender's additional fields don't change the digest.
    """

    document: Annotated[str, Field(min_length=2, max_length=16_384)]
    """Canonical JSON of the broadcast."""
    approvals: Annotated[tuple[Approval, ...], Field(min_length=1, max_length=8)]
    issued_at: Instant
    """When it was issued to this area; nothing of it sounds before. Ahead where neighbours begin at once."""

    @model_validator(mode="after")
    def _document_is_a_broadcast(self) -> Self:
        try:
            _ = self.broadcast
        except MalformedError as error:
            raise ValueError(str(error)) from error
        return self

    @cached_property
    def broadcast(self) -> Broadcast:
        """The broadcast that the document describes."""
        return Broadcast.from_bytes(self.document)

    @cached_property
    def id(self) -> BroadcastId:
        """SHA-256 of the document's bytes; the broadcast's name."""
        return BroadcastId(sha256_hex(self.document.encode()))

    @property
    def approved_at(self) -> Instant:
        """When the last of the approvals was given."""
        return max(approval.approved_at for approval in self.approvals)


def approve(
    broadcast: Broadcast, *, approver: str, approved_at: Instant, key: SigningKey
) -> ControllerApproval:
    """The controller's word that `approver` approved exactly these bytes at that instant."""
    statement = _Statement(broadcast=broadcast.id, approver=approver, approved_at=approved_at)
    signature = sign_detached(statement.to_bytes(), typ=_APPROVAL_TYP, key=key)
    return ControllerApproval(approver=approver, approved_at=statement.approved_at, signature=signature)


def is_vouched_for(entry: Entry, keys: KeyRing) -> bool:
    """Whether the controller's word stands for the entry, and all that it gives for it holds."""
    words = [one for one in entry.approvals if isinstance(one, ControllerApproval)]
    return bool(words) and all(_holds(entry, one, keys) for one in words)


def _holds(entry: Entry, approval: ControllerApproval, keys: KeyRing) -> bool:
    statement = _Statement(broadcast=entry.id, approver=approval.approver, approved_at=approval.approved_at)
    try:
        verify_detached(approval.signature, statement.to_bytes(), typ=_APPROVAL_TYP, keys=keys)
    except (UntrustedError, MalformedError):
        return False
    return True
