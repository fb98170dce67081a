import logging
import secrets
from collections.abc import Callable
from datetime import timedelta

from loa.node_agent import logs
from loa.node_agent.core import presses
from loa.node_agent.core.presses import SAME_PRESS, Press, holding
from loa.node_agent.core.reports import problem
from loa.node_agent.memory import Memory
from loa.node_agent.ports import Change, Pressed, Timekeeper
from loa.protocol.ids import StopId
from loa.protocol.reasons import ProblemCode
from loa.protocol.units import to_whole_ms

_log = logging.getLogger(__name__)


class Stopping:
    """The STOP button: silent from a press, kept on disk, until the console releases that very press.

    A release names the press, so that neither a wrong clock nor a release under way can undo a later one.
    """

    def __init__(self, *, memory: Memory, hush: Callable[[], None], clock: Timekeeper) -> None:
        self._memory = memory
        self._hush = hush
        self._clock = clock

    def take(self, pressed: Pressed) -> None:
        """Be silent first, then write it down and tell the controller."""
        self._hush()
        at = to_whole_ms(pressed.at)
        before = holding(self._memory.presses)
        if before is not None and timedelta(0) <= at - before.at < SAME_PRESS:
            return
        press = Press(id=StopId(secrets.token_hex(16)), at=at)
        detail = "the STOP button was pressed; nothing sounds until it is released from the console"
        report = problem(at=at, code=ProblemCode.STOP_PRESSED, detail=detail)
        logs.shout(_log, "stop_pressed", press=press.id)
        self._memory.keep(Change(presses=presses.pressed(self._memory.presses, press), reports=(report,)))

    def turn(self) -> None:
        """Look whether the console has released it. Quick when there is nothing to do."""
        press, config = holding(self._memory.presses), self._memory.config
        if press is None:
            return
        now = to_whole_ms(self._clock.now())
        if config is not None and config.settings.released == press.id:
            logs.say(_log, "stop_released", press=press.id)
            self._memory.keep(Change(presses=presses.released(self._memory.presses, now)))
        elif now < press.at:
            self._memory.keep(Change(presses=presses.set_back(self._memory.presses, now)))
