"""Bulletins (bản tin): writing, submitting, returning."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from loa.controller.core.access import Act, Person, granted
from loa.controller.core.bulletin_versions import Version, VersionAct, folds, surplus
from loa.controller.core.bulletins import Bulletin, BulletinState, Draft, Lack, lacks
from loa.controller.core.drills import SPOKEN, Origin, drill_text
from loa.controller.core.moving import moved
from loa.controller.errors import Conflict, Invalid, NotFound, Stale
from loa.controller.ports import Clock, EventKind, Events
from loa.controller.services.audit import Audit
from loa.controller.services.cursors import Place, pack, unpack
from loa.controller.services.hearing import may_hear
from loa.controller.services.rights import permit
from loa.controller.store import bulletins as store
from loa.controller.store.areas import areas_below
from loa.controller.store.bulletin_versions import add_version, forget_versions, versions_of
from loa.controller.store.database import Session, Work
from loa.controller.store.tables import RecordingRow
from loa.protocol.ids import AreaId, sha256_hex
from loa.protocol.kinds import BroadcastClass
from loa.protocol.units import to_whole_ms
from loa.protocol.when import When
from loa.schedules.errors import RecurrenceError


@dataclass(frozen=True, slots=True, kw_only=True)
class BulletinFilter:
    """Which bulletins to list; None is any."""

    area: AreaId | None = None
    """This area or any below it."""
    state: BulletinState | None = None
    created_by: str | None = None


@dataclass(frozen=True, slots=True)
class BulletinPage:
    """Some bulletins, the last changed first, and where to go on."""

    bulletins: tuple[Bulletin, ...]
    next_cursor: str | None


class Bulletins:
    """What officials write. Every method but `get` and `find` changes the revision.

    What is named but not there, or nobody's business, raises `NotFound`; what the person sees and may not
    do, `Forbidden`; a revision that is not the last, `Stale`; a state that does not allow it, `Conflict`.
    """

    def __init__(self, *, clock: Clock, ids: Callable[[], str], audit: Audit, events: Events) -> None:
        self._clock = clock
        self._ids = ids
        self._audit = audit
        self._events = events

    def create(self, work: Work, who: Person, draft: Draft) -> Bulletin:
        """A new draft."""
        permit(work.session, who, Act.WRITE_BULLETIN, draft.area, sees=Act.READ_AREA)
        _check_sound(work.session, who, draft)
        now = to_whole_ms(self._clock.now())
        bulletin = Bulletin(
            id=self._ids(),
            revision=1,
            state=BulletinState.DRAFT,
            draft=draft,
            comment=None,
            created_by=who.user_id,
            created_at=now,
            updated_by=who.user_id,
            updated_at=now,
            submitted_by=None,
            submitted_at=None,
            broadcast=None,
        )
        return self._keep(work, who, bulletin, "bulletin.created", VersionAct.SAVED)

    def save(self, work: Work, who: Person, bulletin_id: str, draft: Draft, revision: int) -> Bulletin:
        """Replace what it says; it is a draft again."""
        found = self._open(work.session, who, bulletin_id, Act.WRITE_BULLETIN, revision)
        if draft.recording != found.draft.recording:
            _check_sound(work.session, who, draft)
        return self._replace(work, who, found, draft)

    def _replace(self, work: Work, who: Person, found: Bulletin, draft: Draft) -> Bulletin:
        if draft.area != found.draft.area:
            raise Invalid("area_fixed", "a bulletin stays with its area; make a new one for another area")
        changed = replace(
            self._next(found, who),
            draft=draft,
            state=BulletinState.DRAFT,
            submitted_by=None,
            submitted_at=None,
        )
        return self._keep(work, who, changed, "bulletin.saved", VersionAct.SAVED)

    def submit(self, work: Work, who: Person, bulletin_id: str, revision: int) -> Bulletin:
        """Hand it to the approvers; raises `Invalid` with what is lacking."""
        found = self._open(work.session, who, bulletin_id, Act.SUBMIT, revision)
        if found.state is BulletinState.SUBMITTED:
            return found
        check_complete(work.session, found.draft)
        changed = self._next(found, who)
        changed = replace(
            changed,
            state=BulletinState.SUBMITTED,
            comment=None,
            submitted_by=who.user_id,
            submitted_at=changed.updated_at,
        )
        return self._keep(work, who, changed, "bulletin.submitted", VersionAct.SUBMITTED)

    def move(
        self, work: Work, who: Person, bulletin_id: str, revision: int, *, was: datetime, becomes: datetime
    ) -> Bulletin:
        """Another wall time for the start at `was`; what was submitted stays so, now by this person.

        Raises `Invalid` if nothing starts at `was`.
        """
        found = self._open(work.session, who, bulletin_id, Act.WRITE_BULLETIN, revision)
        draft = moved_draft(found.draft, was, becomes)
        saved = self.save(work, who, bulletin_id, draft, revision)
        submitted = found.state is BulletinState.SUBMITTED
        return self.submit(work, who, bulletin_id, saved.revision) if submitted else saved

    def give_back(self, work: Work, who: Person, bulletin_id: str, revision: int, comment: str) -> Bulletin:
        """Return it to its author with a word why."""
        found = self._open(work.session, who, bulletin_id, Act.APPROVE, revision)
        if found.state is not BulletinState.SUBMITTED:
            raise _wrong_state(found, "returned", "it waits for no decision")
        if not comment.strip():
            raise Invalid("comment_missing", "say in the comment what has to change")
        changed = replace(self._next(found, who), state=BulletinState.RETURNED, comment=comment.strip())
        return self._keep(work, who, changed, "bulletin.returned", VersionAct.RETURNED)

    def delete(self, work: Work, who: Person, bulletin_id: str, revision: int) -> None:
        """Throw a bulletin away that was never approved."""
        found = self._open(work.session, who, bulletin_id, Act.WRITE_BULLETIN, revision)
        forget_versions(work.session, found.id)
        store.delete_bulletin(work.session, found.id)
        self._audit.note(
            work,
            who.user_id,
            "bulletin.deleted",
            area=found.draft.area,
            subject=found.id,
            title=found.draft.title,
        )
        work.after_commit(lambda: self._events.announce(EventKind.BULLETIN, found.draft.area, found.id))

    def get(self, session: Session, who: Person, bulletin_id: str) -> Bulletin:
        """Raises `NotFound` also where the person has no right to know of it."""
        found = store.read_bulletin(session, bulletin_id)
        if found is None:
            raise not_found(bulletin_id)
        permit(session, who, Act.READ_BULLETIN, found.draft.area, missing=not_found(bulletin_id))
        return found

    def find(
        self, session: Session, who: Person, wanted: BulletinFilter, *, cursor: str | None, limit: int
    ) -> BulletinPage:
        """Those that the person may read."""
        areas = areas_below(session, granted(who, Act.READ_BULLETIN))
        if wanted.area is not None:
            areas &= areas_below(session, {wanted.area})
        found = store.find_bulletins(
            session,
            areas,
            state=wanted.state,
            created_by=wanted.created_by,
            after=unpack(cursor),
            limit=limit + 1,
        )
        page = tuple(found[:limit])
        more = len(found) > limit
        return BulletinPage(page, pack(Place(page[-1].updated_at, page[-1].id)) if more else None)

    def waiting(self, session: Session, who: Person) -> int:
        """How many that the person may read wait for a decision; none for who decides nothing."""
        if not granted(who, Act.APPROVE):
            return 0
        return store.count_submitted(session, areas_below(session, granted(who, Act.READ_BULLETIN)))

    def versions(self, session: Session, who: Person, bulletin_id: str) -> list[Version]:
        """What it said before, from the oldest on; raises `NotFound` as `get` does."""
        self.get(session, who, bulletin_id)
        return versions_of(session, bulletin_id)

    def restore(self, work: Work, who: Person, bulletin_id: str, version: int, revision: int) -> Bulletin:
        """Let the draft say again what it said at revision `version`; raises as `save`, and `NotFound`."""
        kept = self.versions(work.session, who, bulletin_id)
        before = next((one for one in kept if one.revision == version), None)
        if before is None:
            raise NotFound("no_such_version", f"the bulletin has no version {version}")
        found = self._open(work.session, who, bulletin_id, Act.WRITE_BULLETIN, revision)
        return self._replace(work, who, found, before.draft)

    def approved(self, work: Work, who: Person, bulletin: Bulletin) -> Bulletin:
        """Note that it became a broadcast; for `Broadcasts`, which has checked the rest."""
        changed = replace(self._next(bulletin, who), state=BulletinState.APPROVED, comment=None)
        return self._keep(work, who, changed, "bulletin.approved")

    def half_approved(self, work: Work, who: Person, bulletin: Bulletin, missing: int) -> None:
        """Note that it was signed, and tell pages that it waits for somebody else's signature."""
        area, one = bulletin.draft.area, bulletin.id
        work.after_commit(lambda: self._events.announce(EventKind.BULLETIN, area, one))
        self._audit.note(work, who.user_id, "bulletin.half_approved", area=area, subject=one, missing=missing)

    def open(self, session: Session, who: Person, bulletin_id: str, act: Act, revision: int) -> Bulletin:
        """The bulletin, if the person may do that to this revision of it and it was not approved yet."""
        return self._open(session, who, bulletin_id, act, revision)

    def _open(self, session: Session, who: Person, bulletin_id: str, act: Act, revision: int) -> Bulletin:
        found = self.get(session, who, bulletin_id)
        permit(session, who, act, found.draft.area, sees=Act.READ_BULLETIN)
        if found.state is BulletinState.APPROVED:
            raise _wrong_state(found, "changed", "it was approved; copy it into a new one")
        if found.revision != revision:
            raise Stale(
                revision=found.revision,
                saved_by=store.name_of(session, found.updated_by),
                saved_at=found.updated_at,
            )
        return found

    def _next(self, bulletin: Bulletin, who: Person) -> Bulletin:
        now = max(to_whole_ms(self._clock.now()), bulletin.updated_at)
        return replace(bulletin, revision=bulletin.revision + 1, updated_by=who.user_id, updated_at=now)

    def _keep(
        self, work: Work, who: Person, bulletin: Bulletin, act: str, version: VersionAct | None = None
    ) -> Bulletin:
        store.write_bulletin(work.session, bulletin)
        if version is not None:
            _keep_version(work.session, bulletin, version)
        area = bulletin.draft.area
        self._audit.note(work, who.user_id, act, area=area, subject=bulletin.id, revision=bulletin.revision)
        work.after_commit(lambda: self._events.announce(EventKind.BULLETIN, area, bulletin.id))
        return bulletin


