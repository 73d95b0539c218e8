"""The grammar of conditions: the part of CEL (github.com/google/cel-spec, `doc/langdef.md`) that can be typed completely.

Literals, names, `a.b`, `a["b"]`, `a[0]`, calls, `! - * / % + - < <= > >= == != in && || ?:` and lists. Comprehensions,
maps, bytes, unsigned integers and `null` are refused by name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

from tenure.application.rules.errors import BrokenExpression

if TYPE_CHECKING:
    from collections.abc import Callable

LONGEST = 4000
DEEPEST = 40
MOST_OPERATORS = 100


@dataclass(frozen=True, slots=True)
class Literal:
    """A value written out."""

    value: Any
    at: int


@dataclass(frozen=True, slots=True)
class Name:
    """A bare name."""

    name: str
    at: int


@dataclass(frozen=True, slots=True)
class Select:
    """`target.name` or `target["name"]`."""

    target: Node
    name: str
    at: int


@dataclass(frozen=True, slots=True)
class Index:
    """`target[index]`."""

    target: Node
    index: Node
    at: int


@dataclass(frozen=True, slots=True)
class Call:
    """`function(arguments)`; of a method, the target is the first argument."""

    function: str
    arguments: tuple[Node, ...]
    method: bool
    at: int


@dataclass(frozen=True, slots=True)
class Unary:
    """`!x` or `-x`."""

    operator: str
    operand: Node
    at: int


@dataclass(frozen=True, slots=True)
class Binary:
    """`left operator right`; `at` is where the operator stands."""

    operator: str
    left: Node
    right: Node
    at: int


@dataclass(frozen=True, slots=True)
class Choice:
    """`test ? yes : no`."""

    test: Node
    yes: Node
    no: Node
    at: int


@dataclass(frozen=True, slots=True)
class Items:
    """`[a, b]`."""

    items: tuple[Node, ...]
    at: int


Node: TypeAlias = Literal | Name | Select | Index | Call | Unary | Binary | Choice | Items

_TOKEN = re.compile(
    r"""(?P<space>\s+)
      | (?P<float>\d+\.\d+(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+)
      | (?P<int>0x[0-9a-fA-F]+|\d+)
      | (?P<raw>[rR](?:"[^"\n]*"|'[^'\n]*'))
      | (?P<string>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')
      | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
      | (?P<sign>&&|\|\||==|!=|<=|>=|[-+*/%<>!?:.,()\[\]])""",
    re.VERBOSE,
)
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|x[0-9a-fA-F]{2}|[0-3][0-7]{2}|.)")
_PLAIN_ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"} | {
    c: c for c in "\\?\"'`"
}
_SLIPS = {
    "=": "'=' compares nothing; write ==",
    "&": "write && for 'and'",
    "|": "write || for 'or'",
    "{": "maps cannot be used here",
    '"': "the text is not closed with a second quote",
    "'": "the text is not closed with a second quote",
}
_WORD_SLIPS = {"and": "write && for 'and'", "or": "write || for 'or'", "not": "write ! for 'not'", "is": "write =="}
_LEVELS = (("||",), ("&&",), ("<", "<=", ">", ">=", "==", "!=", "in"), ("+", "-"), ("*", "/", "%"))
_CONSTANTS: dict[str, Any] = {"true": True, "false": False}
LARGEST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class _Token:
    sort: str
    text: str
    at: int


def parse(text: str) -> Node:
    """Return the tree of an expression; raise `BrokenExpression` with the character where it breaks."""
    if len(text) > LONGEST:
        _refuse(f"the expression has {len(text)} characters, more than {LONGEST}", LONGEST)
    return _Parser(_tokens(text), len(text)).whole()


def _refuse(why: str, at: int) -> NoReturn:
    raise BrokenExpression(why=why, at=at)


def _tokens(text: str) -> list[_Token]:
    found: list[_Token] = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            _refuse(_SLIPS.get(text[at], f"{text[at]!r} has no meaning here"), at)
        if match.lastgroup != "space":
            found.append(_Token(str(match.lastgroup), match[0], at))
        at = match.end()
    return found


def _whole(text: str) -> int:
    return int(text, 16) if text.startswith("0x") else int(text[:40])


def _unescape(text: str, at: int) -> str:
    def one(match: re.Match[str]) -> str:
        code = match[1]
        if code in _PLAIN_ESCAPES:
            return _PLAIN_ESCAPES[code]
        if len(code) == 1:
            _refuse(f"\\{code} is no escape", at)
        number = int(code[1:], 16) if code[0] in "uUx" else int(code, 8)
        if number > 0x10FFFF or 0xD800 <= number <= 0xDFFF:
            _refuse(f"\\{code} is no character", at)
        return chr(number)

    return _ESCAPE.sub(one, text[1:-1])


class _Parser:
    """Recursive descent; one method for each level of the grammar."""

    def __init__(self, tokens: list[_Token], end: int) -> None:
        self._tokens = tokens
        self._next = 0
        self._depth = 0
        self._operators = 0
        self._end = _Token("end", "the end", end)

    def whole(self) -> Node:
        node = self._expression()
        if self._peek().sort != "end":
            self._unexpected()
        return node

    def _peek(self) -> _Token:
        return self._tokens[self._next] if self._next < len(self._tokens) else self._end

    def _take(self) -> _Token:
        token = self._peek()
        self._next += 1
        return token

    def _is(self, *signs: str) -> bool:
        token = self._peek()
        return token.text in signs and token.sort in {"sign", "name"}

    def _expect(self, sign: str) -> _Token:
        if not self._is(sign):
            self._unexpected(f"; {sign!r} is missing")
        return self._take()

    def _unexpected(self, missing: str = "") -> NoReturn:
        token = self._peek()
        if token.text in _WORD_SLIPS:
            _refuse(_WORD_SLIPS[token.text], token.at)
        what = "the expression ends too early" if token.sort == "end" else f"{token.text!r} was not expected here"
        _refuse(what + missing, token.at)

    def _expression(self) -> Node:
        self._deeper()
        test = self._level(0)
        if self._is("?"):
            at = self._take().at
            yes = self._level(0)
            self._expect(":")
            test = Choice(test, yes, self._expression(), at)
        self._depth -= 1
        return test

    def _level(self, level: int) -> Node:
        if level == len(_LEVELS):
            return self._unary()
        left = self._level(level + 1)
        while self._is(*_LEVELS[level]):
            sign = self._operator()
            left = Binary(sign.text, left, self._level(level + 1), sign.at)
        return left

    def _operator(self) -> _Token:
        self._operators += 1
        if self._operators > MOST_OPERATORS:
            _refuse(
                f"the expression has more than {MOST_OPERATORS} operators; use `in [...]` or several rules",
                self._peek().at,
            )
        return self._take()

    def _deeper(self) -> None:
        self._depth += 1
        if self._depth > DEEPEST:
            _refuse(f"the expression is nested more than {DEEPEST} deep", self._peek().at)

    def _unary(self) -> Node:
        if self._is("!", "-"):
            self._deeper()
            sign = self._take()
            node = self._negated(sign) or Unary(sign.text, self._unary(), sign.at)
            self._depth -= 1
            return node
        return self._member()

    def _negated(self, sign: _Token) -> Node | None:
        """Return `-9223372036854775808` as one literal: without its sign it would be out of range."""
        token = self._peek()
        if sign.text == "-" and token.sort == "int" and _whole(token.text) == LARGEST + 1:
            self._take()
            return Literal(-LARGEST - 1, sign.at)
        return None

    def _member(self) -> Node:
        node = self._primary()
        while self._is(".", "["):
            node = self._selected(node) if self._take().text == "." else self._indexed(node)
        return node

    def _selected(self, target: Node) -> Node:
        token = self._take()
        if token.sort != "name":
            self._next -= 1
            self._unexpected("; a name must follow '.'")
        if self._is("("):
            return Call(token.text, (target, *self._arguments()), method=True, at=token.at)
        return Select(target, token.text, token.at)

    def _indexed(self, target: Node) -> Node:
        index = self._expression()
        at = self._expect("]").at
        if isinstance(index, Literal) and isinstance(index.value, str):
            return Select(target, index.value, index.at)
        return Index(target, index, at)

    def _arguments(self) -> tuple[Node, ...]:
        self._expect("(")
        return self._list(")")

    def _list(self, end: str) -> tuple[Node, ...]:
        items: list[Node] = []
        while not self._is(end):
            items.append(self._expression())
            if not self._is(end):
                self._expect(",")
        self._take()
        return tuple(items)

    def _primary(self) -> Node:
        token = self._peek()
        reader: Callable[[_Token], Node] | None = {
            "int": self._int, "float": self._float, "string": self._string, "raw": self._raw, "name": self._name,
        }.get(token.sort)  # fmt: skip
        if reader is not None and token.text not in _WORD_SLIPS:
            self._take()
            return reader(token)
        if self._is("("):
            self._take()
            node = self._expression()
            self._expect(")")
            return node
        if self._is("["):
            self._take()
            return Items(self._list("]"), token.at)
        return self._unexpected()

    def _int(self, token: _Token) -> Node:
        value = _whole(token.text)
        if value > LARGEST:
            _refuse(f"{token.text} is larger than an integer of 64 bits", token.at)
        after = self._peek()
        if after.sort == "name" and after.at == token.at + len(token.text):
            _refuse(f"{token.text}{after.text} is no number", token.at)
        return Literal(value, token.at)

    def _float(self, token: _Token) -> Node:
        value = float(token.text)
        if value == float("inf"):
            _refuse(f"{token.text} is too large for a number", token.at)
        return Literal(value, token.at)

    def _string(self, token: _Token) -> Node:
        return Literal(_unescape(token.text, token.at), token.at)

    def _raw(self, token: _Token) -> Node:
        return Literal(token.text[2:-1], token.at)

    def _name(self, token: _Token) -> Node:
        if token.text in _CONSTANTS:
            return Literal(_CONSTANTS[token.text], token.at)
        if token.text == "null":
            _refuse("null is not compared; write has(field) or !has(field)", token.at)
        if self._is("("):
            return Call(token.text, self._arguments(), method=False, at=token.at)
        return Name(token.text, token.at)
