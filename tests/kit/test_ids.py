"""Ids are the same for ever: they stand in logs, in answers and on paper."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenure.kit.ids import BadIdentifier, moment_of, new_id, parse_id, shorten

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
MOMENT = 1_790_000_000_123_456


def letter_by_letter(number: int) -> str:
    """Return the short form as its definition says it."""
    letters = [ALPHABET[(number >> shift) & 31] for shift in range(125, -1, -5)]
    return "".join(letters) + (ALPHABET + "*~$=U")[number % 37]


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (new_id(MOMENT, bytes(range(8))), "01M3250V3VEX5R00820C20A1G7V"),
        (new_id(0, bytes(8)), "0000000000E0080000000000007"),
        (shorten(2**128 - 1), "7ZZZZZZZZZZZZZZZZZZZZZZZZZ*"),
    ],
)
def test_an_id_is_spelled_today_as_it_always_was(made: str, expected: str) -> None:
    assert made == expected


@given(st.integers(0, 2**128 - 1))
def test_the_fast_spelling_is_the_one_defined_and_is_read_back(number: int) -> None:
    assert shorten(number) == letter_by_letter(number)
    assert parse_id(shorten(number)) == shorten(number)


@given(st.integers(0, 2**48 * 1000 - 1), st.integers(1, 10**9))
def test_later_ids_sort_later(moment: int, step: int) -> None:
    random = bytes(8)
    later = min(moment + step * 1000, 2**48 * 1000 - 1)
    assert new_id(moment, random) <= new_id(later, random)
    assert moment_of(new_id(moment)) == moment // 1000 * 1000


@given(st.integers(0, 2**128 - 1), st.integers(0, 25), st.sampled_from(ALPHABET))
def test_a_wrong_letter_is_noticed(number: int, place: int, letter: str) -> None:
    right = shorten(number)
    wrong = right[:place] + letter + right[place + 1 :]
    if wrong == right:
        assert parse_id(wrong) == right
    else:
        with pytest.raises(BadIdentifier):
            parse_id(wrong)
