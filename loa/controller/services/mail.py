"""What needs somebody, by e-mail: one digest a person in a bounded time, only when there is something new."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from pydantic_core import from_json, to_json

from loa.controller.core.access import Act, Person, granted
from loa.controller.core.alerts import Alert
from loa.controller.core.people import User
from loa.controller.errors import Unavailable
from loa.controller.ports import Clock, Post
from loa.controller.services.alerts import Alerts
from loa.controller.store import mails as store
from loa.controller.store.admin_tables import MailRow
from loa.controller.store.database import Database, Session

_log = structlog.get_logger(__name__)
FIRST_WAIT = timedelta(minutes=1)
LONGEST_WAIT = timedelta(hours=1)
"""Between attempts after failures, which double the wait."""
_MOST_DOUBLINGS = 6

Compose = Callable[[User, Sequence[Alert]], tuple[str, str]]
"""Subject and text for that person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """A person to whom mails do not go."""

    user: str
    name: str
    failures: int
    tried_at: datetime
    failure: str


class Mail:
    """Only to those who asked for it. After a crash in between a digest may come twice, never get lost."""

    def __init__(
        self,
        *,
        db: Database,
        clock: Clock,
        alerts: Alerts,
        post: Post | None,
        compose: Compose,
        every: timedelta,
    ) -> None:
        self._db = db
        self._clock = clock
        self._alerts = alerts
        self._post = post
        self._compose = compose
        self._every = every

    @property
    def is_set(self) -> bool:
        """Whether there is a server that takes mails."""
        return self._post is not None

    def send_due(self) -> int:
        """The job: tell everybody who asked and whose time has come; how many mails went out."""
        if self._post is None:
            return 0
        with self._db.look() as session:
            people = store.wanting(session)
        return sum(self._tell(self._post, user) for user in people)

    def troubles(self, session: Session, who: Person) -> list[Trouble]:
        """The people whom the person manages and to whom the last mail did not go."""
        found = store.failing(session, granted(who, Act.MANAGE_PEOPLE))
        return [
            Trouble(
                user=row.user_id,
                name=name,
                failures=row.failures,
                tried_at=row.tried_at or self._clock.now(),
                failure=row.failure,
            )
            for row, name in found
        ]

    def _tell(self, post: Post, user: User) -> bool:
        now = self._clock.now()
        with self._db.look() as session:
            row = store.mail_of(session, user.id)
            if not self._is_due(row, now):
                return False
            alerts = self._alerts.of(session, Person(user.id, user.name, user.grants))
        keys, told = {f"{one.kind}:{one.subject}" for one in alerts}, set(from_json(row.told))
        if not keys - told:
            self._keep(user, told & keys, row)
            return False
        failure = self._send(post, user, alerts)
        row.tried_at = now
        if failure:
            row.failures, row.failure = row.failures + 1, failure
        else:
            row.failures, row.failure, row.sent_at = 0, "", now
        self._keep(user, told if failure else keys, row)
        return not failure

    def _send(self, post: Post, user: User, alerts: Sequence[Alert]) -> str:
        subject, text = self._compose(user, alerts)
        try:
            post.send(user.email or "", subject, text)
        except Unavailable as error:
            _log.warning("mail.failed", user=user.id, why=error.detail)
            return error.detail[:500]
        _log.info("mail.sent", user=user.id, alerts=len(alerts))
        return ""

    def _is_due(self, row: MailRow, now: datetime) -> bool:
        if row.failures and row.tried_at is not None:
            doublings = min(row.failures - 1, _MOST_DOUBLINGS)
            wait = min(FIRST_WAIT * int(2**doublings), LONGEST_WAIT)
            return now - row.tried_at >= wait
        return row.sent_at is None or now - row.sent_at >= self._every

    def _keep(self, user: User, told: set[str], row: MailRow) -> None:
        """What is over is forgotten, so that it is told when it comes again."""
        text = to_json(sorted(told)).decode()
        if text == row.told and row.tried_at != self._clock.now():
            return
        row.told = text
        with self._db.work() as work:
            store.store_mail(work.session, user.id, row)
