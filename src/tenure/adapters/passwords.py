"""Passwords by argon2id (RFC 9106), with the library's own parameters, which it raises over the years."""

from __future__ import annotations

import threading

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

#: Each hash takes 64 MB and both cores for a moment; more at once would starve the decisions.
_AT_ONCE = 2


class ArgonPasswords:
    """Hashes and verifies (governance/ports.py); a few at once, the others wait."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._places = threading.Semaphore(_AT_ONCE)
        self._nobodys = ""

    def hash(self, password: str) -> str:
        """Return the hash to keep, with its salt and parameters in it."""
        with self._places:
            return self._hasher.hash(password)

    def verify(self, hashed: str, password: str) -> bool:
        """Return whether the password is the hashed one; for the empty hash a stand-in is computed and refused."""
        if not self._nobodys:
            self._nobodys = self.hash("nobody's password")
        with self._places:
            try:
                self._hasher.verify(hashed or self._nobodys, password)
            except (VerificationError, InvalidHashError):
                return False
        return bool(hashed)
