from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Change:
    """`text[start:end]` of the official's text (`original`) will be said as `spoken`."""

    start: int
    end: int
    original: str
    spoken: str


@dataclass(frozen=True, slots=True)
class Reading:
    """What the voice will say; `changes` in the order of the text, never overlapping."""

    text: str
    changes: tuple[Change, ...]
