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
    versions: Path = Path("/opt/loa")
    """Directory of the installed versions, where `loa-node-update` keeps them."""
    log_level: Annotated[str, Field(pattern=r"^(DEBUG|INFO|WARNING|ERROR)$")] = "INFO"
