"""Tells apart the machines and cards that speak under a node's name, and notes what befell them."""

from collections.abc import Sequence
from datetime import datetime

import structlog
from pydantic_core import to_json

from loa.controller.core.identities import Identity, Verdict, hear
from loa.controller.errors import DiskFull, Unavailable
from loa.controller.ports import Clock, EventKind, Events
from loa.controller.store import identities as store
from loa.controller.store.database import Database, Work
from loa.protocol.ids import AreaId, NodeId
from loa.protocol.reports import Hello
from loa.protocol.units import to_whole_ms

_log = structlog.get_logger(__name__)

WORDS = {
    Verdict.CARD_CLONED: "two machines speak in turn from copies of one card; take one of them off the net",
    Verdict.NODE_DOUBLED: "two machines speak in turn under one enrolment; enrol one of them by itself",
    Verdict.CARD_MOVED: "its card is in another machine now",
    Verdict.DISK_REPLACED: "it has another card now; what the one before had not reported is on that one",
    Verdict.DISK_RETURNED: "it has a card back that it had before",
    Verdict.JOURNAL_ANEW: "its journal was begun anew on the same card; reports may be missing",
    Verdict.NODE_REPLACED: "another machine with another card speaks under its name",
    Verdict.CHAIN_BROKEN: "its reports do not follow those that were kept of it",
}


class IdentityWatch:
    """For the ingest thread."""

    def __init__(self, *, db: Database, clock: Clock, events: Events) -> None:
        self._db = db
        self._clock = clock
        self._events = events

    def note(self, hellos: Sequence[Hello]) -> None:
        """Keep who spoke, and write down what that means; without the database the next hello tells."""
        try:
            self._note_all(hellos)
        except (Unavailable, DiskFull) as error:
            _log.error("node.identity_not_noted", hellos=len(hellos), why=str(error))

    def _note_all(self, hellos: Sequence[Hello]) -> None:
        now = to_whole_ms(self._clock.now())
        with self._db.look() as session:
            known = store.identities_of(session, {hello.node for hello in hellos})
        news = [one for one in hellos if one.node in known and not _is_last(known[one.node].seen, one)]
        if not news:
            return
        with self._db.work() as work:
            for hello in news:
                self._note(work, hello, now)

    def _note(self, work: Work, hello: Hello, now: datetime) -> None:
        known = store.identities_of(work.session, {hello.node})[hello.node]
        after, verdict = hear(known, _speaker(hello, now))
        store.store_identities(work.session, hello.node, after)
        if verdict is None:
            return
        before = known.seen[0]
        body = {
            "kind": store.KIND,
            "verdict": verdict.value,
            "detail": WORDS[verdict],
            "now": {"journal": hello.journal_id, "machine": hello.machine, "card": hello.card},
            "before": {"journal": before.journal, "machine": before.machine, "card": before.card},
        }
        store.note_incident(work.session, hello.node, to_json(body).decode(), now)
        _log.warning("node.identity", node=hello.node, verdict=verdict, journal=hello.journal_id)
        work.after_commit(lambda: self._tell(hello.node))

    def _tell(self, node: NodeId) -> None:
        self._events.announce(EventKind.INCIDENT, AreaId(node), node)


def _is_last(seen: Sequence[Identity], hello: Hello) -> bool:
    said = (hello.journal_id, hello.machine, hello.card)
    return bool(seen) and (seen[0].journal, seen[0].machine, seen[0].card) == said


def _speaker(hello: Hello, now: datetime) -> Identity:
    return Identity(
        journal=hello.journal_id, machine=hello.machine, card=hello.card, first_at=now, last_at=now
    )
