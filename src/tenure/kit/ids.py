"""Time-ordered identifiers (UUIDv7, RFC 9562 section 5.7) and their short form with a check character.

The short form is Crockford's base 32 (no I, L, O, U) of the 128 bits, 26 characters, and one check character
that is the number modulo 37, as Crockford proposes: a mistyped or swapped character is noticed before any search.
"""

from __future__ import annotations

import os

from tenure.kit.errors import Kind, TenureError

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_CHECK = _ALPHABET + "*~$=U"
_VALUE = {letter: value for value, letter in enumerate(_ALPHABET)} | {"I": 1, "L": 1, "O": 0}
_LENGTH = 26


class BadIdentifier(TenureError):
    """The text is no identifier of ours, or a character of it is wrong."""

    code = "bad-identifier"
    kind = Kind.BAD_INPUT
    message = "{text!r} is not a decision id: {why}"
    next_step = "copy the id again; it has 27 letters and digits, as `tenure decisions` prints them"


def new_id(now: int, random: bytes | None = None) -> str:
    """Return a new short id for the moment `now` (UTC microseconds); ids of later milliseconds sort later.

    `random` is 10 bytes, taken from the system when not given. The 12 bits after the millisecond hold its
    microseconds' fraction (RFC 9562 method 3), so ids of one process are ordered within a millisecond too.
    """
    millisecond, rest = divmod(now, 1000)
    fraction = rest * 4096 // 1000
    tail = int.from_bytes(random if random is not None else os.urandom(8), "big") & ((1 << 62) - 1)
    return shorten((millisecond << 80) | (0x7 << 76) | (fraction << 64) | (0b10 << 62) | tail)


def shorten(number: int) -> str:
    """Return the 27-character short form of a 128-bit number."""
    return "".join(_ALPHABET[(number >> shift) & 31] for shift in range(125, -1, -5)) + _CHECK[number % 37]


def parse_id(text: str) -> str:
    """Return `text` in its one normal spelling (upper case, no dashes); raise `BadIdentifier` when it is none."""
    letters = text.strip().upper().replace("-", "")
    if len(letters) != _LENGTH + 1:
        raise BadIdentifier(text=text, why=f"it has {len(letters)} characters, not {_LENGTH + 1}")
    number = 0
    for letter in letters[:_LENGTH]:
        if letter not in _VALUE:
            raise BadIdentifier(text=text, why=f"the character {letter!r} does not occur in ids")
        number = (number << 5) | _VALUE[letter]
    if number >> 128 or _CHECK[number % 37] != letters[-1]:
        raise BadIdentifier(text=text, why="its check character does not fit: a character is wrong or two are swapped")
    return shorten(number)


def moment_of(short: str) -> int:
    """Return the UTC microseconds (to the millisecond) at which a short id was made."""
    number = 0
    for letter in short[:_LENGTH]:
        number = (number << 5) | _VALUE[letter]
    return (number >> 80) * 1000
