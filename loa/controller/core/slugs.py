"""Slugs from Vietnamese names, and finding names without the diacritics that phones make hard to type."""

import re
import unicodedata

_LONGEST = 48


def slug_of(name: str) -> str:
    """Lower-case Latin letters, digits and hyphens (`song-lo`); empty if nothing of the name is left."""
    return re.sub(r"[^a-z0-9]+", "-", plain(name)).strip("-")[:_LONGEST].rstrip("-")


def plain(text: str) -> str:
    """`Suối Chùa 2` as `suoi chua 2`; blanks of any kind are one."""
    letters = unicodedata.normalize("NFD", text.lower().replace("đ", "d"))
    return " ".join("".join(letter for letter in letters if not unicodedata.combining(letter)).split())


def by_name(name: str) -> tuple[tuple[int, int | str], ...]:
    """A key to order names by: without diacritics, numbers by their value: `Cụm 9` before `Cụm 10`."""
    parts = re.split(r"(\d+)", plain(name))
    return tuple((0, int(part)) if part.isdecimal() else (1, part) for part in parts if part)


def matches(sought: str, *texts: str) -> bool:
    """Whether each word that was typed stands in one of the texts, whatever their diacritics."""
    where = " | ".join(map(plain, texts))
    return all(word in where for word in plain(sought).split())
