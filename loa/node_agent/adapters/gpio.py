from collections.abc import Callable
from typing import Any

from loa.node_agent.errors import GpioError

_BOUNCE_S = 0.05


class GpioRelay:
    """A `Relay` on a GPIO pin, by gpiozero; opened when it is first switched, and again after a failure."""

    def __init__(self, pin: int, *, active_low: bool) -> None:
        self._pin = pin
        self._active_low = active_low
        self._device: Any = None

    def switch(self, *, on: bool) -> None:
        """See `Relay.switch`."""
        try:
            if self._device is None:
                self._device = _gpiozero().OutputDevice(self._pin, active_high=not self._active_low)
            self._device.value = on
        except Exception as error:  # gpiozero and its pin factories share no base of errors
            self._device = None
            raise GpioError(self._pin, repr(error)) from error

    def close(self) -> None:
        """See `Relay.close`."""
        device, self._device = self._device, None
        if device is not None:
            device.off()
            device.close()


class GpioSwitch:
    """A push button from a GPIO pin to ground, by gpiozero, with the pin's own pull-up.

    One that is held when this is made counts as pressed. Raises `GpioError`.
    """

    def __init__(self, pin: int, *, pressed: Callable[[], None]) -> None:
        try:
            self._device = _gpiozero().Button(pin, pull_up=True, bounce_time=_BOUNCE_S)
        except Exception as error:  # as above
            raise GpioError(pin, repr(error)) from error
        self._device.when_pressed = pressed
        if self._device.is_pressed:
            pressed()

    def close(self) -> None:
        """See `Switch.close`."""
        self._device.close()


def _gpiozero() -> Any:  # noqa: ANN401 -- the library ships no types
    import gpiozero  # noqa: PLC0415 -- only where a pin is set

    return gpiozero
