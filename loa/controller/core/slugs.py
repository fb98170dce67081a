"""Slugs from Vietnamese names: `Sông Lô` becomes `song-lo`."""

import re
import unicodedata

_LONGEST = 48


def slug_of(name: str) -> str:
    """Lower-case Latin letters, digits and hyphens; empty if nothing of the name is left."""
    plain = unicodedata.normalize("NFD", name.lower().replace("đ", "d"))
    letters = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return re.sub(r"[^a-z0-9]+", "-", letters).strip("-")[:_LONGEST].rstrip("-")
