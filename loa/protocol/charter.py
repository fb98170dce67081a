"""Whom a node believes: keepers named by the root key, and what keepers have signed (roster, charter).

    root key (kept off the server; may name the next one, `loa.protocol.succession`)
      └── Appointment: the keepers of an area, by their passkeys
            ├── Roster: who may approve which class for which area, from when to when
            └── Charter: the areas and the policy of the area's nodes, and what a class needs to sound

The controller carries these documents and can alter none of them.
"""

from collections.abc import Iterable
from functools import cached_property
from hashlib import sha256
from typing import Annotated, ClassVar, Self, TypeVar

from pydantic import Field, model_validator

from loa.protocol.envelope import seal, unseal
from loa.protocol.errors import BadAssertionError, MisaddressedError
from loa.protocol.ids import AreaId, NodeId, RecordingId
from loa.protocol.keys import KeyRing, PublicKey, SigningKey
from loa.protocol.kinds import BroadcastClass
from loa.protocol.passkey import Assertion, CredentialId, Passkey, RelyingParty, verify_assertion
from loa.protocol.policy import Classes, Policy
from loa.protocol.units import Instant
from loa.protocol.when import DEFAULT_TZ, TzName
from loa.protocol.wire import Wire

KEEPERS_NEEDED = 2
"""Nothing that widens what may sound takes effect by one person's signature."""
_APPOINTMENT_TYP = "loa-appointment"

UserId = Annotated[str, Field(min_length=1, max_length=64)]
Authority = Annotated[int, Field(ge=0, le=100)]
PaperVersion = Annotated[int, Field(ge=1, lt=2**53)]
"""Grows with every issue; a node never goes back."""


class Keeper(Wire):
    """A person who, with another keeper, signs the area's roster and charter (người giữ khóa)."""

    user: UserId
    passkey: Passkey


class Appointment(Wire):
    """The keepers of an area, named by the root key, and the console at which everybody signs."""

    area: AreaId
    version: PaperVersion
    issued_at: Instant
    party: RelyingParty
    authority: Authority
    """The highest rank that anybody may be given by the area's roster."""
    keepers: Annotated[tuple[Keeper, ...], Field(min_length=KEEPERS_NEEDED, max_length=8)]

    @model_validator(mode="after")
    def _keepers_are_different(self) -> Self:
        for kind, marks in {
            "user": [one.user for one in self.keepers],
            "credential": [one.passkey.id for one in self.keepers],
            "key": [one.passkey.key for one in self.keepers],
        }.items():
            if len(set(marks)) < len(marks):
                raise ValueError(f"each keeper needs a {kind} of their own")
        return self


class Paper(Wire):
    """A document that keepers sign: their challenge is the digest of its bytes behind its own prefix.

    The prefix keeps the kinds apart: whoever has a broadcast signed has not got a roster signed with it.
    """

    prefix: ClassVar[bytes]

    area: AreaId
    version: PaperVersion
    issued_at: Instant

    @classmethod
    def challenge(cls, document: bytes) -> bytes:
        """What the keepers' passkeys sign."""
        return sha256(cls.prefix + document).digest()


class Approver(Wire):
    """A person who may approve, with the passkey that proves it (người duyệt)."""

    user: UserId
    passkey: Passkey
    area: AreaId
    classes: Classes
    authority: Authority
    """The rank in which they may issue, at most."""
    from_at: Instant
    until_at: Instant | None = None


class Roster(Paper):
    """Who may approve for an area and what is below it."""

    prefix = b"loa-roster\n"

    approvers: Annotated[tuple[Approver, ...], Field(max_length=256)]
    void: Annotated[tuple[CredentialId, ...], Field(max_length=256)] = ()
    """Passkeys that were lost: what they have signed counts no more, even where it was taken in already."""


class Admission(Wire):
    """What a broadcast of a class needs."""

    people: Annotated[int, Field(ge=0, le=4)]
    """So many different approvers with passkeys; 0: the controller's word suffices, for class normal only."""
    people_for_standing: Annotated[int, Field(ge=1, le=4)] | None = None
    """For a recording of the charter's `standing`, where fewer are enough."""


