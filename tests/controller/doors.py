"""What tests of signing in share: an app on a phone, refusals by code, two administrators."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import parse_qs, urlsplit

import pytest

from loa.controller.core.access import Person
from loa.controller.core.factors import (
    STEP_S,
    code_at,
)
from loa.controller.errors import (
    ControllerError,
)
from loa.controller.services.recoveries import Recoveries
from loa.controller.services.sessions import Browser, SignedIn
from loa.controller.store.audits import all_lines
from loa.protocol.ids import AreaId
from tests.controller.factories import SEALER, Town

COMMUNE = AreaId("lang-cong")
HOME = Browser(source="10.0.0.1", agent="home")
AWAY = Browser(source="198.51.100.7", agent="attacker")
NEW = "cau-lang-cong-moi"
RFC_SECRET = b"12345678901234567890"


def acts(town: Town) -> list[str]:
    with town.db.look() as session:
        return [sealed.line.act for sealed in all_lines(session)]


def whose(town: Town, signed: SignedIn, *, passive: bool = False) -> SignedIn:
    with town.db.look() as session:
        return town.sessions.whose(session, signed.secret, passive=passive)


@contextmanager
def refused(kind: type[ControllerError], code: str) -> Iterator[None]:
    with pytest.raises(kind) as found:
        yield
    assert found.value.code == code


class Phone:
    """An authenticator app that scanned what it was shown."""

    def __init__(self, town: Town, who: Person) -> None:
        self.town = town
        with town.db.work() as work:
            fresh = town.second.begin(work, who)
        self.secret = bytes.fromhex(_base32(parse_qs(urlsplit(fresh.address).query)["secret"][0]))
        with town.db.work() as work:
            self.paper = town.second.confirm(work, who, self.code())
        self.wait()

    def code(self) -> str:
        return code_at(self.secret, int(self.town.clock.now().timestamp()) // STEP_S)

    def wait(self) -> None:
        """Until it shows another code."""
        self.town.clock.forward(seconds=STEP_S)


def _base32(text: str) -> str:
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
    bits = "".join(f"{letters.index(letter):05b}" for letter in text)
    return f"{int(bits, 2):0{len(bits) // 4}x}"


def making(town: Town) -> Recoveries:
    ids = itertools.count()
    return Recoveries(
        db=town.db,
        clock=town.clock,
        ids=lambda: f"{next(ids):032x}",
        audit=town.audit,
        people=town.people,
        attempts=town.attempts,
        sealer=SEALER,
    )


def both(recoveries: Recoveries, town: Town, first: Person, second: Person) -> tuple[str, str]:
    with town.db.work() as work:
        one = recoveries.open(work, first, "hoa", "mất điện thoại").code
    with town.db.work() as work:
        return one, recoveries.confirm(work, second, "hoa").code
