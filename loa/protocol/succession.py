"""A root key that names the next one, so that nodes follow without enrolling anew."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, Field

from loa.protocol.envelope import seal, unseal
from loa.protocol.errors import MalformedError, UntrustedError
from loa.protocol.keys import KeyRing, PublicKey, SigningKey
from loa.protocol.units import Instant
from loa.protocol.wire import Wire

_TYP = "loa-succession"


def _check_root(x: str) -> str:
    try:
        PublicKey.from_x(x)
    except MalformedError as error:
        raise ValueError(str(error)) from error
    return x


class Succession(Wire):
    """The next root key, as the one before names it."""

    root: Annotated[str, Field(max_length=43), AfterValidator(_check_root)]
    """Its public part."""
    issued_at: Instant


@dataclass(frozen=True, slots=True)
class Lineage:
    """The root that counts now, and the successions that lead to it, the oldest first."""

    root: PublicKey
    steps: tuple[str, ...] = ()


def name_next(succession: Succession, root: SigningKey) -> str:
    """The succession in an envelope of the root that it ends."""
    return seal(succession.to_bytes(), typ=_TYP, key=root).decode()


def follow(root: PublicKey, steps: Iterable[str]) -> Lineage:
    """From `root` on; a step of any other key is passed over. Raises `MalformedError`.

    The first that a root names counts: who puts steps that were followed before in front of those that
    arrive stays with them, whatever a key names that was stolen later.
    """
    followed: list[str] = []
    for step in steps:
        try:
            content = unseal(step.encode(), typ=_TYP, keys=KeyRing([root]))
        except UntrustedError:
            continue
        root = PublicKey.from_x(Succession.from_bytes(content).root)
        followed.append(step)
    return Lineage(root, tuple(followed))
