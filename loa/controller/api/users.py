"""Users and their roles."""

from collections.abc import Iterable
from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from loa.controller.api.deps import Parts, Who
from loa.controller.api.given import Given
from loa.controller.api.once import Once, Result
from loa.controller.api.pages import Cursor, Limit, Page, page
from loa.controller.api.problems import documented
from loa.controller.api.words import Words
from loa.controller.core.access import Grant, Role
from loa.controller.core.people import User
from loa.controller.services.people import NewUser, UserChange
from loa.protocol.ids import AreaId
from loa.protocol.units import Instant

Name = Annotated[Words, Field(min_length=1, max_length=200)]
Phone = Annotated[Words, Field(max_length=32)]
Password = Annotated[Words, Field(max_length=1_000)]


class GrantOut(BaseModel):
    """A role in an area and all below it."""

    area: AreaId
    role: Role


class UserIn(Given):
    """A person who is to be able to sign in."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "lan",
                    "name": "Nguyễn Thị Lan",
                    "password": "hoa sen trắng 1986",
                    "phone": "0912 345 678",
                    "roles": [{"area": "lang-cong", "role": "official"}],
                }
            ]
        }
    )

    id: Annotated[Words, Field(max_length=64)]
    name: Name
    password: Password
    phone: Phone | None = None
    roles: Annotated[list[GrantOut], Field(max_length=200, default_factory=list)]


class UserPatch(Given):
    """What is to be different; what is left out stays."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"phone": "0912 345 679", "active": True}]})

    name: Name | None = None
    phone: Phone | None = None
    password: Password | None = None
    active: bool | None = None


class RolesIn(Given):
    """All roles that the user is to have."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"roles": [{"area": "lang-cong", "role": "approver"}]}]}
    )

    roles: Annotated[list[GrantOut], Field(max_length=200)]


class UserOut(BaseModel):
    """A person, or a program that a person answers for."""

    id: str
    name: str
    phone: str | None
    active: bool
    created_at: Instant
    roles: list[GrantOut]


def router() -> APIRouter:
    """`/users`."""
    routes = APIRouter(tags=["users"])
    one = "/users/{user_id}"
    refused = documented(401, 403, 404, 409)
    routes.get("/users", responses=documented(401))(find)
    routes.post("/users", status_code=201, response_model=UserOut, responses=refused)(add)
    routes.get(one, responses=documented(401, 404))(get)
    routes.patch(one, response_model=UserOut, responses=refused)(change)
    routes.put(f"{one}/roles", response_model=UserOut, responses=refused)(grant)
    return routes


def find(who: Who, parts: Parts, cursor: Cursor = "", limit: Limit = 100) -> Page[UserOut]:
    """The users whom the person manages, by id."""
    with parts.db.look() as session:
        users = parts.people.find(session, who, after=cursor, limit=limit)
    return page([user_out(user) for user in users], limit, "id")


def add(new: UserIn, who: Who, parts: Parts, once: Once) -> Response:
    """Add a person; roles may be given at once."""
    hashed = parts.people.hashed(new.password, new.id)
    wanted = NewUser(id=new.id, name=new.name, password=hashed, phone=new.phone, grants=_grants(new.roles))
    return once.run(lambda work: Result(user_out(parts.people.add(work, who, wanted)), 201))


def get(user_id: Words, who: Who, parts: Parts) -> UserOut:
    """Oneself, or a user whom one manages."""
    with parts.db.look() as session:
        return user_out(parts.people.get(session, who, user_id))


def change(user_id: Words, patch: UserPatch, who: Who, parts: Parts, once: Once) -> Response:
    """Change or close an account; a new password ends all sessions.

    Only somebody who has none yet can be given a password; else it takes two: see `recovery`.
    """
    hashed = None if patch.password is None else parts.people.hashed(patch.password, user_id)
    wanted = UserChange(name=patch.name, phone=patch.phone, password=hashed, active=patch.active)
    return once.run(lambda work: Result(user_out(parts.people.change(work, who, user_id, wanted))))


def grant(user_id: Words, given: RolesIn, who: Who, parts: Parts, once: Once) -> Response:
    """Give the user these roles and no others."""
    wanted = _grants(given.roles)
    return once.run(lambda work: Result(user_out(parts.people.grant(work, who, user_id, wanted))))


def user_out(user: User) -> UserOut:
    """The user as it is answered."""
    return UserOut(
        id=user.id,
        name=user.name,
        phone=user.phone,
        active=user.active,
        created_at=user.created_at,
        roles=grants_out(user.grants),
    )


def grants_out(grants: Iterable[Grant]) -> list[GrantOut]:
    """The roles by area."""
    return [GrantOut(area=one.area_id, role=one.role) for one in sorted(grants)]


def _grants(given: Iterable[GrantOut]) -> frozenset[Grant]:
    return frozenset(Grant(one.area, one.role) for one in given)