class Charter(Paper):
    """Quy chế: what the nodes of an area are, and what may sound on them at most."""

    prefix = b"loa-charter\n"

    nodes: Annotated[dict[NodeId, tuple[AreaId, ...]], Field(max_length=2048)]
    """The areas of each node from the widest to the narrowest, the node itself last."""
    policy: Policy
    """The widest that the controller's policy may be."""
    tz: TzName = DEFAULT_TZ
    """In which the policy's hours are meant."""
    admissions: dict[BroadcastClass, Admission]
    """A class that is absent does not sound."""
    standing: Annotated[tuple[RecordingId, ...], Field(max_length=64)] = ()
    """Recordings that the keepers have heard and approved beforehand."""

    @model_validator(mode="after")
    def _controller_alone_for_normal_only(self) -> Self:
        for class_, admission in self.admissions.items():
            if admission.people == 0 and class_ is not BroadcastClass.NORMAL:
                raise ValueError(f"{class_} needs an approver with a passkey")
        return self

    @model_validator(mode="after")
    def _nodes_are_within(self) -> Self:
        for node, areas in self.nodes.items():
            if not areas or areas[-1] != AreaId(node) or self.area not in areas:
                raise ValueError(f"{node} must be the last of its areas, and {self.area} among them")
        return self


class Signed(Wire):
    """A roster or a charter as it travels: the very bytes that were signed, and by whom."""

    document: Annotated[str, Field(min_length=2, max_length=1_048_576)]
    signatures: Annotated[dict[UserId, Assertion], Field(min_length=1, max_length=8)]
    """By keeper."""

    @cached_property
    def content(self) -> bytes:
        """The document's bytes."""
        return self.document.encode()


class Papers(Wire):
    """What the controller brings to a node so that it may believe approvers; none of it is secret."""

    successions: Annotated[tuple[str, ...], Field(max_length=16)] = ()
    """The next root keys, each sealed by the one before, the oldest first."""
    appointments: Annotated[tuple[str, ...], Field(max_length=16)] = ()
    """Sealed by the root key."""
    rosters: Annotated[tuple[Signed, ...], Field(max_length=16)] = ()
    charter: Signed | None = None


def appoint(appointment: Appointment, root: SigningKey) -> str:
    """The appointment in an envelope of the root key."""
    return seal(appointment.to_bytes(), typ=_APPOINTMENT_TYP, key=root).decode()


def verify_appointment(sealed: str, root: PublicKey) -> Appointment:
    """The appointment, once the root's signature is verified; raises a `ProtocolError`."""
    return Appointment.from_bytes(unseal(sealed.encode(), typ=_APPOINTMENT_TYP, keys=KeyRing([root])))


_Paper = TypeVar("_Paper", bound=Paper)


def verify_paper(model: type[_Paper], signed: Signed, appointments: Iterable[Appointment]) -> _Paper:
    """The document, if two keepers of its area signed these very bytes; raises a `ProtocolError`."""
    paper = model.from_bytes(signed.content)
    appointment = next((one for one in appointments if one.area == paper.area), None)
    if appointment is None:
        raise MisaddressedError("an area with keepers", paper.area)
    challenge = model.challenge(signed.content)
    valid = [one for one in appointment.keepers if _has_signed(one, signed, challenge, appointment.party)]
    if len(valid) < KEEPERS_NEEDED:
        raise BadAssertionError(f"{len(valid)} of {KEEPERS_NEEDED} keepers of {paper.area} signed it")
    return paper


def _has_signed(keeper: Keeper, signed: Signed, challenge: bytes, party: RelyingParty) -> bool:
    assertion = signed.signatures.get(keeper.user)
    if assertion is None:
        return False
    try:
        verify_assertion(assertion, keeper.passkey, challenge, party)
    except BadAssertionError:
        return False
    return True
