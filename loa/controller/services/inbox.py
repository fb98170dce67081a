"""The commune's inbox of a higher level's broadcasts: choose, leave, order."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from loa.controller.core.access import Act, Person, granted
from loa.controller.core.broadcasts import Scheduled
from loa.controller.core.bulletins import Draft, Plan
from loa.controller.core.inbox import Destinations, InboxItem, InboxState, places_within
from loa.controller.errors import Conflict, Invalid, NotFound
from loa.controller.ports import Clock
from loa.controller.services.audit import Audit
from loa.controller.services.broadcasts import Broadcasts
from loa.controller.services.placing import Placing
from loa.controller.services.rights import permit
from loa.controller.store import broadcasts as store
from loa.controller.store.areas import areas_below, path_of
from loa.controller.store.database import Session, Work
from loa.controller.store.tree import read_tree
from loa.protocol.ids import AreaId, BroadcastId
from loa.protocol.kinds import BroadcastClass
from loa.protocol.units import to_whole_ms
from loa.protocol.when import When


@dataclass(frozen=True, slots=True)
class Answer:
    """What one commune did with a broadcast from above."""

    area: AreaId
    state: InboxState
    decided_at: datetime | None


class Inbox:
    """What a commune decides about broadcasts that come from above.

    Raises `NotFound` for what is not before the commune, `Conflict` for what cannot be decided any more.
    """

    def __init__(self, *, clock: Clock, broadcasts: Broadcasts, audit: Audit, placing: Placing) -> None:
        self._clock = clock
        self._broadcasts = broadcasts
        self._audit = audit
        self._placing = placing

    def find(
        self, session: Session, who: Person, area: AreaId, state: InboxState | None = None
    ) -> list[InboxItem]:
        """What the commune has before it, the last received first."""
        permit(session, who, Act.READ_BULLETIN, area, sees=Act.READ_AREA)
        return store.find_inbox(session, area, state)

    def answers(self, session: Session, who: Person, broadcast: BroadcastId) -> list[Answer]:
        """What the communes did with a broadcast, told to its issuer; raises `NotFound`."""
        found = self._broadcasts.get(session, who, broadcast)
        missing = NotFound("no_such_broadcast", f"there is no broadcast {broadcast}")
        permit(session, who, Act.READ_BULLETIN, found.broadcast.issuer, missing=missing)
        return [Answer(*one) for one in store.answers_of(session, broadcast)]

    def waiting(self, session: Session, who: Person) -> int:
        """How many of a higher level's normal broadcasts wait for this person's communes to choose."""
        areas = areas_below(session, granted(who, Act.CHOOSE_INBOX))
        return store.count_waiting(session, areas, self._clock.now()) if areas else 0

    def choose(
        self, work: Work, who: Person, area: AreaId, broadcast: BroadcastId, when: When | None = None
    ) -> InboxItem:
        """Place it in the commune's programme; at another time it becomes a broadcast of the commune.

        The latter needs an approver. To choose again what was chosen changes nothing.
        """
        item = self._item(work.session, who, area, broadcast)
        if item.state is InboxState.CHOSEN and when == self._chosen_time(work.session, item):
            return item
        now = to_whole_ms(self._clock.now())
        _check_open(item, None if when else now)
        if when is None:
            chosen_as = None
            self._place(work, area, item.scheduled, now)
        else:
            chosen_as = self._reissue(work, who, area, item.scheduled, when)
        decided = replace(item, state=InboxState.CHOSEN, chosen_as=chosen_as)
        return self._decide(work, who, decided, now, "inbox.chosen")

    def leave(self, work: Work, who: Person, area: AreaId, broadcast: BroadcastId) -> InboxItem:
        """Decline a waiting one. To leave again what was left changes nothing."""
        item = self._item(work.session, who, area, broadcast)
        if item.state is InboxState.LEFT:
            return item
        if item.state is not InboxState.WAITING:
            raise Conflict(
                "wrong_state", "only what waits can be left; withdraw what was chosen", state=item.state
            )
        decided = replace(item, state=InboxState.LEFT)
        return self._decide(work, who, decided, to_whole_ms(self._clock.now()), "inbox.left")

    def order(self, work: Work, who: Person, area: AreaId, broadcasts: Sequence[BroadcastId]) -> None:
        """Priority broadcasts in the order in which they are to go; those not named come after."""
        permit(work.session, who, Act.ORDER, area, sees=Act.READ_AREA)
        if len(set(broadcasts)) != len(broadcasts):
            raise Invalid("named_twice", "name each broadcast once")
        reached = {*areas_below(work.session, {area}), *path_of(work.session, area)}
        for broadcast in broadcasts:
            self._check_priority(work.session, who, broadcast, reached)
        ranks = {broadcast: place - len(broadcasts) for place, broadcast in enumerate(broadcasts)}
        store.write_order(work.session, area, ranks)
        self._audit.note(
            work, who.user_id, "area.ordered", area=area, subject=area, broadcasts=list(broadcasts)
        )
        self._placing.changed(work, {area}, urgent=False)

    def _check_priority(
        self, session: Session, who: Person, broadcast: BroadcastId, reached: set[AreaId]
    ) -> None:
        found = self._broadcasts.get(session, who, broadcast)
        here = store.reach_of(session, broadcast) & reached
        if found.broadcast.class_ is not BroadcastClass.PRIORITY or not here:
            raise Invalid(
                "not_priority_here",
                "only priority broadcasts of this area have an order",
                broadcast=broadcast,
            )

    def _item(self, session: Session, who: Person, area: AreaId, broadcast: BroadcastId) -> InboxItem:
        permit(session, who, Act.CHOOSE_INBOX, area, sees=Act.READ_AREA)
        found = store.read_inbox(session, area, broadcast)
        if found is None:
            raise NotFound("no_such_broadcast", f"{broadcast} is not in the inbox of {area}")
        return found

    def _chosen_time(self, session: Session, item: InboxItem) -> When | None:
        own = None if item.chosen_as is None else store.read_broadcast(session, item.chosen_as)
        return None if own is None else own.broadcast.when

    def _place(self, work: Work, area: AreaId, scheduled: Scheduled, now: datetime) -> None:
        places = places_within(read_tree(work.session), area, scheduled.broadcast.audience)
        self._placing.place(work, scheduled.id, Destinations(places, {}), now)

    def _reissue(
        self, work: Work, who: Person, area: AreaId, scheduled: Scheduled, when: When
    ) -> BroadcastId:
        permit(work.session, who, Act.APPROVE, area, sees=Act.READ_AREA)
        said = scheduled.broadcast
        places = places_within(read_tree(work.session), area, said.audience)
        plan = Plan(
            audience=tuple(places),
            when=when,
            after_interruption=said.after_interruption,
            late=said.late,
        )
        draft = Draft(
            area=area,
            title=said.title,
            field=said.field,
            class_=said.class_,
            plan=plan,
            drill=bool(said.drill),
        )
        return self._broadcasts.reissue(work, who, scheduled, draft).id

    def _decide(self, work: Work, who: Person, item: InboxItem, now: datetime, act: str) -> InboxItem:
        decided = replace(item, decided_by=who.user_id, decided_at=now)
        store.decide(work.session, decided)
        self._audit.note(work, who.user_id, act, area=item.area, subject=item.scheduled.id)
        self._placing.tell(work, {item.area, item.scheduled.broadcast.issuer}, item.scheduled.id)
        return decided


def _check_open(item: InboxItem, now: datetime | None) -> None:
    """Raises `Conflict` if there is nothing to choose; `now` is None where its time does not matter."""
    if item.state not in {InboxState.WAITING, InboxState.LEFT}:
        raise Conflict("wrong_state", "it was decided already, or sounds without a choice", state=item.state)
    if item.scheduled.withdrawn_at is not None:
        raise Conflict("withdrawn", "its issuer has withdrawn it", withdrawn_at=item.scheduled.withdrawn_at)
    over_at = item.scheduled.over_at
    if now is not None and over_at is not None and over_at <= now:
        raise Conflict("over", "its time is over; choose another time for it", over_at=over_at)
