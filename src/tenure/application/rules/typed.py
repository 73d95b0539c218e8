"""A typed expression, and how the parts of one are joined."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from tenure.application.rules.errors import BrokenExpression
from tenure.application.rules.kinds import DATE, FLOAT, INT, STRING, Kind, Known, nearest
from tenure.kit.clock import parse_iso

if TYPE_CHECKING:
    from tenure.application.rules.operators import Run

_DATE = re.compile(r"\d{4}-\d\d-\d\d")
VARIES: Any = object()
NOTHING: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Expression:
    """A typed expression: `run(facts)` gives its value, or raises `Undecided` unless it is `total`.

    `reads` are the keys of the facts that it looks at, `personal` whether one of them is personal.
    """

    kind: Kind
    run: Run
    total: bool = True
    reads: frozenset[str] = NOTHING
    personal: bool = False
    constant: Any = VARIES
    known: Known | None = None

    @property
    def is_constant(self) -> bool:
        """Tell whether the value is known without any fact."""
        return self.constant is not VARIES


def refuse(why: str, at: int) -> NoReturn:
    """Raise `BrokenExpression` for the character `at`."""
    raise BrokenExpression(why=why, at=at)


def constant(kind: Kind, value: Any) -> Expression:
    """Return an expression whose value is known."""
    return Expression(kind, lambda _: value, constant=value)


def joined(kind: Kind, run: Run, *parts: Expression, total: bool = True) -> Expression:
    """Return the expression made of parts, folded to its value if all of them are constants."""
    if all(part.is_constant for part in parts):
        return constant(kind, run({}))
    reads = frozenset[str]().union(*(part.reads for part in parts))
    return Expression(kind, run, total and all(p.total for p in parts), reads, any(p.personal for p in parts))


def widened(side: Expression, other: Expression) -> Expression:
    """Return an integer that is written out as a float if the other side is one."""
    if side.is_constant and side.kind == INT and other.kind == FLOAT:
        return constant(FLOAT, float(side.constant))
    return side


def dated(side: Expression, other: Expression, at: int) -> Expression:
    """Return a text that is written out as a day if the other side is one."""
    if side.is_constant and side.kind == STRING and other.kind == DATE:
        return constant(DATE, day(side.constant, at))
    return side


def day(text: str, at: int) -> str:
    """Return `YYYY-MM-DD` if it is a day of the calendar, else refuse it."""
    try:
        if _DATE.fullmatch(text):
            parse_iso(text)
            return text
    except ValueError:
        pass
    return refuse(f"{text!r} is no day; write it as 2026-11-23", at)


def declared(field: Expression, literal: Expression, at: int) -> None:
    """Refuse a text that the field can never be, because the request's schema lets in only its declared values."""
    values = field.known.values if field.known else None
    if values and literal.is_constant and literal.kind == STRING and literal.constant not in values:
        name = field.known.key.removeprefix("request.") if field.known else ""
        refuse(
            f"{name} is never {literal.constant!r}{nearest(literal.constant, values) or '; it is one of: ' + ', '.join(values)}",
            at,
        )
