"""A commune to look at: outlines and positions of the sample, and loudspeakers in each of the states."""

from datetime import timedelta

from loa.controller.composition import Controller
from loa.controller.core.sample import VILLAGES
from loa.controller.core.sample_map import POSITIONS, sample_whereabouts
from loa.controller.core.whereabouts import Whereabouts
from loa.controller.store.tables import NodeRow
from loa.protocol.ids import AreaId
from loa.protocol.reports import Output, State

SILENT, LOST, NEVER = "cum-2", "cum-3", "cum-4"
"""Of the browser site's four loudspeakers; `cum-1` is well."""


def furnish_map(controller: Controller) -> None:
    """Give the sample its outlines; one loudspeaker is well, one has lost its sound card, two are away."""
    now = controller.clock.now()
    with controller.db.work() as work:
        for known in sample_whereabouts():
            controller.whereabouts.insert(work, "test", known)
        spot = Whereabouts(area=AreaId("cum-1"), position=POSITIONS[VILLAGES[1]])
        controller.whereabouts.insert(work, "test", spot)
        _says(work.session.get_one(NodeRow, "cum-1"), _state(controller, "cum-1"), "connected")
        no_card = _state(controller, SILENT).model_copy(update={"output": Output(is_open=False)})
        _says(work.session.get_one(NodeRow, SILENT), no_card, "connected")
        away = work.session.get_one(NodeRow, LOST)
        _says(away, _state(controller, LOST), "lost")
        away.state_at = now - timedelta(hours=2)


def _says(row: NodeRow, state: State, presence: str) -> None:
    row.state, row.state_at, row.presence = state.to_bytes().decode(), state.at, presence


def _state(controller: Controller, node: str) -> State:
    said = {"node": node, "boot_id": "0" * 32, "detail": "full", "clock": "trusted"}
    return State.model_validate(said | {"at": controller.clock.now()})
