"""Passwords as argon2id hashes."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache

import argon2

from loa.controller.errors import TooMany

AT_ONCE = 4
"""Each takes 64 MiB and a core: forty guesses at once must not take the machine."""
STRANGERS = 8
"""So many sign-ins from unknown devices may be checked or wait; more are sent away, and threads stay free."""


@dataclass(frozen=True, slots=True)
class Hashed:
    """A password that was hashed before a transaction began, since that takes a while."""

    text: str = field(repr=False)


@cache
def _nobodys(rounds: int, memory_kib: int) -> str:
    """What the password of a user who is not there is held against."""
    return argon2.PasswordHasher(time_cost=rounds, memory_cost=memory_kib).hash("nobody has this password")


class PasswordHasher:
    """Argon2id with the library's defaults (RFC 9106's second recommended option, 64 MiB)."""

    def __init__(self, *, memory_kib: int = 65_536, rounds: int = 3, strangers: int = STRANGERS) -> None:
        self._argon2 = argon2.PasswordHasher(time_cost=rounds, memory_cost=memory_kib)
        self._turns = threading.BoundedSemaphore(AT_ONCE)
        self._strangers = threading.BoundedSemaphore(strangers)
        self._nobody = _nobodys(rounds, memory_kib)

    def hash(self, password: str) -> Hashed:
        """A salted hash."""
        with self._turns:
            return Hashed(self._argon2.hash(password))

    def fits(self, password_hash: str | None, password: str, *, is_known: bool = True) -> bool:
        """Whether the password made the hash; takes as long for None, a user who is not there.

        Strangers, who are not `is_known`, wait for each other, and raise `TooMany` when too many wait.
        """
        with self._let_in(is_known=is_known):
            try:
                return self._verify(password_hash or self._nobody, password) and password_hash is not None
            except (argon2.exceptions.VerifyMismatchError, argon2.exceptions.InvalidHashError):
                return False

    def is_outdated(self, password_hash: str) -> bool:
        """Whether it was made with weaker parameters than today's."""
        return self._argon2.check_needs_rehash(password_hash)

    @contextmanager
    def _let_in(self, *, is_known: bool) -> Iterator[None]:
        if is_known:
            yield
            return
        if not self._strangers.acquire(blocking=False):
            raise TooMany("too_many_attempts", "too many people sign in just now; try again", retry_after_s=2)
        try:
            yield
        finally:
            self._strangers.release()

    def _verify(self, password_hash: str, password: str) -> bool:
        with self._turns:
            return self._argon2.verify(password_hash, password)
