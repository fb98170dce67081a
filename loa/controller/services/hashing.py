"""Passwords as argon2id hashes."""

import threading

import argon2

AT_ONCE = 4
"""Each takes 64 MiB and a core: forty guesses at once must not take the machine."""


class PasswordHasher:
    """Argon2id with the library's defaults (RFC 9106's second recommended option, 64 MiB)."""

    def __init__(self, *, memory_kib: int = 65_536, rounds: int = 3) -> None:
        self._argon2 = argon2.PasswordHasher(time_cost=rounds, memory_cost=memory_kib)
        self._turns = threading.BoundedSemaphore(AT_ONCE)
        self._nobody = self._argon2.hash("nobody has this password")

    def hash(self, password: str) -> str:
        """A salted hash."""
        with self._turns:
            return self._argon2.hash(password)

    def fits(self, password_hash: str | None, password: str) -> bool:
        """Whether the password made the hash; takes as long for None, a user who is not there."""
        try:
            return self._verify(password_hash or self._nobody, password) and password_hash is not None
        except (argon2.exceptions.VerifyMismatchError, argon2.exceptions.InvalidHashError):
            return False

    def is_outdated(self, password_hash: str) -> bool:
        """Whether it was made with weaker parameters than today's."""
        return self._argon2.check_needs_rehash(password_hash)

    def _verify(self, password_hash: str, password: str) -> bool:
        with self._turns:
            return self._argon2.verify(password_hash, password)
