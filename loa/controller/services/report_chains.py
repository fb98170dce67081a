"""Keeps what proves reports, and says where a node's reports do not follow those before."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

import structlog
from pydantic_core import to_json

from loa.controller.core.chaining import START, Break, Fault, Head, Link, Sealed, follow
from loa.controller.core.identities import SAY_AGAIN, Verdict
from loa.controller.ports import EventKind, Events
from loa.controller.store import envelopes as store
from loa.controller.store.database import Work
from loa.controller.store.envelopes import Followed
from loa.controller.store.identities import identities_of, note_incident, store_identities
from loa.controller.store.incidents import CHAIN
from loa.controller.store.reports import Journal
from loa.protocol.ids import AreaId, NodeId

_log = structlog.get_logger(__name__)

WORDS = {
    Fault.MISSING: "reports {first} to {last} are not here, and the node does not have them any more",
    Fault.ALTERED: "reports {first} to {last} do not follow those before, by what the node signed",
}


class ReportChains:
    """For the ingest thread, in its transaction. It refuses nothing."""

    def __init__(self, *, events: Events) -> None:
        self._events = events

    def keep(
        self,
        work: Work,
        some: Sequence[Sealed],
        *,
        known: Mapping[Journal, int],
        up_to: Mapping[Journal, int],
        now: datetime,
    ) -> None:
        """Keep the envelopes and follow their chains.

        `known` is how far each journal was without a gap, `up_to` how far it is with these.
        """
        store.insert_envelopes(work.session, some, now)
        links: defaultdict[Journal, list[Link]] = defaultdict(list)
        for one in some:
            links[one.batch.node, one.batch.journal_id].append(one.link)
        followed = store.chains(work.session, known)
        for journal, fresh in links.items():
            before = followed.get(journal) or Followed(_begin(known[journal]))
            head, breaks = _follow(work, journal, before.head, fresh, up_to[journal])
            followed[journal] = Followed(head, self._tell(work, journal, breaks, before.broken_at, now))
        store.store_chains(work.session, followed)

    def _tell(
        self, work: Work, journal: Journal, breaks: Sequence[Break], told_at: datetime | None, now: datetime
    ) -> datetime | None:
        """When it was told at last: what breaks again and again is worth one word a day."""
        if not breaks or (told_at is not None and now - told_at < SAY_AGAIN):
            return told_at
        node, journal_id = journal
        for one in breaks:
            said = {"fault": one.fault.value, "first": one.first, "last": one.last}
            detail = WORDS[one.fault].format(first=one.first, last=one.last)
            body = {"kind": CHAIN, "journal": journal_id, "detail": detail, **said}
            note_incident(work.session, node, to_json(body).decode(), now, kind=CHAIN)
            _log.error("node.chain_broken", node=node, journal=journal_id, **said)
        work.after_commit(lambda: self._events.announce(EventKind.INCIDENT, AreaId(node), node))
        if any(one.fault is Fault.ALTERED for one in breaks):
            _mark(work, node, now)
        return now


def _begin(number: int) -> Head:
    """A journal that was there before its reports were chained begins anywhere."""
    return Head(number, None) if number else START


def _follow(
    work: Work, journal: Journal, head: Head, fresh: Sequence[Link], reached: int
) -> tuple[Head, list[Break]]:
    head, breaks = follow(head, fresh, reached=head.number)
    if head.number < reached:
        head, more = follow(head, store.links_beyond(work.session, journal, head.number), reached=reached)
        breaks += more
    return head, breaks


def _mark(work: Work, node: NodeId, now: datetime) -> None:
    """On its page, until somebody has looked; another word about it that stands there says more."""
    known = identities_of(work.session, {node}).get(node)
    if known is not None and known.verdict is None:
        told = known.model_copy(update={"verdict": Verdict.CHAIN_BROKEN, "verdict_at": now})
        store_identities(work.session, node, told)
