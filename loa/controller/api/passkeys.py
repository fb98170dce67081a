"""A person's own passkeys."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from loa.controller.api.deps import Parts, Who, WhoSignedIn, person
from loa.controller.api.given import Given
from loa.controller.api.pages import Page
from loa.controller.api.problems import documented
from loa.controller.api.words import Key, Words
from loa.controller.core.passkeys import PersonalKey
from loa.protocol.units import Instant

Name = Annotated[Words, Field(min_length=1, max_length=200)]
EXAMPLE: dict[str, Any] = {
    "name": "Điện thoại của tôi",
    "credential": {
        "id": "bWF5",
        "rawId": "bWF5",
        "type": "public-key",
        "response": {"clientDataJSON": "e30", "attestationObject": "oA"},
    },
}
Part = Annotated[str, Field(max_length=100_000)]


class Created(BaseModel):
    """Of a credential that was made, what its authenticator signed; bytes in base64url."""

    model_config = ConfigDict(extra="ignore")

    clientDataJSON: Part  # noqa: N815 -- the name of the W3C
    attestationObject: Part  # noqa: N815 -- as above


class Credential(BaseModel):
    """`RegistrationResponseJSON` of the W3C, as `PublicKeyCredential.toJSON()` makes it."""

    model_config = ConfigDict(extra="ignore")

    id: Part
    rawId: Part  # noqa: N815 -- as above
    type: Part = "public-key"
    response: Created


class NewPasskey(Given):
    """What the browser made, and what the person calls it."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    name: Name
    credential: Credential


class PasskeyName(Given):
    """What the person calls it."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "Điện thoại của tôi"}]})

    name: Name


class PasskeyOut(BaseModel):
    """A passkey by its public facts."""

    id: str
    name: str
    created_at: Instant
    used_at: Instant | None


def router() -> APIRouter:
    """`/me/passkeys`."""
    routes = APIRouter(tags=["passkeys"])
    many, one = "/me/passkeys", "/me/passkeys/{passkey_id}"
    routes.get(many, responses=documented(401))(find)
    with_csrf = [Depends(person)]
    refused = documented(401, 403, 409, 422)
    routes.post(f"{many}/options", responses=documented(401, 403, 409), dependencies=with_csrf)(begin)
    routes.post(many, status_code=201, responses=refused, dependencies=with_csrf)(finish)
    routes.patch(one, status_code=204, responses=documented(401, 403, 404, 422))(rename)
    routes.delete(one, status_code=204, responses=documented(401, 403, 404))(remove)
    return routes


def find(who: Who, parts: Parts) -> Page[PasskeyOut]:
    """One's own passkeys, the oldest first."""
    with parts.db.look() as session:
        return Page(items=[_out(one) for one in parts.passkeys.of(session, who)])


def begin(signed: WhoSignedIn, parts: Parts) -> dict[str, Any]:
    """Options for `navigator.credentials.create`, good for five minutes and one answer of this session."""
    with parts.db.look() as session:
        return parts.passkeys.begin(session, signed)


def finish(new: NewPasskey, signed: WhoSignedIn, parts: Parts) -> PasskeyOut:
    """Keep the passkey that the browser made."""
    with parts.db.work() as work:
        return _out(parts.passkeys.finish(work, signed, new.name, new.credential.model_dump()))


def rename(passkey_id: Key, new: PasskeyName, who: Who, parts: Parts) -> None:
    """Call it otherwise."""
    with parts.db.work() as work:
        parts.passkeys.rename(work, who, passkey_id, new.name)


def remove(passkey_id: Key, who: Who, parts: Parts, *, lost: bool = False) -> None:
    """Use it no more; `lost=true` where somebody else may have it."""
    with parts.db.work() as work:
        parts.passkeys.remove(work, who, passkey_id, lost=lost)


def _out(key: PersonalKey) -> PasskeyOut:
    return PasskeyOut(id=key.id, name=key.name, created_at=key.created_at, used_at=key.used_at)
