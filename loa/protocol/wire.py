"""What all models of the contract share: frozen, unknown fields ignored, one canonical form in bytes."""

import json
from typing import ClassVar, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from loa.protocol.errors import MalformedError


class Wire(BaseModel):
    """A frozen model of the contract; fields that a newer sender adds are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True, serialize_by_alias=True)

    is_brief: ClassVar[bool] = False
    """Whether what is at its default is left out; never of what is named by its bytes."""

    def to_bytes(self) -> bytes:
        """Canonical bytes: JSON with sorted keys and no spaces, UTF-8, absent instead of null."""
        content = self.model_dump(mode="json", exclude_none=True, exclude_defaults=self.is_brief)
        return canonical(content)

    @classmethod
    def from_bytes(cls, content: bytes | str) -> Self:
        """Parse and validate; raises `MalformedError` with the first thing that is wrong."""
        try:
            return cls.model_validate_json(content)
        except ValidationError as error:
            raise MalformedError(f"{cls.__name__}: {_first_fault(error)}") from error


def canonical(content: object) -> bytes:
    """JSON with sorted keys and no spaces, UTF-8; raises ValueError for half a surrogate pair."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _first_fault(error: ValidationError) -> str:
    fault = error.errors(include_url=False, include_context=False, include_input=False)[0]
    place = ".".join(str(part) for part in fault["loc"])
    return f"{place}: {fault['msg']}" if place else fault["msg"]
