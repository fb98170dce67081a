from collections.abc import Callable
from dataclasses import replace
from queue import Queue
from threading import Event, Thread

from loa.node_agent.core.readings import Readings
from loa.node_agent.ports import Arrival, Crashed

LOOK_EVERY_S = 60.0
_VOLTAGE_EVERY_S = 2.0
"""As often as the Raspberry Pi's driver asks its firmware: a dip is shown no longer."""


class BackgroundSensors:
    """`Sensors` that look in a thread of their own: a modem may take seconds to answer."""

    def __init__(
        self, *, look: Callable[[], Readings], is_low: Callable[[], bool | None], inbox: Queue[Arrival]
    ) -> None:
        self._look = look
        self._is_low = is_low
        self._inbox = inbox
        self._latest: Readings | None = None
        self._closed = Event()
        self._thread = Thread(target=self._run, name="loa-sensors", daemon=True)
        self._thread.start()

    def latest(self) -> Readings | None:
        """See `Sensors.latest`."""
        return self._latest

    def close(self) -> None:
        """See `Sensors.close`."""
        self._closed.set()

    def _run(self) -> None:
        try:
            was_low = False
            while not self._closed.is_set():
                readings = self._look()
                low = None if readings.under_voltage is None else readings.under_voltage or was_low
                self._latest = replace(readings, under_voltage=low)
                was_low = self._wait_and_mind_the_voltage(measured=low is not None)
        except Exception as error:  # noqa: BLE001 -- the root of a thread; the agent ends with it
            self._inbox.put(Crashed("sensors", error))

    def _wait_and_mind_the_voltage(self, *, measured: bool) -> bool:
        """Until the next look; whether the voltage was too low meanwhile."""
        if not measured:
            self._closed.wait(LOOK_EVERY_S)
            return False
        was_low = False
        for _ in range(round(LOOK_EVERY_S / _VOLTAGE_EVERY_S)):
            if self._closed.wait(_VOLTAGE_EVERY_S):
                break
            was_low = bool(self._is_low()) or was_low
        return was_low