def _keep_version(session: Session, bulletin: Bulletin, act: VersionAct) -> None:
    kept = versions_of(session, bulletin.id)
    version = Version(
        revision=bulletin.revision,
        act=act,
        at=bulletin.updated_at,
        by=bulletin.updated_by,
        comment=bulletin.comment if act is VersionAct.RETURNED else None,
        draft=bulletin.draft,
    )
    gone = [kept[-1]] if kept and folds(kept[-1], version) else []
    gone += surplus([*kept, version])
    if gone:
        forget_versions(session, bulletin.id, [one.revision for one in gone])
    add_version(session, bulletin.id, version)


def moved_draft(draft: Draft, was: datetime, becomes: datetime) -> Draft:
    """The draft with that start moved; raises `Invalid` if nothing starts at `was`."""
    when = draft.plan.when
    if not isinstance(when, When):
        raise Invalid("no_such_start", "the bulletin has no time of its own that could be moved")
    try:
        plan = draft.plan.model_copy(update={"when": moved(when, was, becomes)})
    except (ValueError, RecurrenceError) as error:
        raise Invalid("no_such_start", f"nothing can be moved: {error}") from error
    return replace(draft, plan=plan)


def text_digest(text: str) -> str:
    """What binds a text to the recording that reads it; white space around it does not count."""
    return sha256_hex(text.strip().encode())


