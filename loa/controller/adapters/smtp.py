"""Mails by SMTP, with the standard library's client."""

import smtplib
import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate, make_msgid

from loa.controller.errors import Unavailable
from loa.controller.settings import SmtpSecurity

PATIENCE_S = 20
"""For each answer of the server: a job must not hang."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpPost:
    """One connection a mail; there are few."""

    host: str
    port: int
    security: SmtpSecurity
    sender: str
    user: str | None = None
    password: str | None = None

    def send(self, to: str, subject: str, text: str) -> None:
        """Hand one mail to the server; raises `Unavailable` with what it answered."""
        try:
            message = self._message(to, subject, text)
            with self._connected() as server:
                if self.user is not None:
                    server.login(self.user, self.password or "")
                server.send_message(message)
        except (OSError, smtplib.SMTPException, ValueError) as error:
            raise Unavailable("mail_not_sent", f"{self.host}:{self.port}: {error}") from error

    def _connected(self) -> smtplib.SMTP:
        context = ssl.create_default_context()
        if self.security is SmtpSecurity.TLS:
            return smtplib.SMTP_SSL(self.host, self.port, timeout=PATIENCE_S, context=context)
        server = smtplib.SMTP(self.host, self.port, timeout=PATIENCE_S)
        if self.security is SmtpSecurity.STARTTLS:
            server.starttls(context=context)
        return server

    def _message(self, to: str, subject: str, text: str) -> EmailMessage:
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = self.sender, to, subject
        message["Date"], message["Message-ID"] = formatdate(localtime=False), make_msgid(domain="loa")
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(text)
        return message
