"""Titles as people search them: without marks, without capitals."""

import unicodedata


def fold(text: str) -> str:
    """`Thu phí Đợt 2` becomes `thu phi dot 2`."""
    plain = unicodedata.normalize("NFD", text.lower().replace("đ", "d"))
    letters = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return " ".join(letters.split())
