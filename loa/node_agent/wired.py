"""What is this machine's own: how its sound card is driven, and what is wired to it."""

from collections.abc import Callable
from queue import Queue

from loa.audio.player import Player
from loa.node_agent.amplifier import AmplifiedPlayer, Amplifier
from loa.node_agent.errors import GpioError
from loa.node_agent.ports import Arrival, Pressed, Relay, Switch, Timekeeper, Trouble
from loa.node_agent.wiring import Wiring
from loa.protocol.reasons import ProblemCode

OpenRelay = Callable[[int, bool], Relay]
"""By pin, and whether it is on when low."""
OpenSwitch = Callable[[int, Callable[[], None]], Switch]
"""By pin; calls what is given at every press. Raises `GpioError`."""


class Wired:
    """The amplifier's relay and the STOP button, as far as there are any.

    What goes wrong comes to the inbox as `Trouble`.
    """

    def __init__(
        self,
        wiring: Wiring,
        *,
        open_relay: OpenRelay,
        open_switch: OpenSwitch,
        inbox: Queue[Arrival],
        clock: Timekeeper,
    ) -> None:
        self.block_ms = wiring.block_ms
        self._inbox = inbox
        self._clock = clock
        self._amplifier = self._make_amplifier(wiring, open_relay)
        self._switch = self._make_switch(wiring, open_switch)

    def amplified(self, player: Player) -> Player:
        """The player, with the amplifier on when it sounds, if there is one."""
        return player if self._amplifier is None else AmplifiedPlayer(player, self._amplifier)

    def close(self) -> None:
        """Let go of everything; idempotent."""
        if self._switch is not None:
            self._switch.close()
        if self._amplifier is not None:
            self._amplifier.close()

    def _make_amplifier(self, wiring: Wiring, open_relay: OpenRelay) -> Amplifier | None:
        if wiring.amplifier_pin is None:
            return None
        return Amplifier(
            relay=open_relay(wiring.amplifier_pin, wiring.amplifier_active_low),
            timing=wiring.timing,
            clock=self._clock,
            tell=self._tell,
        )

    def _make_switch(self, wiring: Wiring, open_switch: OpenSwitch) -> Switch | None:
        if wiring.stop_pin is None:
            return None
        try:
            return open_switch(wiring.stop_pin, self._pressed)
        except GpioError as error:
            self._tell(f"the STOP button does not work: {error}")
            return None

    def _pressed(self) -> None:
        self._inbox.put(Pressed(self._clock.now()))

    def _tell(self, detail: str) -> None:
        self._inbox.put(Trouble(ProblemCode.GPIO_FAILED, detail))
