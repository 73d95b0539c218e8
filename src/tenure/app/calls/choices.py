"""Parameters that are one of a few words: another one is refused, since it would quietly match nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenure.kit.errors import Kind, TenureError
from tenure.kit.words import advice, nearest

if TYPE_CHECKING:
    from collections.abc import Iterable


class NotOneOf(TenureError):
    """A parameter has a value that it can never have."""

    code = "not-one-of"
    kind = Kind.BAD_INPUT
    message = "{parameter} is never {value!r}"
    next_step = "use the words that the problem lists as `allowed`"

    @property
    def hint(self) -> str:
        """Return the nearest word and all there are."""
        return advice(self.facts["nearest"], self.facts["allowed"])


def one_of(parameter: str, value: str, allowed: Iterable[str]) -> str:
    """Return the value if it is allowed or empty (anything); raise `NotOneOf`."""
    names = list(allowed)
    if value and value not in names:
        raise NotOneOf(parameter=parameter, value=value, nearest=nearest(value, names), allowed=names)
    return value
