"""Patterns of `matches()`: the part of RE2's syntax that Python's `re` cannot be made slow with."""

from __future__ import annotations

import re

from tenure.application.rules.errors import BrokenExpression

_UNBOUNDED = re.compile(r"(?<!\\)(?:\*|\+|\{\d+,\})")
_REFUSED = {
    r"\(\?": "groups that begin with (? are not supported",
    r"(?<!\\)\\[1-9]": "references to groups are not supported",
    r"(?<!\\)\)[*+{]": "a repeated group can take for ever",
}
_MOST_REPEATS = 3


def compiled_pattern(pattern: str, at: int) -> re.Pattern[str]:
    """Return the compiled pattern, or raise `BrokenExpression`: nothing that could backtrack for long is let in."""
    for sign, why in _REFUSED.items():
        if re.search(sign, pattern):
            raise BrokenExpression(why=f"the pattern {pattern!r}: {why}", at=at)
    if len(_UNBOUNDED.findall(pattern)) > _MOST_REPEATS:
        raise BrokenExpression(
            why=f"the pattern {pattern!r} repeats more than {_MOST_REPEATS} parts without bound", at=at
        )
    try:
        return re.compile(pattern)
    except re.error as error:
        raise BrokenExpression(why=f"the pattern {pattern!r} is broken: {error}", at=at) from error
