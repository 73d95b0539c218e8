"""Patterns of `matches()`: the part of RE2's syntax that Python's `re` cannot be made slow with, on texts of some length.

Two parts repeated without bound, searched from every place, cost at most the third power of the text's length: that is
why the text has a bound too.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tenure.application.rules.errors import BrokenExpression, ValueOutOfRange

if TYPE_CHECKING:
    from tenure.application.rules.operators import Facts, Run

_REPEATED = re.compile(r"(?<!\\)[*+{]")
_REFUSED = {
    r"\(\?": "groups that begin with (? are not supported",
    r"(?<!\\)\\[1-9]": "references to groups are not supported",
    r"(?<!\\)\)[*+{]": "a repeated group can take for ever",
}
_MOST_REPEATS = 2
LONGEST_TEXT = 256


def compiled_pattern(pattern: str, at: int) -> re.Pattern[str]:
    """Return the compiled pattern, or raise `BrokenExpression`: nothing that could backtrack for long is let in."""
    for sign, why in _REFUSED.items():
        if re.search(sign, pattern):
            raise BrokenExpression(why=f"the pattern {pattern!r}: {why}", at=at)
    if len(_REPEATED.findall(pattern)) > _MOST_REPEATS:
        raise BrokenExpression(why=f"the pattern {pattern!r} repeats more than {_MOST_REPEATS} parts", at=at)
    try:
        return re.compile(pattern)
    except re.error as error:
        raise BrokenExpression(why=f"the pattern {pattern!r} is broken: {error}", at=at) from error


def matching(pattern: re.Pattern[str], text: Run) -> Run:
    """Return a closure that tells whether the pattern is found anywhere in the text."""

    def run(facts: Facts) -> bool:
        found = text(facts)
        if len(found) > LONGEST_TEXT:
            raise ValueOutOfRange(field="matches()", why=f"the text is longer than {LONGEST_TEXT} characters")
        return pattern.search(found) is not None

    return run
