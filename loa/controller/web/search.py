"""Searching by words as people type them: without accents, in any case."""

import unicodedata

_D_WITH_STROKE = chr(0x111)


def plain(text: str) -> str:
    """Lower case, without diacritics: `Đồng Chăm` is found by `dong cham`."""
    parts = unicodedata.normalize("NFD", text.casefold().replace(_D_WITH_STROKE, "d"))
    return "".join(letter for letter in parts if not unicodedata.combining(letter))
