"""What every body and query that people's programs send has in common."""

from pydantic import BaseModel, ConfigDict


class Given(BaseModel):
    """A member that it does not know is refused: a misspelt one must not be taken for one left out."""

    model_config = ConfigDict(extra="forbid")
