"""Passwords of people in tests, hashed once a process: each takes a third of a second."""

from functools import cache

from loa.controller.services.hashing import Hashed, PasswordHasher

PASSWORD = "mat-khau-thu-nghiem"


@cache
def hashed(password: str = PASSWORD) -> Hashed:
    """As the controller hashes it."""
    return PasswordHasher().hash(password)
