from pathlib import Path
from typing import Annotated

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


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
    log_level: Annotated[str, Field(pattern=r"^(DEBUG|INFO|WARNING|ERROR)$")] = "INFO"
