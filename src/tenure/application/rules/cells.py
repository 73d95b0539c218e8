"""The cells of a decision table: what a condition column's cell lets in, and the plain value of an answer's cell.

A cell is empty or `-` (anything), a value, a comparison (`< 5`), a range (`[5..10)`, brackets as in mathematics: `[`
includes its end, `(` does not), or several of these with `|` between. Text may be quoted; `not a | b` is all other text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

from tenure.application.rules.errors import BrokenExpression
from tenure.application.rules.kinds import BOOL, DATE, FLOAT, INT, STRING, TIMESTAMP
from tenure.application.rules.typed import day
from tenure.kit.clock import parse_iso

if TYPE_CHECKING:
    from collections.abc import Callable

    from tenure.application.rules.kinds import Kind

ANYTHING = frozenset({"", "-"})
_WHOLE = re.compile(r"[-+]?\d{1,18}")
_NUMBER = re.compile(r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d{1,3})?")
_RANGE = re.compile(r"(?P<open>[\[(])\s*(?P<low>.*?)\s*\.\.\s*(?P<high>.*?)\s*(?P<close>[\])])")
_COMPARISON = re.compile(r"(?P<sign><=|>=|<|>|=)\s*(?P<value>.+)")
_TRUTH = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class Span:
    """Everything from `low` to `high`; None is without end."""

    low: Any = None
    high: Any = None
    low_in: bool = True
    high_in: bool = True

    @property
    def is_empty(self) -> bool:
        """Tell whether nothing lies in it."""
        if self.low is None or self.high is None:
            return False
        return bool(self.low > self.high) or (self.low == self.high and not (self.low_in and self.high_in))


@dataclass(frozen=True, slots=True)
class Chosen:
    """These values, or with `others` all but these."""

    values: tuple[Any, ...]
    others: bool = False


Cell: TypeAlias = "tuple[Span, ...] | Chosen | None"


def read_cell(text: str, kind: Kind) -> Cell:
    """Return what a cell of this kind lets in, None for anything; raise `BrokenExpression`."""
    text = text.strip()
    if text in ANYTHING:
        return None
    if kind == BOOL:
        return Chosen(tuple(_truth(part) for part in _parts(text)))
    if kind == STRING:
        others = text.startswith("not ")
        return Chosen(tuple(_text(part) for part in _parts(text[4:] if others else text)), others)
    if kind not in _LITERALS:
        _refuse(f"a column of a table cannot be {kind}")
    return tuple(_span(part, _LITERALS[kind]) for part in _parts(text))


def read_value(text: str) -> Any:
    """Return the plain value of an answer's cell: true or false, a number, else text; `=x` stands for an expression."""
    text = text.strip()
    if text.startswith("="):
        return {"expr": text[1:].strip()}
    if text in _TRUTH:
        return _TRUTH[text]
    if _WHOLE.fullmatch(text):
        return int(text)
    if _NUMBER.fullmatch(text):
        return float(text)
    return _text(text)


def _parts(text: str) -> list[str]:
    parts = [part.strip() for part in re.split(r"""\|(?=(?:[^'"]|'[^']*'|"[^"]*")*$)""", text)]
    if "" in parts:
        _refuse("a value is missing beside '|'")
    return parts


def _span(text: str, literal: Callable[[str], Any]) -> Span:
    if found := _RANGE.fullmatch(text):
        low, high = (literal(found[end]) if found[end] else None for end in ("low", "high"))
        span = Span(low, high, found["open"] == "[", found["close"] == "]")
        return span if not span.is_empty else _refuse(f"nothing lies in {text}")
    if ".." in text:
        _refuse(f"{text!r} does not say whether its ends belong to it; write [1..2] with them, [1..2) without the last")
    if found := _COMPARISON.fullmatch(text):
        return _compared(found["sign"], literal(found["value"].strip()))
    value = literal(text)
    return Span(value, value)


def _compared(sign: str, value: Any) -> Span:
    if sign == "=":
        return Span(value, value)
    if sign[0] == "<":
        return Span(high=value, high_in=sign == "<=")
    return Span(low=value, low_in=sign == ">=")


def _truth(text: str) -> bool:
    return _TRUTH[text] if text in _TRUTH else _refuse(f"{text!r} is neither true nor false")


def _text(text: str) -> str:
    quote = text[:1]
    if quote not in {"'", '"'}:
        return text if not text.endswith(("'", '"')) else _refuse(f"{text} has no first quote")
    if len(text) < 2 or text[-1] != quote or quote in text[1:-1]:
        _refuse(f"the text {text} is not closed with a second quote")
    return text[1:-1]


def _whole(text: str) -> int:
    return int(text) if _WHOLE.fullmatch(text) else _refuse(f"{text!r} is no whole number")


def _number(text: str) -> float:
    if not _NUMBER.fullmatch(text):
        _refuse(f"{text!r} is no number; write it as 1234.5, without a unit")
    return float(text)


def _moment(text: str) -> int:
    try:
        return parse_iso(text)
    except ValueError:
        return _refuse(f"{text!r} is no moment; write it as 2026-11-23T00:00:00Z")


_LITERALS: dict[Kind, Callable[[str], Any]] = {
    INT: _whole,
    FLOAT: _number,
    DATE: lambda text: day(text, 0),
    TIMESTAMP: _moment,
}


def _refuse(why: str) -> NoReturn:
    raise BrokenExpression(why=why, at=0)
