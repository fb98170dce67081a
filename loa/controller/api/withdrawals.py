"""Withdrawals over HTTP."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from loa.controller.api.deps import Parts, Who
from loa.controller.api.given import Given
from loa.controller.api.once import Once, Result
from loa.controller.api.problems import documented
from loa.controller.api.words import Words
from loa.controller.services.withdrawals import Withdrawn
from loa.protocol.ids import AreaId, BroadcastId, OccurrenceId


class WithdrawalIn(Given):
    """What is to be taken off the air, and where."""

    occurrence: OccurrenceId | None = None
    """None: all of the broadcast."""
    area: AreaId | None = None
    """None: everywhere; else only from the programme of this area."""
    reason: Annotated[Words, Field(max_length=500, examples=["Hoãn vì mưa."])] = ""


class WithdrawalOut(BaseModel):
    """A withdrawal as it was issued."""

    id: str
    broadcast: str
    target: str
    area: str | None
    issued_at: datetime
    by: str
    reason: str


class WithdrawalsOut(BaseModel):
    """The withdrawals of a broadcast and its occurrences, by time."""

    items: tuple[WithdrawalOut, ...]


def router() -> APIRouter:
    """The routes of withdrawals."""
    made = APIRouter(tags=["withdrawals"])
    path = "/broadcasts/{broadcast}/withdrawals"
    made.add_api_route(path, find, methods=["GET"], responses=documented(401, 404))
    made.add_api_route(
        path,
        withdraw,
        methods=["POST"],
        status_code=201,
        response_model=WithdrawalOut,
        responses=documented(401, 403, 404, 409),
    )
    return made


def withdraw(parts: Parts, who: Who, broadcast: BroadcastId, once: Once, asked: WithdrawalIn) -> Response:
    """Take it off the air. The same again is answered with the first withdrawal."""
    return once.run(
        lambda work: Result(
            _out(
                parts.withdrawals.withdraw(
                    work,
                    who,
                    broadcast,
                    occurrence=asked.occurrence,
                    area=asked.area,
                    reason=asked.reason,
                )
            ),
            201,
        )
    )


def find(parts: Parts, who: Who, broadcast: BroadcastId) -> WithdrawalsOut:
    """What was withdrawn of it."""
    with parts.db.look() as session:
        found = parts.withdrawals.find(session, who, broadcast)
    return WithdrawalsOut(items=tuple(map(_out, found)))


def _out(said: Withdrawn) -> WithdrawalOut:
    return WithdrawalOut(
        id=said.id,
        broadcast=said.broadcast,
        target=said.target,
        area=said.area,
        issued_at=said.issued_at,
        by=said.by,
        reason=said.reason,
    )
