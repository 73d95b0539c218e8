"""The refusal of a parameter that does not exist: it names the parameter, the nearest one there is, and all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenure.kit.errors import Kind, TenureError
from tenure.kit.words import advice, nearest

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class UnknownParameter(TenureError):
    """The request has a parameter, or its body a field, that does not exist here."""

    code = "unknown-parameter"
    kind = Kind.BAD_INPUT
    message = "there is no {parameter!r} here"
    next_step = "use the names that the problem lists as `allowed`"

    def __init__(self, parameter: str, allowed: Iterable[str]) -> None:
        names = sorted(allowed)
        super().__init__(parameter=parameter, nearest=nearest(parameter, names), allowed=names)

    @property
    def hint(self) -> str:
        """Return the nearest name and all there are."""
        return advice(self.facts["nearest"], self.facts["allowed"])


def refuse_unknown(given: Iterable[str], allowed: Sequence[str]) -> None:
    """Raise `UnknownParameter` for the first name that is not allowed."""
    for name in given:
        if name not in allowed:
            raise UnknownParameter(name, allowed)
