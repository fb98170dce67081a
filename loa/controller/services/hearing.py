"""Which recordings a person may hear: knowing a recording's name is no right to it."""

from loa.controller.core.access import Act, Person, may
from loa.controller.services.rights import above
from loa.controller.store.areas import path_of
from loa.controller.store.database import Session
from loa.controller.store.recording_uses import is_maker, uses_of
from loa.controller.store.standing_messages import is_standing
from loa.protocol.ids import RecordingId


def may_hear(session: Session, who: Person, recording: RecordingId) -> bool:
    """Whether they made it, or it is a standing message, or of a bulletin or broadcast that they may read."""
    if is_maker(session, recording, who.user_id) or is_standing(session, recording):
        return True
    uses = uses_of(session, recording)
    wanted = [(Act.READ_BULLETIN, area) for area in uses.written]
    wanted += [(Act.READ_AREA, area) for area in uses.issued | uses.placed]
    if any(may(who, act, path_of(session, area)) for act, area in wanted):
        return True
    return not uses.placed.isdisjoint(above(session, who))
