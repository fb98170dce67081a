"""People's passkeys: made in the browser, kept here by their public half."""

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from webauthn import generate_registration_options, options_to_json, verify_registration_response
from webauthn.helpers import (
    base64url_to_bytes,
    decode_credential_public_key,
    decoded_public_key_to_cryptography,
)
from webauthn.helpers.cose import COSEAlgorithmIdentifier
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AttestationConveyancePreference,
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)
from webauthn.registration.verify_registration_response import VerifiedRegistration

from loa.controller.core.access import Person
from loa.controller.core.passkeys import PersonalKey
from loa.controller.errors import Conflict, Forbidden, Invalid, NotFound
from loa.controller.ports import Clock
from loa.controller.services.audit import Audit
from loa.controller.services.ceremonies import Ceremonies
from loa.controller.services.sessions import SignedIn
from loa.controller.store import passkeys as store
from loa.controller.store.database import Session, Work
from loa.controller.store.trust_tables import PasskeyRow
from loa.protocol.base64url import to_base64url
from loa.protocol.passkey import Passkey, RelyingParty

MOST = 8
"""Passkeys of one person: a phone, a computer, a stick, and room."""
LONGEST_NAME = 80
ALGORITHMS = [
    COSEAlgorithmIdentifier.ECDSA_SHA_256,
    COSEAlgorithmIdentifier.EDDSA,
    COSEAlgorithmIdentifier.RSASSA_PKCS1_v1_5_SHA_256,
]
"""What `loa.protocol.passkey` verifies, the shortest signatures first."""

ODD = (ValueError, TypeError, KeyError, AttributeError)
"""What else the library raises for CBOR of other shapes than it expects."""


class Passkeys:
    """Each person keeps their own; what they may approve is for the keepers to say."""

    def __init__(
        self,
        *,
        clock: Clock,
        ids: Callable[[], str],
        audit: Audit,
        ceremonies: Ceremonies,
        party: RelyingParty | None,
    ) -> None:
        self._clock = clock
        self._ids = ids
        self._audit = audit
        self._ceremonies = ceremonies
        self.party = party
        """None where browsers make no passkeys for the console's address."""

    def begin(self, session: Session, signed: SignedIn) -> dict[str, Any]:
        """What the browser passes to `navigator.credentials.create`, bytes in base64url.

        Raises `Forbidden` to programs, `Conflict` where there can be no (more) passkeys.
        """
        party = self._party(signed)
        mine = self.of(session, signed.person)
        self._check_room(mine)
        options = generate_registration_options(
            rp_id=party.id,
            rp_name="Loa",
            user_id=_handle(party, signed.person),
            user_name=signed.person.user_id,
            user_display_name=signed.person.name,
            challenge=self._ceremonies.begin(signed.hash),
            attestation=AttestationConveyancePreference.NONE,
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.PREFERRED,
                user_verification=UserVerificationRequirement.REQUIRED,
            ),
            exclude_credentials=[
                PublicKeyCredentialDescriptor(id=base64url_to_bytes(one.passkey.id)) for one in mine
            ],
            supported_pub_key_algs=ALGORITHMS,
        )
        made: dict[str, Any] = json.loads(options_to_json(options))
        return made

    def finish(self, work: Work, signed: SignedIn, name: str, credential: Mapping[str, Any]) -> PersonalKey:
        """Keep what the browser made of `begin`; raises `Invalid`, `Conflict`, `Forbidden`."""
        party = self._party(signed)
        passkey = _passkey(_verified(credential, self._ceremonies.end(signed.hash), party))
        who = signed.person
        self._check_room(self.of(work.session, who))
        if store.row_of_credential(work.session, passkey.id) is not None:
            raise Conflict("passkey_known", "this passkey is known already; make another one")
        key = PersonalKey(
            id=self._ids(),
            user_id=who.user_id,
            passkey=passkey,
            name=_name(name),
            created_at=self._clock.now(),
        )
        store.add_passkey(work.session, key)
        self._audit.note(work, who.user_id, "passkey.added", subject=who.user_id, name=key.name)
        return key

    def of(self, session: Session, who: Person) -> list[PersonalKey]:
        """The person's own, the oldest first."""
        return store.passkeys_of(session, {who.user_id})

    def rename(self, work: Work, who: Person, key_id: str, name: str) -> None:
        """Raises `NotFound`, `Invalid`."""
        self._row(work.session, who, key_id).name = _name(name)

    def remove(self, work: Work, who: Person, key_id: str, *, lost: bool) -> None:
        """Use it no more; `lost`: somebody else may have it, and what it has signed is to count no more."""
        row = self._row(work.session, who, key_id)
        row.removed_at, row.lost = self._clock.now(), lost
        self._audit.note(work, who.user_id, "passkey.removed", subject=who.user_id, name=row.name, lost=lost)

    def _party(self, signed: SignedIn) -> RelyingParty:
        if signed.csrf is None:
            raise Forbidden("people_only", "a passkey is made by a person in a browser, not by a program")
        if self.party is None:
            raise Conflict("no_passkeys_here", "passkeys need https and a name: set LOA_PUBLIC_URL")
        return self.party

    def _check_room(self, mine: list[PersonalKey]) -> None:
        if len(mine) >= MOST:
            raise Conflict("too_many_passkeys", f"you have {MOST} passkeys; remove one first", most=MOST)

    def _row(self, session: Session, who: Person, key_id: str) -> PasskeyRow:
        row = store.passkey_row(session, who.user_id, key_id)
        if row is None:
            raise NotFound("no_such_passkey", "you have no such passkey")
        return row


def _verified(credential: Mapping[str, Any], challenge: bytes, party: RelyingParty) -> VerifiedRegistration:
    try:
        return verify_registration_response(
            credential=dict(credential),
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=list(party.origins),
            require_user_verification=True,
            supported_pub_key_algs=ALGORITHMS,
        )
    except (WebAuthnException, *ODD) as error:
        raise Invalid("bad_passkey", f"the browser's answer does not hold: {error}") from error


def _passkey(verified: VerifiedRegistration) -> Passkey:
    """From COSE to what the protocol knows."""
    try:
        decoded = decode_credential_public_key(verified.credential_public_key)
        key = decoded_public_key_to_cryptography(decoded)
        spki = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return Passkey(id=to_base64url(verified.credential_id), key=to_base64url(spki))
    except (WebAuthnException, UnsupportedAlgorithm, *ODD) as error:
        raise Invalid("bad_passkey", f"this kind of key is not taken: {error}") from error


def _handle(party: RelyingParty, who: Person) -> bytes:
    """Tells the authenticator who it is without naming the person (W3C WebAuthn, 14.6.1)."""
    return hashlib.sha256(f"loa-user\n{party.id}\n{who.user_id}".encode()).digest()


def _name(given: str) -> str:
    name = " ".join(given.split())
    if not 0 < len(name) <= LONGEST_NAME:
        raise Invalid("bad_passkey_name", f"give it a name of at most {LONGEST_NAME} letters")
    return name
