"""Types of what people write."""

from typing import Annotated

from pydantic import AfterValidator, StringConstraints


def _check(text: str) -> str:
    if "\0" in text:
        raise ValueError("a text must not hold the character NUL; remove it")
    if any("\ud800" <= letter <= "\udfff" for letter in text):
        raise ValueError("a text must not hold half a surrogate pair; send whole characters")
    return text


Words = Annotated[str, AfterValidator(_check)]
"""Text of people, without NUL, which PostgreSQL cannot keep, and such that UTF-8 can write it."""
Key = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
"""Id of a thing that the controller named."""
