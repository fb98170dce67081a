"""Building what people sign in with, from the settings."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass

from loa.controller.core.passkeys import party_of
from loa.controller.ports import Clock
from loa.controller.services.attempts import Attempts
from loa.controller.services.audit import Audit
from loa.controller.services.ceremonies import Ceremonies
from loa.controller.services.failed_sign_ins import FailedSignIns
from loa.controller.services.hashing import PasswordHasher
from loa.controller.services.invitations import Invitations
from loa.controller.services.metrics import Metrics
from loa.controller.services.passkeys import Passkeys
from loa.controller.services.people import People
from loa.controller.services.recoveries import Recoveries
from loa.controller.services.second_factors import SecondFactors
from loa.controller.services.sessions import Sessions
from loa.controller.settings import Settings
from loa.controller.store.database import Database
from loa.controller.store.folder import DataFolder
from loa.controller.store.sealing import Sealer


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningIn:
    """People, and how they show who they are."""

    attempts: Attempts
    people: People
    invitations: Invitations
    second: SecondFactors
    sessions: Sessions
    recoveries: Recoveries


def make_signing_in(
    settings: Settings,
    db: Database,
    clock: Clock,
    audit: Audit,
    *,
    look_again: Callable[[str], None],
    metrics: Metrics,
) -> SigningIn:
    """All of it wired; makes the key of the second factors where there is none."""
    failed = FailedSignIns(clock=clock, metrics=metrics)
    sealer = Sealer.at(DataFolder(settings.data_dir).factors_key)
    hasher, attempts = PasswordHasher(), Attempts(clock=clock)
    people = People(clock=clock, audit=audit, hasher=hasher, look_again=look_again)
    roles, grace = settings.second_factor_roles, settings.second_factor_grace
    second = SecondFactors(clock=clock, audit=audit, sealer=sealer, roles=roles, grace=grace)
    sessions = Sessions(
        db=db,
        clock=clock,
        audit=audit,
        hasher=hasher,
        attempts=attempts,
        second=second,
        lasting=settings.session_lasting,
        idle=settings.session_idle,
        look_again=look_again,
        refused=failed.note,
    )
    recoveries = Recoveries(
        db=db,
        clock=clock,
        ids=lambda: uuid.uuid4().hex,
        audit=audit,
        people=people,
        attempts=attempts,
        sealer=sealer,
        refused=failed.note,
    )
    return SigningIn(
        attempts=attempts,
        people=people,
        invitations=Invitations(clock=clock, audit=audit, people=people),
        second=second,
        sessions=sessions,
        recoveries=recoveries,
    )


def make_passkeys(settings: Settings, *, clock: Clock, ids: Callable[[], str], audit: Audit) -> Passkeys:
    """For the console's address as people open it."""
    ceremonies, party = Ceremonies(clock=clock), party_of(settings.address)
    return Passkeys(clock=clock, ids=ids, audit=audit, ceremonies=ceremonies, party=party)
