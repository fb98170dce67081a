"""Fakes of what is wired to a node's GPIO."""

from collections.abc import Callable
from datetime import datetime

from loa.node_agent.errors import GpioError
from loa.node_agent.ports import Timekeeper


class FakeRelay:
    """A `Relay` that notes when it was switched, and that can be broken."""

    def __init__(self, clock: Timekeeper) -> None:
        self.switched: list[tuple[datetime, bool]] = []
        self.is_broken = False
        self.is_closed = False
        self._clock = clock

    @property
    def is_on(self) -> bool:
        return bool(self.switched) and self.switched[-1][1]

    def switch(self, *, on: bool) -> None:
        if self.is_broken:
            raise GpioError(17, "no such chip")
        self.switched.append((self._clock.now(), on))

    def close(self) -> None:
        self.is_closed = True


class FakeSwitch:
    """A `Switch` that a test presses."""

    def __init__(self, pressed: Callable[[], None], all_of_them: list["FakeSwitch"]) -> None:
        self._pressed = pressed
        self._all = all_of_them
        all_of_them.append(self)

    def press(self) -> None:
        self._pressed()

    def close(self) -> None:
        if self in self._all:
            self._all.remove(self)
