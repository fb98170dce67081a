"""Building what sends mails, from the settings."""

from datetime import timedelta

from loa.controller.adapters.smtp import SmtpPost
from loa.controller.ports import Clock
from loa.controller.services.alerts import Alerts
from loa.controller.services.jobs import Job
from loa.controller.services.mail import Mail
from loa.controller.services.people import People
from loa.controller.services.recovery_mails import RecoveryMails
from loa.controller.settings import Settings
from loa.controller.store.database import Database
from loa.controller.web.alert_words import compose_mail, compose_recovery

_WHY = "the next run tells it, too"


def make_mail(settings: Settings, *, db: Database, clock: Clock, alerts: Alerts) -> Mail:
    """Digests of what needs people."""
    return Mail(
        db=db,
        clock=clock,
        alerts=alerts,
        post=_post(settings),
        compose=compose_mail(settings.address),
        every=timedelta(minutes=settings.mail_every_minutes),
    )


def mail_job(mail: Mail) -> Job:
    """Those who asked for it."""
    return Job(name="mail", run=mail.send_due, every_s=60, grace_s=60, why=_WHY)


def recovery_mail_job(settings: Settings, *, db: Database, clock: Clock, people: People) -> Job:
    """Whom a recovery concerns."""
    compose = compose_recovery(settings.address)
    told = RecoveryMails(db=db, clock=clock, people=people, post=_post(settings), compose=compose)
    return Job(name="recovery mail", run=told.send_due, every_s=30, grace_s=30, why=_WHY)


def _post(settings: Settings) -> SmtpPost | None:
    if settings.smtp_host is None:
        return None
    password = settings.smtp_password
    return SmtpPost(
        host=settings.smtp_host,
        port=settings.smtp_port,
        security=settings.smtp_security,
        sender=settings.mail_from,
        user=settings.smtp_user,
        password=None if password is None else password.get_secret_value(),
    )
