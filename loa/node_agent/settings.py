from pathlib import Path
from typing import Annotated

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from loa.node_agent.wiring import BlockMs, Hold, Lead, Pin, Wiring


class AgentSettings(BaseSettings):
    """What the machine's owner may set, by environment variables `LOA_NODE_…`; options go before."""

    model_config = SettingsConfigDict(env_prefix="LOA_NODE_", frozen=True)

    data: Path = Path("/var/lib/loa")
    """Directory of keys, journal and recordings; one a node."""
    sink: Annotated[str, Field(pattern=r"^(default|wav:.+)$")] = "default"
    """`default`, the sound card, or `wav:PATH`, a file that grows in real time."""
    loopback: Annotated[str, Field(pattern=r"^(auto|off|(pulse|alsa):.+)$")] = "auto"
    """Where the output is captured again to prove that it gave sound: `auto`, the monitor of the sink of
    PulseAudio or PipeWire that the node plays on, or its WAV file; `pulse:SOURCE`; `alsa:DEVICE`; `off`."""
    microphone: Annotated[str, Field(pattern=r"^(off|(pulse|alsa):.+)$")] = "off"
    """A microphone, or the amplifier's current at a line input: `off`, `pulse:SOURCE` or `alsa:DEVICE`. It is
    open only while something sounds; its sound is never kept and never sent."""
    versions: Path = Path("/opt/loa")
    """Directory of the installed versions, where `loa-node-update` keeps them."""
    log_level: Annotated[str, Field(pattern=r"^(DEBUG|INFO|WARNING|ERROR)$")] = "INFO"
    block_ms: BlockMs = 18
    """What the sound card is given at once. A STOP is heard within four of these; where underflows count up,
    take more."""
    stop_pin: Pin | None = None
    """GPIO (BCM number) of a STOP button to ground; none when left out."""
    amplifier_pin: Pin | None = None
    """GPIO (BCM number) of the amplifier's relay; none when left out."""
    amplifier_active_low: bool = False
    """For a relay board that switches on when its input is low."""
    amplifier_lead_ms: Lead = 400
    """How long before a sound the amplifier is switched on."""
    amplifier_hold_ms: Hold = 3_000
    """How long after a sound it is switched off; sounds that follow sooner find it on."""

    @property
    def wiring(self) -> Wiring:
        """What is this machine's own."""
        return Wiring(
            block_ms=self.block_ms,
            stop_pin=self.stop_pin,
            amplifier_pin=self.amplifier_pin,
            amplifier_active_low=self.amplifier_active_low,
            amplifier_lead_ms=self.amplifier_lead_ms,
            amplifier_hold_ms=self.amplifier_hold_ms,
        )
