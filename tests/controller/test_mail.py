"""Notices by e-mail: a digest to those who asked, seldom, and not lost when the server is away."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from aiosmtpd.controller import Controller as Server
from aiosmtpd.smtp import SMTP, Envelope, Session

from loa.controller.adapters.smtp import SmtpPost
from loa.controller.core.access import Role
from loa.controller.core.presence import Presence
from loa.controller.core.sample import COMMUNE, VILLAGES
from loa.controller.errors import Unavailable
from loa.controller.services.alerts import Alerts
from loa.controller.services.bulletins import Bulletins
from loa.controller.services.mail import Mail
from loa.controller.settings import SmtpSecurity
from loa.controller.store.database import Database
from loa.controller.store.tables import NodeRow, UserRow
from loa.controller.web.alert_words import compose_mail
from tests import loopback
from tests.controller.factories import PROVINCE, Town
from tests.fakes.controller import FakeEvents


@dataclass
class Box:
    """A mail server's handler that keeps what comes, or refuses it."""

    refuse: str = ""
    mails: list[EmailMessage] = field(default_factory=list)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 -- as aiosmtpd calls it
        del server, session
        await asyncio.sleep(0)
        if self.refuse:
            return self.refuse
        content = envelope.content
        assert isinstance(content, bytes)
        mail = message_from_bytes(content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        return "250 OK"


@contextmanager
def serving(box: Box, port: int) -> Iterator[None]:
    server = Server(box, hostname="127.0.0.1", port=port)
    server.start()
    try:
        yield
    finally:
        server.stop()


@dataclass
class Office:
    """A commune with a lost node, a person who wants mails, and the sending to that port."""

    town: Town
    port: int = field(default_factory=loopback.free_port)

    def __post_init__(self) -> None:
        town = self.town
        bulletins = Bulletins(clock=town.clock, ids=str, audit=town.audit, events=FakeEvents())
        self.mail = Mail(
            db=town.db,
            clock=town.clock,
            alerts=Alerts(clock=town.clock, bulletins=bulletins),
            post=SmtpPost(host="127.0.0.1", port=self.port, security=SmtpSecurity.NONE, sender="loa@xa.vn"),
            compose=compose_mail("https://loa.xa.vn"),
            every=timedelta(minutes=60),
        )

    def wants(self, user: str, *roles: tuple[str, Role]) -> None:
        self.town.user(user, *roles)
        with self.town.db.work() as work:
            row = work.session.get_one(UserRow, user)
            row.email, row.mail_notices = f"{user}@xa.vn", True

    def lose(self, node: str, presence: Presence = Presence.LOST) -> None:
        with self.town.db.work() as work:
            row = work.session.get_one(NodeRow, node)
            row.presence, row.state_at = presence, self.town.clock.now()


@pytest.fixture
def office(db: Database) -> Office:
    town = Town(db).build()
    for number, village in enumerate(VILLAGES[:2], 1):
        town.node(f"loa-{number}", village)
    made = Office(town)
    for number in (1, 2):
        made.lose(f"loa-{number}", Presence.CONNECTED)
    made.wants("tam", (COMMUNE, Role.SUPERVISOR))
    return made


def test_a_digest_tells_what_happened_and_where_to_look(office: Office) -> None:
    box = Box()
    office.lose("loa-1")
    office.lose("loa-2")
    with serving(box, office.port):
        assert office.mail.send_due() == 1
    [mail] = box.mails
    assert (mail["to"], mail["from"]) == ("tam@xa.vn", "loa@xa.vn")
    assert mail["subject"] == "Loa: 2 việc cần người xem"
    text = mail.get_content()
    assert "loa-1 mất liên lạc" in text
    assert "https://loa.xa.vn/nodes/loa-2" in text


def test_one_mail_in_the_time_and_only_for_what_is_new(office: Office) -> None:
    box = Box()
    office.lose("loa-1")
    with serving(box, office.port):
        office.mail.send_due()
        office.lose("loa-2")
        office.town.clock.forward(minutes=59)
        assert office.mail.send_due() == 0, "too soon"
        office.town.clock.forward(minutes=1)
        assert office.mail.send_due() == 1
        office.town.clock.forward(hours=5)
        assert office.mail.send_due() == 0, "nothing new"
    assert len(box.mails) == 2


def test_what_comes_again_is_told_again(office: Office) -> None:
    box = Box()
    office.lose("loa-1")
    with serving(box, office.port):
        office.mail.send_due()
        office.lose("loa-1", Presence.CONNECTED)
        office.town.clock.forward(hours=2)
        assert office.mail.send_due() == 0
        office.lose("loa-1")
        assert office.mail.send_due() == 1


def test_nothing_goes_to_who_did_not_ask_or_has_no_right_there(office: Office) -> None:
    box = Box()
    office.town.user("lan", (COMMUNE, Role.SUPERVISOR))
    office.wants("la", (VILLAGES[2], Role.SUPERVISOR))
    office.lose("loa-1")
    with serving(box, office.port):
        office.mail.send_due()
    assert [mail["to"] for mail in box.mails] == ["tam@xa.vn"]


def test_a_server_that_is_away_is_tried_again_with_longer_waits(office: Office) -> None:
    box = Box()
    office.lose("loa-1")
    assert office.mail.send_due() == 0
    with serving(box, office.port):
        assert office.mail.send_due() == 0, "not at once"
        office.town.clock.forward(minutes=1)
        assert office.mail.send_due() == 1


def test_a_refusal_is_shown_to_who_manages_the_person(office: Office) -> None:
    office.lose("loa-1")
    admin = office.town.user("quan", (COMMUNE, Role.ADMIN))
    stranger = office.town.user("la", (VILLAGES[2], Role.ADMIN))
    with serving(Box(refuse="550 no such mailbox"), office.port):
        office.mail.send_due()
        office.town.clock.forward(minutes=1)
        office.mail.send_due()
    with office.town.db.look() as session:
        [trouble] = office.mail.troubles(session, admin)
        assert (trouble.user, trouble.failures) == ("tam", 2)
        assert "no such mailbox" in trouble.failure
        assert office.mail.troubles(session, stranger) == []


def test_a_name_cannot_smuggle_a_header_into_a_mail(office: Office) -> None:
    post = SmtpPost(host="127.0.0.1", port=office.port, security=SmtpSecurity.NONE, sender="loa@xa.vn")
    with serving(Box(), office.port), pytest.raises(Unavailable):
        post.send("tam@xa.vn", "Loa\nBcc: la@xa.vn", "…")


def test_without_a_server_nothing_is_tried(office: Office) -> None:
    quiet = Mail(
        db=office.town.db,
        clock=office.town.clock,
        alerts=Alerts(
            clock=office.town.clock,
            bulletins=Bulletins(
                clock=office.town.clock, ids=str, audit=office.town.audit, events=FakeEvents()
            ),
        ),
        post=None,
        compose=compose_mail(""),
        every=timedelta(minutes=60),
    )
    office.wants("tinh", (PROVINCE, Role.SUPERVISOR))
    assert not quiet.is_set
    assert quiet.send_due() == 0
