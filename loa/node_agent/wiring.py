from datetime import timedelta
from typing import Annotated

from pydantic import Field

from loa.node_agent.core.relay import Timing
from loa.protocol.wire import Wire

BlockMs = Annotated[int, Field(ge=5, le=100)]
"""What the sound card is given at once."""
Pin = Annotated[int, Field(ge=0, le=53)]
"""A GPIO by the number of the chip (BCM), not of the header."""
Lead = Annotated[int, Field(ge=0, le=10_000)]
Hold = Annotated[int, Field(ge=200, le=600_000)]
"""Less would cut off what the sound card still holds."""


class Wiring(Wire):
    """What is this machine's own: how its sound card is driven, and what is wired to its GPIO."""

    block_ms: BlockMs = 18
    stop_pin: Pin | None = None
    amplifier_pin: Pin | None = None
    amplifier_active_low: bool = False
    amplifier_lead_ms: Lead = 400
    amplifier_hold_ms: Hold = 3_000

    @property
    def timing(self) -> Timing:
        """Of the amplifier."""
        return Timing(
            lead=timedelta(milliseconds=self.amplifier_lead_ms),
            hold=timedelta(milliseconds=self.amplifier_hold_ms),
        )
