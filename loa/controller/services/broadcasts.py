"""Broadcasts (lịch phát): approval makes them; nothing changes them."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from pydantic import ValidationError

from loa.controller.core.access import Act, Person, granted
from loa.controller.core.approving import needs_another, own_approval
from loa.controller.core.broadcasts import Approved, Issuer, Scheduled, make_broadcast, over_at
from loa.controller.core.bulletins import NOW, Bulletin, BulletinState, Draft
from loa.controller.core.drills import SPOKEN
from loa.controller.core.inbox import Destinations, destinations
from loa.controller.core.notices import Notice, NoticeCode, in_order
from loa.controller.core.planning import Examined, Request, examine
from loa.controller.errors import Conflict, Forbidden, Invalid, NotFound
from loa.controller.ports import Clock
from loa.controller.services.audit import Audit
from loa.controller.services.bulletins import Bulletins, check_complete, spoken_text, text_digest
from loa.controller.services.cursors import Place, pack, unpack
from loa.controller.services.placing import Placing
from loa.controller.services.refusals import refused
from loa.controller.services.rights import above
from loa.controller.store import broadcasts as store
from loa.controller.store.areas import areas_below
from loa.controller.store.database import Session, Work
from loa.controller.store.tables import RecordingRow
from loa.controller.store.tree import read_tree
from loa.protocol.broadcast import Broadcast, ControllerApproval, Entry, RecordingSource, approve
from loa.protocol.ids import AreaId, BroadcastId, NodeId, RecordingId
from loa.protocol.keys import SigningKey
from loa.protocol.kinds import BroadcastClass
from loa.protocol.units import DurationMs, SizeBytes, to_whole_ms

LEAD = timedelta(milliseconds=500)
"""What starts now starts this much later, so that near nodes begin together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BroadcastFilter:
    """Which broadcasts to list; None is any. `reaching` is an area in whose programme it stands."""

    issuer: AreaId | None = None
    reaching: AreaId | None = None
    bulletin: str | None = None
    from_at: datetime | None = None
    """Not over at this instant."""


@dataclass(frozen=True, slots=True)
class BroadcastPage:
    """Some broadcasts, the last approved first, and where to go on."""

    scheduled: tuple[Scheduled, ...]
    next_cursor: str | None


