"""Relay and button on gpiozero, with the pins of its MockFactory for hardware."""

from collections.abc import Iterator
from threading import Event

import gpiozero
import pytest
from gpiozero.pins.mock import MockFactory, MockPin

from loa.node_agent.adapters.gpio import GpioRelay, GpioSwitch
from loa.node_agent.errors import GpioError
from tests.waiting import wait_for

PIN = 17


class GroundedPin(MockPin):  # type: ignore[misc]  # gpiozero ships no types
    """A pin whose button is held: low, however it is pulled."""

    def _set_pull(self, value: str) -> None:
        super()._set_pull(value)
        self._change_state(value=False)


@pytest.fixture
def pins() -> Iterator[MockFactory]:
    before = gpiozero.Device.pin_factory
    gpiozero.Device.pin_factory = MockFactory()
    yield gpiozero.Device.pin_factory
    gpiozero.Device.pin_factory.reset()
    gpiozero.Device.pin_factory = before


@pytest.mark.parametrize("active_low", [False, True])
def test_a_relay_is_off_at_first_and_switches(pins: MockFactory, active_low: bool) -> None:  # noqa: FBT001 -- a parameter
    relay = GpioRelay(PIN, active_low=active_low)
    relay.switch(on=False)
    pin = pins.pin(PIN)
    assert pin.function == "output"
    assert pin.state == active_low
    relay.switch(on=True)
    relay.switch(on=True)
    assert pin.state == (not active_low)
    relay.switch(on=False)
    assert pin.state == active_low
    relay.close()
    relay.close()


def test_closing_switches_off_first(pins: MockFactory) -> None:
    relay = GpioRelay(PIN, active_low=True)
    relay.switch(on=True)
    pin = pins.pin(PIN)
    pin.clear_states()
    relay.close()
    assert [state.state for state in pin.states][:2] == [False, True]


def test_a_pin_that_is_taken_is_told_and_tried_again(pins: MockFactory) -> None:
    other = gpiozero.OutputDevice(PIN)
    relay = GpioRelay(PIN, active_low=False)
    with pytest.raises(GpioError, match="GPIO 17"):
        relay.switch(on=True)
    other.close()
    relay.switch(on=True)
    assert pins.pin(PIN).state
    relay.close()


def test_a_press_pulls_the_pin_down_and_is_told(pins: MockFactory) -> None:
    pressed = Event()
    switch = GpioSwitch(PIN, pressed=pressed.set)
    assert pins.pin(PIN).pull == "up"
    assert not pressed.is_set()
    pins.pin(PIN).drive_low()
    wait_for(pressed.is_set, what="the press")
    switch.close()


def test_a_button_that_is_held_at_the_start_counts(pins: MockFactory) -> None:
    pins.pin_class = GroundedPin
    pressed = Event()
    switch = GpioSwitch(PIN, pressed=pressed.set)
    assert pressed.is_set()
    switch.close()


def test_a_pin_that_does_not_exist_is_told(pins: MockFactory) -> None:
    assert pins
    with pytest.raises(GpioError, match="GPIO 99"):
        GpioSwitch(99, pressed=lambda: None)