def _check_sound(session: Session, who: Person, draft: Draft) -> None:
    """Only what the person may hear, or a bulletin of one's own would open any recording by its name."""
    if draft.recording is not None and not may_hear(session, who, draft.recording):
        raise Invalid("no_such_recording", "upload or speak the recording first", recording=draft.recording)


def check_complete(session: Session, draft: Draft) -> RecordingRow:
    """The recording, if nothing is lacking and the voice reads the text as it stands; raises `Invalid`."""
    lacking = lacks(draft)
    if lacking:
        names = ", ".join(lacking)
        raise Invalid(
            "incomplete", f"the bulletin still lacks: {names}", lacking=[str(one) for one in lacking]
        )
    return check_spoken(session, draft)


def check_spoken(session: Session, draft: Draft) -> RecordingRow:
    """The recording, unless it reads another text than the one that stands there; raises `Invalid`."""
    recording = store.read_recording(session, draft.recording or "")
    if recording is None:
        raise Invalid("incomplete", "the bulletin still lacks: recording", lacking=[str(Lack.RECORDING)])
    _check_drill(draft, recording)
    text = spoken_text(draft)
    if recording.origin not in SPOKEN or not text:
        return recording
    if not store.is_spoken(session, recording.sha256, text_digest(text)):
        raise Invalid("text_not_read", "the text was changed after it was read out; have it read out again")
    return recording


def spoken_text(draft: Draft) -> str:
    """The words that the voice says for its text; nothing if it has none."""
    text = (draft.text or "").strip()
    return drill_text(text) if text and draft.drill else text


def _check_drill(draft: Draft, recording: RecordingRow) -> None:
    """A drill is announced as one and is no emergency, and nothing else is announced as a drill."""
    if draft.drill and draft.class_ is BroadcastClass.EMERGENCY:
        raise Invalid("drill_no_emergency", "a drill is no emergency; give it another class")
    if draft.drill and recording.origin != Origin.DRILL:
        raise Invalid("drill_not_announced", "its sound must say that it is a drill; have /speech make it")
    if not draft.drill and recording.origin == Origin.DRILL:
        raise Invalid("announced_as_drill", "its sound says that it is a drill; have it read out anew")


def not_found(bulletin_id: str) -> NotFound:
    """Nobody learns whether somebody else's bulletin exists."""
    return NotFound("no_such_bulletin", f"there is no bulletin {bulletin_id}")


def _wrong_state(found: Bulletin, wish: str, why: str) -> Conflict:
    return Conflict(
        "wrong_state", f"the bulletin cannot be {wish}: {why}", state=found.state, broadcast=found.broadcast
    )
