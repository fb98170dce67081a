"""Raising an alarm, or rehearsing one, in one go: the sound, the bulletin and the broadcast."""

from collections.abc import Callable
from dataclasses import dataclass

from loa.controller.core.access import Act, Person, granted
from loa.controller.core.broadcasts import Approved
from loa.controller.core.bulletins import NOW, TITLE_CHARACTERS, Draft, Plan
from loa.controller.core.drills import Origin, drill_text
from loa.controller.core.standing_texts import TEXTS, TITLES
from loa.controller.core.tree import Tree
from loa.controller.errors import Forbidden, Invalid, NotFound, Unavailable
from loa.controller.services.broadcasts import Broadcasts
from loa.controller.services.bulletins import Bulletins, text_digest
from loa.controller.services.hearing import may_hear
from loa.controller.services.recordings import Kept, Recordings
from loa.controller.services.standing_messages import StandingMessages
from loa.controller.store.bulletins import is_spoken
from loa.controller.store.database import Database, Session, Work
from loa.controller.store.tree import read_tree
from loa.protocol.ids import AreaId
from loa.protocol.kinds import BroadcastClass, StandingMessage
from loa.protocol.units import DurationMs

FIELD = "disaster"
DRILL_TITLE = "Diễn tập: {title}"
DRILL_CLASS = BroadcastClass.PRIORITY
"""A drill waits for what sounds and keeps quiet hours: it must not wake anybody by a slip."""
DRILL_NOT_AFTER_MS = DurationMs(30 * 60_000)
"""A drill that would begin later than this has lost its sense."""
TITLE_WORDS = 8
"""A text without a title is called by its first words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is to sound at once: a standing message, or a text that a voice reads."""

    audience: tuple[AreaId, ...]
    message: StandingMessage | None = None
    text: str = ""
    title: str = ""
    calm: bool = False
    """A text opens with the chime, not with the siren: it corrects an alarm, or ends one."""
    drill: bool = False


@dataclass(frozen=True, slots=True)
class Ready:
    """A wish whose sound is there, so that nothing but the database is between it and the loudspeakers."""

    draft: Draft
    sound: Kept


