"""The schedule of an area for the calendar of a telephone, behind a secret address of the person's own."""

import secrets
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock

from loa.controller.core.access import Act, Person
from loa.controller.core.icalendar import Event, calendar
from loa.controller.core.schedule import Schedule, Slot
from loa.controller.errors import NotFound
from loa.controller.ports import Clock
from loa.controller.services.audit import Audit
from loa.controller.services.rights import permit
from loa.controller.services.sessions import secret_hash
from loa.controller.services.timelines import Timelines
from loa.controller.store import feeds as store
from loa.controller.store.database import Session, Work
from loa.controller.store.people import user_of
from loa.controller.store.tree import read_tree
from loa.protocol.ids import AreaId, sha256_hex
from loa.protocol.units import to_ms
from loa.schedules.model import Window

PAST, AHEAD = timedelta(days=7), timedelta(days=45)
KEPT_FOR = timedelta(seconds=60)
"""So long the same text answers: however often a calendar asks, the work is done once a minute."""
MOST_KEPT = 256
REFRESH_MINUTES = 60
SECRET_CHARACTERS = 43

Describe = Callable[[Slot], tuple[str, str]]
"""Description and category of an event, in words for people."""


@dataclass(frozen=True, slots=True)
class Feed:
    """A feed's text, and its name by its contents."""

    text: str
    etag: str


class Feeds:
    """One feed a person and area. Its secret is shown once, when it is made; only its hash is kept."""

    def __init__(self, *, clock: Clock, audit: Audit, timelines: Timelines) -> None:
        self._clock = clock
        self._audit = audit
        self._timelines = timelines
        self._kept: OrderedDict[str, tuple[datetime, Feed]] = OrderedDict()
        self._lock = Lock()

    def made_at(self, session: Session, who: Person, area: AreaId) -> datetime | None:
        """Since when the person has a feed of the area; raises `NotFound`."""
        permit(session, who, Act.READ_AREA, area)
        row = store.feed_of(session, who.user_id, area)
        return None if row is None else row.created_at

    def renew(self, work: Work, who: Person, area: AreaId) -> str:
        """A new secret; the one from before opens nothing any more. Raises `NotFound`."""
        permit(work.session, who, Act.READ_AREA, area)
        secret = secrets.token_urlsafe(32)
        store.put_feed(work.session, who.user_id, area, secret_hash(secret), self._clock.now())
        self._audit.note(work, who.user_id, "feed.made", area=area, subject=area)
        work.after_commit(self._forget)
        return secret

    def revoke(self, work: Work, who: Person, area: AreaId) -> None:
        """End the feed; does nothing the second time. Raises `NotFound`."""
        permit(work.session, who, Act.READ_AREA, area)
        row = store.feed_of(work.session, who.user_id, area)
        if row is not None:
            work.session.delete(row)
            self._audit.note(work, who.user_id, "feed.revoked", area=area, subject=area)
        work.after_commit(self._forget)

    def read(self, session: Session, secret: str, describe: Describe) -> Feed:
        """What is approved from a week ago on; raises `NotFound` for a secret that opens nothing (any more).

        The person's rights of now count. Texts are kept for a minute.
        """
        person, area = self._whose(session, secret)
        now, name = self._clock.now(), f"{person.user_id} {area}"
        with self._lock:
            at, feed = self._kept.get(name, (now - KEPT_FOR, None))
        if feed is not None and now - at < KEPT_FOR:
            return feed
        feed = self._make(session, person, area, describe)
        with self._lock:
            self._kept[name] = now, feed
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
        return feed

    def _whose(self, session: Session, secret: str) -> tuple[Person, AreaId]:
        missing = NotFound("no_such_feed", "this address opens nothing; subscribe anew in the console")
        row = store.feed_by(session, secret_hash(secret)) if len(secret) == SECRET_CHARACTERS else None
        user = None if row is None else user_of(session, row.user_id)
        if row is None or user is None or not user.active:
            raise missing
        person, area = Person(user.id, user.name, user.grants), AreaId(row.area_id)
        permit(session, person, Act.READ_AREA, area, missing=missing)
        return person, area

    def _make(self, session: Session, person: Person, area: AreaId, describe: Describe) -> Feed:
        today = self._clock.now().replace(minute=0, second=0, microsecond=0)
        window = Window(from_at=today - PAST, until_at=today + AHEAD)
        schedule = self._timelines.read(session, person, area, window, waiting=False)
        name = read_tree(session).place(area).name
        events = (_event(schedule, slot, name, describe) for slot in schedule.slots if slot.sounds)
        text = calendar(f"Loa · {name}", events, refresh_minutes=REFRESH_MINUTES)
        return Feed(text, f'"{sha256_hex(text.encode())[:32]}"')

    def _forget(self) -> None:
        with self._lock:
            self._kept.clear()


def _event(schedule: Schedule, slot: Slot, name: str, describe: Describe) -> Event:
    description, category = describe(slot)
    return Event(
        uid=f"{slot.bulletin}-{to_ms(slot.planned_at)}-{schedule.area}@loa",
        from_at=slot.from_at,
        to_at=slot.to_at,
        stamp=slot.approved_at,
        summary=slot.title,
        description=description,
        location=name,
        category=category,
    )
