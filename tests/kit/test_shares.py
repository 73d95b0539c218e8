"""A stable share: about as large as it says, the same each time, growing without moving anybody out."""

from hypothesis import given
from hypothesis import strategies as st

from tenure.kit.shares import in_share

NAMES = [f"person-{number}" for number in range(4000)]


def test_a_share_holds_about_that_part_of_the_names() -> None:
    held = sum(in_share(name, "churn/2", 0.1) for name in NAMES)
    assert 340 < held < 460


@given(st.text(), st.text(), st.floats(0, 1), st.floats(0, 1))
def test_a_wider_share_keeps_whom_the_smaller_one_held(name: str, key: str, one: float, other: float) -> None:
    small, large = sorted((one, other))
    assert in_share(name, key, large) or not in_share(name, key, small)
    assert not in_share(name, key, 0.0)
    assert in_share(name, key, 1.0)


def test_shares_under_two_keys_are_independent() -> None:
    first = {name for name in NAMES if in_share(name, "churn/2", 0.2)}
    second = {name for name in NAMES if in_share(name, "churn/3", 0.2)}
    assert 100 < len(first & second) < 220
