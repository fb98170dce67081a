"""Broadcasts (lịch phát): approval makes them; nothing changes them."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from pydantic import ValidationError

from loa.controller.core.access import Act, Person, granted
from loa.controller.core.approving import needs_another, own_approval
from loa.controller.core.broadcasts import Approved, HalfApproved, Issuer, Scheduled, make_broadcast, over_at
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
from loa.controller.services.signatures import LASTING, Signature, Signatures, ToSign, read_signed
from loa.controller.store import broadcasts as store
from loa.controller.store.areas import areas_below
from loa.controller.store.database import Session, Work
from loa.controller.store.half_approved import approvals_in, forget_half, half_approved, keep_half
from loa.controller.store.tables import RecordingRow
from loa.controller.store.tree import read_tree
from loa.protocol.broadcast import Approval, Broadcast, Entry, PasskeyApproval, RecordingSource, approve
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
        signatures: Signatures,
        lead: timedelta = LEAD,
    ) -> None:
        self._clock = clock
        self._key = key
        self._bulletins = bulletins
        self._audit = audit
        self._placing = placing
        self._signatures = signatures
        self._lead = lead

    def approve(self, work: Work, who: Person, bulletin_id: str, revision: int) -> Approved:
        """Approve a submitted bulletin; by its plan it stands in programmes or waits in inboxes.

        Raises `Stale`, `Conflict` (decided already, or to be signed), `Forbidden` (own bulletin, where the
        area's policy leaves that to others), `Invalid` (its time).
        """
        return self._issue(work, who, self._submitted(work.session, who, bulletin_id, revision))

    def emergency(self, work: Work, who: Person, bulletin_id: str, revision: int) -> Approved:
        """Broadcast a bulletin of class emergency now (plus the lead), by one person with that right."""
        found = self._bulletins.open(work.session, who, bulletin_id, Act.BROADCAST_EMERGENCY, revision)
        if found.draft.class_ is not BroadcastClass.EMERGENCY:
            raise Invalid("not_an_emergency", "the bulletin is no emergency; submit it to be approved")
        return self._issue(work, who, _at_once(found))

    def drill(self, work: Work, who: Person, bulletin_id: str, revision: int) -> Approved:
        """Broadcast a drill now (plus the lead), by one person who may do so in earnest.

        It keeps its class, which is no emergency: it waits for what sounds, and quiet hours refuse it.
        """
        found = self._bulletins.open(work.session, who, bulletin_id, Act.BROADCAST_EMERGENCY, revision)
        if not found.draft.drill:
            raise Invalid("not_a_drill", "the bulletin is no drill; submit it to be approved")
        return self._issue(work, who, _at_once(found))

    def wants_passkeys(self, session: Session, draft: Draft) -> bool:
        """Whether the nodes of its audience believe only what people have signed."""
        return self._signatures.needed(session, draft.class_, draft.plan.audience, draft.recording) > 0

    def to_sign(self, session: Session, who: Person, bulletin_id: str, revision: int) -> ToSign | None:
        """The document that the person's passkey is to sign; None where nobody has to.

        Raises as approving it does. Whoever signs second gets the very bytes that the first one has signed.
        """
        found = self._to_decide(session, who, bulletin_id, revision)
        now = to_whole_ms(self._clock.now())
        half = half_approved(session, bulletin_id, revision, now - LASTING)
        if half is not None:
            return self._signatures.to_sign(session, who, read_signed(half.document, now), approvals_in(half))
        return self._signatures.to_sign(session, who, self._composed(session, found, now).broadcast, ())

    def sign(
        self, work: Work, who: Person, bulletin_id: str, revision: int, signature: Signature
    ) -> Approved | HalfApproved:
        """Approve by passkey: the document composed anew must be, byte by byte, the one that was signed.

        Raises as approving does, and `Conflict` if what was signed is old or not what would be issued,
        `Forbidden` if the nodes would not count the signature.
        """
        found = self._to_decide(work.session, who, bulletin_id, revision)
        now = to_whole_ms(self._clock.now())
        said = read_signed(signature.document, now)
        composed = self._composed(work.session, found, said.created_at)
        if composed.broadcast.to_bytes() != signature.document.encode():
            raise Conflict(
                "document_changed", "it is not what would be issued now; read it and sign it again"
            )
        approval = self._signatures.approval(work.session, who, composed.broadcast, signature.assertion, now)
        half = half_approved(work.session, bulletin_id, revision, now - LASTING)
        before = approvals_in(half) if half and half.document == signature.document else ()
        approvals = (*(one for one in before if one.approver != who.user_id), approval)
        missing = self._signatures.missing(work.session, composed.broadcast, approvals, now)
        if missing > 0:
            keep_half(work.session, found, composed.broadcast, approvals)
            self._bulletins.half_approved(work, who, found, missing)
            return HalfApproved(missing)
        forget_half(work.session, bulletin_id)
        return self._approved(work, who, found, self._keep(work, who, composed, approvals, now), composed)

    def signed_by(self, session: Session, bulletin: Bulletin) -> tuple[str, ...]:
        """Who has signed it while it waits for somebody else to sign."""
        half = half_approved(session, bulletin.id, bulletin.revision, self._clock.now() - LASTING)
        return tuple(one.approver for one in approvals_in(half)) if half else ()

    def reissue(self, work: Work, who: Person, original: Scheduled, draft: Draft) -> Scheduled:
        """The sound of a broadcast as another one, with area, audience and time of `draft`; for the inbox."""
        said = original.broadcast
        issuer = Issuer(draft, said.bulletin, self._authority(work.session, draft.area), said.text_sha256)
        now = to_whole_ms(self._clock.now())
        composed = self._compose(work.session, issuer, said.source, now)
        self._check_unsigned(work.session, composed.broadcast)
        return self._keep(work, who, composed, (), now)

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

    def _submitted(self, session: Session, who: Person, bulletin_id: str, revision: int) -> Bulletin:
        found = self._bulletins.open(session, who, bulletin_id, Act.APPROVE, revision)
        if found.state is not BulletinState.SUBMITTED:
            raise Conflict("wrong_state", "submit the bulletin first", state=found.state)
        tree, area, now = read_tree(session), found.draft.area, self._clock.now()
        if needs_another(tree, area, found.authors, who.user_id, now):
            raise Forbidden(
                "own_bulletin",
                "you wrote this bulletin; somebody else must approve it",
                legal_source=own_approval(tree, area, now).legal_source,
            )
        return found

    def _to_decide(self, session: Session, who: Person, bulletin_id: str, revision: int) -> Bulletin:
        """The bulletin as it would be issued: alarms and drills of now by whoever may raise them."""
        draft = self._bulletins.get(session, who, bulletin_id).draft
        if draft.class_ is not BroadcastClass.EMERGENCY and not draft.drill:
            return self._submitted(session, who, bulletin_id, revision)
        found = self._bulletins.open(session, who, bulletin_id, Act.BROADCAST_EMERGENCY, revision)
        return _at_once(found)

    def _issue(self, work: Work, who: Person, bulletin: Bulletin) -> Approved:
        now = to_whole_ms(self._clock.now())
        composed = self._composed(work.session, bulletin, now)
        self._check_unsigned(work.session, composed.broadcast)
        return self._approved(work, who, bulletin, self._keep(work, who, composed, (), now), composed)

    def _approved(
        self, work: Work, who: Person, bulletin: Bulletin, scheduled: Scheduled, composed: "_Composed"
    ) -> Approved:
        self._bulletins.approved(work, who, bulletin)
        goes_to = self._goes_to(work.session, composed)
        return Approved(scheduled, in_order([*composed.examined.notices, *_waiting(goes_to, composed.draft)]))

    def _check_unsigned(self, session: Session, broadcast: Broadcast) -> None:
        needed = self._signatures.needed(
            session, broadcast.class_, broadcast.audience, broadcast.source.recording
        )
        if needed > 0:
            raise Conflict("passkey_needed", "the nodes want this signed with a passkey", people=needed)

    def _composed(self, session: Session, bulletin: Bulletin, at: datetime) -> "_Composed":
        """What would be issued at that instant; raises `Invalid` with what is lacking or refused."""
        draft = bulletin.draft
        recording = check_complete(session, draft)
        said = spoken_text(draft)
        text = text_digest(said) if said and recording.origin in SPOKEN else None
        issuer = Issuer(draft, bulletin.id, self._authority(session, draft.area), text)
        return self._compose(session, issuer, _source(recording), at)

    def _compose(
        self, session: Session, issuer: Issuer, source: RecordingSource, at: datetime
    ) -> "_Composed":
        draft = issuer.draft
        examined = examine(
            read_tree(session),
            Request(
                area=draft.area,
                class_=draft.class_,
                plan=draft.plan,
                duration_ms=source.duration_ms,
                now=at,
                lead=self._lead,
            ),
        )
        return _Composed(draft, _document(issuer, source, examined, at), examined)

    def _goes_to(self, session: Session, composed: "_Composed") -> Destinations:
        draft = composed.draft
        return destinations(read_tree(session), draft.area, draft.class_, draft.plan.audience)

    def _keep(
        self,
        work: Work,
        who: Person,
        composed: "_Composed",
        signed: tuple[PasskeyApproval, ...],
        now: datetime,
    ) -> Scheduled:
        """Keep it, and place it: the controller's word stands beside whatever people have signed."""
        broadcast, starts = composed.broadcast, composed.examined.starts
        word = approve(broadcast, approver=who.user_id, approved_at=now, key=self._key)
        entry = _entry(broadcast, (word, *signed), self._issued_at(starts.near[0], now))
        scheduled = Scheduled(
            id=entry.id,
            broadcast=broadcast,
            approved_by=who.user_id,
            approved_at=now,
            first_start_at=starts.near[0],
            over_at=over_at(broadcast, starts),
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
            signed_by=[one.approver for one in signed],
        )
        self._place(work, composed, scheduled, entry)
        return scheduled

    def _issued_at(self, start_at: datetime, now: datetime) -> datetime:
        """Now; a lead later where the start is all but over, so that neighbours begin together."""
        is_ahead = start_at >= now + min(self._lead, LEAD)
        return now if is_ahead else now + self._lead

    def _place(self, work: Work, composed: "_Composed", scheduled: Scheduled, entry: Entry) -> None:
        draft, goes_to = composed.draft, self._goes_to(work.session, composed)
        if draft.class_ is BroadcastClass.EMERGENCY:
            self._placing.place_emergency(work, entry, scheduled.over_at, goes_to)
        else:
            self._placing.place(work, entry.id, goes_to, entry.issued_at)
        self._placing.tell(work, {draft.area}, scheduled.id)


@dataclass(frozen=True, slots=True)
class _Composed:
    """A draft, and the document that it would become."""

    draft: Draft
    broadcast: Broadcast
    examined: Examined


def _at_once(bulletin: Bulletin) -> Bulletin:
    plan = bulletin.draft.plan.model_copy(update={"when": NOW})
    return replace(bulletin, draft=replace(bulletin.draft, plan=plan))


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


def _entry(broadcast: Broadcast, approvals: tuple[Approval, ...], now: datetime) -> Entry:
    try:
        return Entry(document=broadcast.to_bytes().decode(), approvals=approvals, issued_at=now)
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
