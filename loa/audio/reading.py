import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sea_g2p import Normalizer

from loa.audio import reading_rules as say
from loa.audio.errors import Empty, TextTooLong
from loa.audio.reading_rules import Rule

DEFAULT_LIMIT = 20_000
"""Characters: about half an hour of speech."""

_MARKUP = re.compile(r"</?\w+>")
_DIGIT = re.compile(r"\d")
_WORD = re.compile(r"[^\W_]")


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


def read_out(text: str, *, limit: int = DEFAULT_LIMIT) -> Reading:
    """Write out what a voice would stumble over: numbers, dates, times, money, units, abbreviations.

    Our own rules go first; what they leave and is not plain words is given to sea-g2p. Raises Empty for a
    text without words and TextTooLong above `limit` characters.
    """
    if not _WORD.search(text):
        raise Empty("the text")
    if len(text) > limit:
        raise TextTooLong(len(text), limit)
    taken = bytearray(len(text))
    changes = [
        *_by_rules(text, say.RULES, taken),
        *_by_library(text, taken),
        *_by_rules(text, say.REMAINDERS, taken),
    ]
    changes.sort(key=lambda change: change.start)
    return Reading(_apply(text, changes), tuple(changes))


def _by_rules(text: str, rules: Iterable[Rule], taken: bytearray) -> Iterator[Change]:
    for rule in rules:
        for found in rule.pattern.finditer(text):
            start, end = found.span()
            spoken = None if any(taken[start:end]) else rule.say(found)
            if spoken is not None:
                taken[start:end] = b"\1" * (end - start)
                yield Change(start, end, text[start:end], spoken)


def _by_library(text: str, taken: bytearray) -> Iterator[Change]:
    """Words with digits or signs in them that no rule took."""
    normalizer = Normalizer()
    for found in say.ODD_WORD.finditer(text):
        start, end = found.span()
        spoken = "" if any(taken[start:end]) else _plain(normalizer.normalize(found[0]))
        if spoken:
            taken[start:end] = b"\1" * (end - start)
            yield Change(start, end, found[0], spoken)


def _plain(spoken: str) -> str:
    """Without markup, or nothing if digits are left."""
    words = " ".join(_MARKUP.sub(" ", spoken).replace("<", " ").replace(">", " ").split())
    return "" if _DIGIT.search(words) else words


def _apply(text: str, changes: list[Change]) -> str:
    pieces: list[str] = []
    at = 0
    for change in changes:
        pieces += [text[at : change.start], _spaced(text, change)]
        at = change.end
    return "".join([*pieces, text[at:]])


def _spaced(text: str, change: Change) -> str:
    """The spoken words with a space where the original stuck to a letter."""
    before = " " if change.start and text[change.start - 1].isalnum() else ""
    after = " " if change.end < len(text) and text[change.end].isalnum() else ""
    return before + change.spoken + after if change.spoken else " "