class Broadcasts:
    """Turns submitted bulletins into approved broadcasts and places them."""

    def __init__(
        self,
        *,
        clock: Clock,
        key: SigningKey,
        bulletins: Bulletins,
        audit: Audit,
        placing: Placing,
        lead: timedelta = LEAD,
    ) -> None:
        self._clock = clock
        self._key = key
        self._bulletins = bulletins
        self._audit = audit
        self._placing = placing
        self._lead = lead

    def approve(self, work: Work, who: Person, bulletin_id: str, revision: int) -> Approved:
        """Approve a submitted bulletin; by its plan it stands in programmes or waits in inboxes.

        Raises `Stale`, `Conflict` (decided already), `Forbidden` (own bulletin, where the area's policy
        leaves that to others), `Invalid` (its time).
        """
        found = self._bulletins.open(work.session, who, bulletin_id, Act.APPROVE, revision)
        if found.state is not BulletinState.SUBMITTED:
            raise Conflict("wrong_state", "submit the bulletin first", state=found.state)
        tree, area, now = read_tree(work.session), found.draft.area, self._clock.now()
        if needs_another(tree, area, found.authors, who.user_id, now):
            raise Forbidden(
                "own_bulletin",
                "you wrote this bulletin; somebody else must approve it",
                legal_source=own_approval(tree, area, now).legal_source,
            )
        return self._issue(work, who, found)

    def emergency(self, work: Work, who: Person, bulletin_id: str, revision: int) -> Approved:
        """Broadcast a bulletin of class emergency now (plus the lead), by one person with that right."""
        found = self._bulletins.open(work.session, who, bulletin_id, Act.BROADCAST_EMERGENCY, revision)
        if found.draft.class_ is not BroadcastClass.EMERGENCY:
            raise Invalid("not_an_emergency", "the bulletin is no emergency; submit it to be approved")
        return self._issue_now(work, who, found)

    def drill(self, work: Work, who: Person, bulletin_id: str, revision: int) -> Approved:
        """Broadcast a drill now (plus the lead), by one person who may do so in earnest.

        It keeps its class, which is no emergency: it waits for what sounds, and quiet hours refuse it.
        """
        found = self._bulletins.open(work.session, who, bulletin_id, Act.BROADCAST_EMERGENCY, revision)
        if not found.draft.drill:
            raise Invalid("not_a_drill", "the bulletin is no drill; submit it to be approved")
        return self._issue_now(work, who, found)

    def reissue(self, work: Work, who: Person, original: Scheduled, draft: Draft) -> Scheduled:
        """The sound of a broadcast as another one, with area, audience and time of `draft`; for the inbox."""
        said = original.broadcast
        issuer = Issuer(draft, said.bulletin, self._authority(work.session, draft.area), said.text_sha256)
        return self._make(work, who, issuer, said.source)[0]

    def get(self, session: Session, who: Person, broadcast_id: BroadcastId) -> Scheduled:
        """Raises `NotFound` also where the person has no right to know of it."""
        found = store.read_broadcast(session, broadcast_id)
        if found is None or not self._may_read(session, who, found):
            raise NotFound("no_such_broadcast", f"there is no broadcast {broadcast_id}")
        return found

    def find(
        self, session: Session, who: Person, wanted: BroadcastFilter, *, cursor: str | None, limit: int
    ) -> BroadcastPage:
        """Those that the person may read."""
        readable = _readable(session, who)
        conditions = store.Wanted(
            readable=readable,
            hearing=readable | above(session, who),
            issuer=wanted.issuer,
            reaching=wanted.reaching,
            bulletin=wanted.bulletin,
            from_at=wanted.from_at,
        )
        found = store.find_broadcasts(session, conditions, unpack(cursor), limit + 1)
        page = tuple(found[:limit])
        more = len(found) > limit
        return BroadcastPage(page, pack(Place(page[-1].approved_at, page[-1].id)) if more else None)

    def is_carried(self, session: Session, recording: RecordingId, node: NodeId) -> bool:
        """Whether a programme of the node names the recording."""
        return store.carries(session, recording, node)

    def _may_read(self, session: Session, who: Person, found: Scheduled) -> bool:
        readable = _readable(session, who)
        if found.broadcast.issuer in readable or store.inboxes_of(session, found.id) & readable:
            return True
        return bool(store.reach_of(session, found.id) & (readable | above(session, who)))

    def _authority(self, session: Session, area: AreaId) -> int:
        return read_tree(session).place(area).authority

    def _issue_now(self, work: Work, who: Person, found: Bulletin) -> Approved:
        plan = found.draft.plan.model_copy(update={"when": NOW})
        return self._issue(work, who, replace(found, draft=replace(found.draft, plan=plan)))

    def _issue(self, work: Work, who: Person, bulletin: Bulletin) -> Approved:
        draft = bulletin.draft
        recording = check_complete(work.session, draft)
        authority = self._authority(work.session, draft.area)
        said = spoken_text(draft)
        text = text_digest(said) if said and recording.origin in SPOKEN else None
        issuer = Issuer(draft, bulletin.id, authority, text)
        scheduled, notices = self._make(work, who, issuer, _source(recording))
        self._bulletins.approved(work, who, bulletin)
        return Approved(scheduled, notices)

    def _make(
        self, work: Work, who: Person, issuer: Issuer, source: RecordingSource
    ) -> tuple[Scheduled, tuple[Notice, ...]]:
        now = to_whole_ms(self._clock.now())
        tree = read_tree(work.session)
        draft = issuer.draft
        examined = examine(
            tree,
            Request(
                area=draft.area,
                class_=draft.class_,
                plan=draft.plan,
                duration_ms=source.duration_ms,
                now=now,
                lead=self._lead,
            ),
        )
        broadcast = _document(issuer, source, examined, now)
        scheduled, entry = self._keep(work, who, broadcast, examined, now)
        goes_to = destinations(tree, draft.area, draft.class_, draft.plan.audience)
        if draft.class_ is BroadcastClass.EMERGENCY:
            self._placing.place_emergency(work, entry, scheduled.over_at, goes_to)
        else:
            self._placing.place(work, entry.id, goes_to, now)
        self._placing.tell(work, {draft.area}, scheduled.id)
        return scheduled, in_order([*examined.notices, *_waiting(goes_to, draft)])

    def _keep(
        self, work: Work, who: Person, broadcast: Broadcast, examined: Examined, now: datetime
    ) -> tuple[Scheduled, Entry]:
        approval = approve(broadcast, approver=who.user_id, approved_at=now, key=self._key)
        entry = _entry(broadcast, approval, now)
        scheduled = Scheduled(
            id=entry.id,
            broadcast=broadcast,
            approved_by=who.user_id,
            approved_at=now,
            first_start_at=examined.starts.near[0],
            over_at=over_at(broadcast, examined.starts),
            withdrawn_at=None,
        )
        store.add_broadcast(work.session, scheduled, entry)
        self._audit.note(
            work,
            who.user_id,
            "broadcast.approved",
            area=broadcast.issuer,
            subject=entry.id,
            bulletin=broadcast.bulletin,
            first_start_at=scheduled.first_start_at,
        )
        return scheduled, entry


def _document(issuer: Issuer, source: RecordingSource, examined: Examined, now: datetime) -> Broadcast:
    refusal = examined.refusal
    if refusal is not None or examined.when is None:
        raise refused(refusal or Notice(code=NoticeCode.NO_TIME))
    return make_broadcast(issuer, source, examined.when, examined.starts, created_at=now)


def _source(recording: RecordingRow) -> RecordingSource:
    return RecordingSource(
        recording=RecordingId(recording.sha256),
        duration_ms=DurationMs(recording.duration_ms),
        size_bytes=SizeBytes(recording.size_bytes),
    )


def _entry(broadcast: Broadcast, approval: ControllerApproval, now: datetime) -> Entry:
    try:
        return Entry(document=broadcast.to_bytes().decode(), approvals=(approval,), issued_at=now)
    except ValidationError as error:
        raise Invalid(
            "too_many_dates", "the plan is too long to be sent; give fewer dates or areas"
        ) from error


def _waiting(goes_to: Destinations, draft: Draft) -> list[Notice]:
    if draft.class_ is not BroadcastClass.NORMAL or not goes_to.inbox:
        return []
    return [Notice(code=NoticeCode.WAITS_FOR_CHOICE, areas=tuple(sorted(goes_to.inbox)))]


def _readable(session: Session, who: Person) -> frozenset[AreaId]:
    return areas_below(session, granted(who, Act.READ_AREA))
