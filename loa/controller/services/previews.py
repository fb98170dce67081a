"""Previews: what the nodes will do if a plan is approved."""

from dataclasses import dataclass

from loa.controller.core.access import Person
from loa.controller.core.bulletins import Plan
from loa.controller.core.preview import Preview
from loa.controller.ports import Clock
from loa.controller.store.database import Session
from loa.protocol.ids import AreaId, RecordingId
from loa.protocol.keys import SigningKey
from loa.protocol.kinds import BroadcastClass


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A plan to be previewed; a `duration_ms` stands in for a recording that is yet to be made."""

    area: AreaId
    """The issuing area."""
    class_: BroadcastClass
    plan: Plan
    recording: RecordingId | None = None
    duration_ms: int | None = None
    title: str = ""


class Previews:
    """Changes nothing."""

    def __init__(self, *, clock: Clock, key: SigningKey) -> None:
        self._clock = clock
        self._key = key

    def preview(self, session: Session, who: Person, asked: Asked) -> Preview:
        """One view for each distinct set of audiences among the nodes reached."""
        raise NotImplementedError
