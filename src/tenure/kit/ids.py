"""Time-ordered identifiers (UUIDv7, RFC 9562 section 5.7) and their short form with a check character.

The short form is Crockford's base 32 (no I, L, O, U) of the 128 bits, 26 characters, and one check character of the
same alphabet, so that an id needs no quotes in a shell, a URL or a file name. The check is a weighted sum in the field
of 32 elements (polynomial x^5 + x^2 + 1, weights the powers of x, all different): every mistyped character and every
two that changed places are noticed before any search.
"""

from __future__ import annotations

import os
from functools import lru_cache

from tenure.kit.errors import Kind, TenureError

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_VALUE = {letter: value for value, letter in enumerate(_ALPHABET)} | {"I": 1, "L": 1, "O": 0}
_LENGTH = 26
_POLYNOMIAL = 0b100101


def _weighted(digit: int, place: int) -> int:
    """Return `digit` times x to the power `place` + 1, in the field of 32 elements."""
    for _ in range(place + 1):
        digit <<= 1
        if digit & 32:
            digit ^= _POLYNOMIAL
    return digit


# An id is made for every decision, so two characters are written at a time, from tables: five pairs hold the
# millisecond, the other eight the rest.
_PAIRS = tuple(high + low for high in _ALPHABET for low in _ALPHABET)
_WEIGHTS = tuple(bytes(_weighted(digit, place) for digit in range(32)) for place in range(_LENGTH))
_CHECKS = tuple(
    bytes(high ^ low for high in _WEIGHTS[place] for low in _WEIGHTS[place + 1]) for place in range(0, _LENGTH, 2)
)
_TIME_SHIFTS = tuple(range(40, -1, -10))
_REST_BITS = 80
_REST = (1 << _REST_BITS) - 1


class BadIdentifier(TenureError):
    """The text is no identifier of ours, or a character of it is wrong."""

    code = "bad-identifier"
    kind = Kind.BAD_INPUT
    message = "{text!r} is not a decision id: {why}"
    next_step = "copy the id again; it has 27 letters and digits, as `tenure decisions` prints them"


def new_id(now: int, random: bytes | None = None) -> str:
    """Return a new short id for the moment `now` (UTC microseconds); ids of later milliseconds sort later.

    `random` is 8 bytes, taken from the system when not given. The 12 bits after the millisecond hold its
    microseconds' fraction (RFC 9562 method 3), so ids of one process are ordered within a millisecond too.
    """
    millisecond, rest = divmod(now, 1000)
    fraction = rest * 4096 // 1000
    tail = int.from_bytes(random or os.urandom(8), "big") & ((1 << 62) - 1)
    return _written(millisecond, (0x7 << 76) | (fraction << 64) | (0b10 << 62) | tail)


def shorten(number: int) -> str:
    """Return the 27-character short form of a 128-bit number."""
    return _written(number >> _REST_BITS, number & _REST)


def _written(millisecond: int, rest: int) -> str:
    """Return the short form of 48 bits and 80; written out, which takes a third of a loop's time."""
    begin, check = _begin(millisecond)
    a, b, c, d = rest >> 70, rest >> 60 & 1023, rest >> 50 & 1023, rest >> 40 & 1023
    e, f, g, h = rest >> 30 & 1023, rest >> 20 & 1023, rest >> 10 & 1023, rest & 1023
    pairs, checks = _PAIRS, _CHECKS
    check ^= checks[5][a] ^ checks[6][b] ^ checks[7][c] ^ checks[8][d]
    check ^= checks[9][e] ^ checks[10][f] ^ checks[11][g] ^ checks[12][h]
    return f"{begin}{pairs[a]}{pairs[b]}{pairs[c]}{pairs[d]}{pairs[e]}{pairs[f]}{pairs[g]}{pairs[h]}{_ALPHABET[check]}"


@lru_cache(maxsize=16)
def _begin(millisecond: int) -> tuple[str, int]:
    """Return the first ten characters, and what they are of the check; ids made together share them."""
    pairs = [(millisecond >> shift) & 1023 for shift in _TIME_SHIFTS]
    check = 0
    for pair, table in zip(pairs, _CHECKS, strict=False):
        check ^= table[pair]
    return "".join([_PAIRS[pair] for pair in pairs]), check


def sorts_before(moment: int) -> str:
    """Return a text that sorts before every short id of this moment's millisecond or later, and after all others."""
    return shorten((max(0, moment) // 1000) << 80)[:_LENGTH]


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
    normal = shorten(number)
    if number >> 128 or _VALUE.get(letters[-1]) != _VALUE[normal[-1]]:
        raise BadIdentifier(text=text, why="its check character does not fit: a character is wrong or two are swapped")
    return normal


def moment_of(short: str) -> int:
    """Return the UTC microseconds (to the millisecond) at which a short id was made."""
    number = 0
    for letter in short[:_LENGTH]:
        number = (number << 5) | _VALUE[letter]
    return (number >> 80) * 1000