class Alarms:
    """`ready` blocks while a voice reads a text that it has not read before; the rest is quick."""

    def __init__(
        self,
        *,
        db: Database,
        bulletins: Bulletins,
        broadcasts: Broadcasts,
        recordings: Recordings,
        standing: StandingMessages,
    ) -> None:
        self._db = db
        self._bulletins = bulletins
        self._broadcasts = broadcasts
        self._recordings = recordings
        self._standing = standing

    def issuer(self, session: Session, who: Person, audience: tuple[AreaId, ...]) -> AreaId:
        """The area in whose name the person may alarm this audience: the widest that holds all of it.

        Raises `Forbidden` without the right anywhere, `NotFound` for an audience beyond it.
        """
        mine = granted(who, Act.BROADCAST_EMERGENCY)
        if not mine:
            raise Forbidden(
                "not_permitted", "you lack the right to broadcast alarms", act=Act.BROADCAST_EMERGENCY
            )
        if not audience:
            raise Invalid("no_audience", "name at least one area")
        tree = read_tree(session)
        able = [area for area in mine if area in tree and _holds(tree, area, audience)]
        if not able:
            raise NotFound("no_such_area", "there are no such areas, or you may not alarm them")
        return min(able, key=lambda area: (len(tree.path(area)), area))

    def made(self, who: Person, wish: Wish) -> Kept | None:
        """The sound of the wish, if it is there already and the person may hear it."""
        kept = self._made(wish)
        with self._db.look() as session:
            return kept if kept is not None and may_hear(session, who, kept.sha256) else None

    def _made(self, wish: Wish) -> Kept | None:
        text = wish.text if wish.message is None else TEXTS.get(wish.message, "")
        if wish.drill:
            return self._recordings.spoken(drill_text(text), Origin.DRILL) if text else None
        if wish.message is None:
            return self._recordings.spoken(text, Origin.SPEECH if wish.calm else Origin.ALARM)
        with self._db.look() as session:
            found = next(one for one in self._standing.all(session) if one.name is wish.message)
        return self._recordings.get(found.recording) if found.recording else None

    def make(self, who: Person, wish: Wish) -> Kept:
        """Have the sound made to be listened to, wherever it may be wanted; raises as `ready` does."""
        return self._sound(who, wish)[0]

    def ready(self, who: Person, wish: Wish) -> Ready:
        """Have the sound made, if it is not there, before anything is issued."""
        with self._db.look() as session:
            area = self.issuer(session, who, wish.audience)
        sound, text = self._sound(who, wish)
        plan = Plan(audience=wish.audience, when=NOW)
        if wish.drill:
            plan = plan.model_copy(update={"not_after_ms": DRILL_NOT_AFTER_MS})
        draft = Draft(
            area=area,
            title=_title(wish),
            field=FIELD,
            class_=DRILL_CLASS if wish.drill else BroadcastClass.EMERGENCY,
            text=text or None,
            recording=sound.sha256,
            plan=plan,
            drill=wish.drill,
        )
        return Ready(draft, sound)

    def sound(self, work: Work, who: Person, ready: Ready) -> Approved:
        """Let it go out; raises as approving a bulletin does."""
        bulletin = self._bulletins.create(work, who, ready.draft)
        act: Callable[[Work, Person, str, int], Approved] = self._broadcasts.emergency
        if ready.draft.drill:
            act = self._broadcasts.drill
        return act(work, who, bulletin.id, bulletin.revision)

    def must_be_signed(self, ready: Ready) -> bool:
        """Whether the nodes want passkeys, so that it cannot go out by one gesture."""
        with self._db.look() as session:
            return self._broadcasts.wants_passkeys(session, ready.draft)

    def hand_in(self, work: Work, who: Person, ready: Ready) -> str:
        """The bulletin, to be signed at once by whoever may: everybody who may is told of it."""
        bulletin = self._bulletins.create(work, who, ready.draft)
        return self._bulletins.submit(work, who, bulletin.id, bulletin.revision).id

    def _sound(self, who: Person, wish: Wish) -> tuple[Kept, str]:
        """The recording and the text that it reads, as far as that is known."""
        if wish.message is None:
            return self._spoken(who, wish), wish.text.strip()
        if wish.drill:
            text = _text_of(wish.message)
            return self._recordings.speak_drill(who, text)[0], text
        return self._standing_sound(wish.message)

    def _spoken(self, who: Person, wish: Wish) -> Kept:
        if wish.drill:
            return self._recordings.speak_drill(who, wish.text)[0]
        if wish.calm:
            return self._recordings.speak(who, wish.text)[0]
        return self._recordings.speak_alarm(who, wish.text)[0]

    def _standing_sound(self, message: StandingMessage) -> tuple[Kept, str]:
        text = TEXTS.get(message, "")
        with self._db.look() as session:
            found = next(one for one in self._standing.all(session) if one.name is message)
            if found.recording is None:
                raise Unavailable("standing_not_ready", "the message is being prepared; have a text read out")
            reads_it = bool(text) and is_spoken(session, found.recording, text_digest(text))
        return self._recordings.get(found.recording), text if reads_it else ""


def _holds(tree: Tree, area: AreaId, audience: tuple[AreaId, ...]) -> bool:
    return all(one in tree and tree.is_within(one, area) for one in audience)


def _text_of(message: StandingMessage) -> str:
    if message not in TEXTS:
        raise Invalid("siren_in_drill", "a drill has no siren; name another message")
    return TEXTS[message]


def _title(wish: Wish) -> str:
    title = wish.title.strip()
    if not title and wish.message is not None:
        title = TITLES[wish.message]
    title = title or " ".join(wish.text.split()[:TITLE_WORDS])
    if wish.drill:
        title = DRILL_TITLE.format(title=title)
    return title[:TITLE_CHARACTERS]
