"""Identifiers: ordered in time, safe to type anywhere, and any slip of a finger is noticed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenure.kit.ids import BadIdentifier, moment_of, new_id, parse_id, shorten

NUMBERS = st.integers(0, (1 << 128) - 1)
LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def test_an_id_is_what_it_always_was() -> None:
    assert new_id(1_790_000_000_123_456, bytes(range(8))) == "01M3250V3VEX5R00820C20A1G7N"


def slowly(number: int) -> str:
    """The definition, a character at a time."""
    digits = [(number >> shift) & 31 for shift in range(125, -1, -5)]
    check = 0
    for place, digit in enumerate(digits):
        for _ in range(place + 1):
            digit = digit << 1 if digit < 16 else (digit << 1) ^ 0b100101
        check ^= digit
    return "".join(LETTERS[digit] for digit in [*digits, check])


@given(NUMBERS)
def test_the_tables_spell_as_the_definition_does(number: int) -> None:
    assert shorten(number) == slowly(number)


@given(NUMBERS)
def test_the_short_form_gives_itself_back_in_any_spelling(number: int) -> None:
    short = shorten(number)
    assert set(short) <= set(LETTERS), "nothing that a shell, a URL or a file system would take for its own"
    assert parse_id(short.lower().replace("0", "o").replace("1", "l")) == short
    assert parse_id("-".join([short[:9], short[9:18], short[18:]])) == short


@given(NUMBERS, st.integers(0, 26), st.sampled_from(LETTERS))
def test_one_wrong_character_is_always_noticed(number: int, place: int, letter: str) -> None:
    short = shorten(number)
    wrong = short[:place] + letter + short[place + 1 :]
    if wrong != short:
        with pytest.raises(BadIdentifier):
            parse_id(wrong)


@given(NUMBERS, st.integers(0, 26), st.integers(0, 26))
def test_two_characters_that_changed_places_are_always_noticed(number: int, one: int, other: int) -> None:
    letters = list(shorten(number))
    letters[one], letters[other] = letters[other], letters[one]
    if "".join(letters) != shorten(number):
        with pytest.raises(BadIdentifier):
            parse_id("".join(letters))


@given(st.integers(0, 1 << 50), st.integers(1, 1 << 20), st.binary(min_size=8, max_size=8))
def test_ids_sort_by_time(now: int, later: int, random: bytes) -> None:
    first, second = new_id(now, random), new_id(now + later, random)
    assert first < second
    assert moment_of(first) == now // 1000 * 1000


def test_what_is_no_id_is_refused_with_the_reason() -> None:
    with pytest.raises(BadIdentifier, match="it has 3 characters, not 27"):
        parse_id("abc")
    with pytest.raises(BadIdentifier, match="does not occur"):
        parse_id("?" * 27)
