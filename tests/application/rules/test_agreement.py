"""What we compile means what CEL says: generated expressions give the same value as the Rust engine, or both have none."""

from __future__ import annotations

from functools import cache
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from tenure.application.rules.errors import BrokenExpression, Undecided
from tenure.application.rules.expressions import compile_expression
from tenure.application.rules.kinds import BOOL, DATE, FLOAT, INT, STRING, Known, list_of, scope_of
from tests.application.rules.oracle import ENGINE

SCOPE = scope_of(
    {
        "request": [
            Known("request.age", INT, nullable=False),
            Known("request.big", INT, nullable=True),
            Known("request.income", FLOAT, nullable=False),
            Known("request.rate", FLOAT, nullable=True),
            Known("request.member", BOOL, nullable=False),
            Known("request.name", STRING, nullable=False),
            Known("request.email", STRING, nullable=True),
            Known("request.day", DATE, nullable=False),
        ],
        "activity": [Known("activity.clicks", INT, nullable=False)],
        "output": [Known("output.score", FLOAT, nullable=False), Known("output.items", list_of(INT), nullable=False)],
    }
)
LETTERS = st.text("abAB1 '\"\\", max_size=4)
SMALL_INTS = st.integers(-20, 20)
FLOATS = st.floats(-1000, 1000, allow_nan=False).map(lambda value: round(value, 3) + 0.0)
INTS = SMALL_INTS | st.sampled_from([2**63 - 1, -(2**63)])


def quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def wrapped(pattern: str, *parts: st.SearchStrategy[tuple[str, str]]) -> st.SearchStrategy[tuple[str, str]]:
    """Return pairs (our text, the oracle's text) made by putting pairs into a pattern."""
    return st.tuples(*parts).map(
        lambda pairs: (pattern.format(*(p[0] for p in pairs)), pattern.format(*(p[1] for p in pairs)))
    )


def same(texts: st.SearchStrategy[str]) -> st.SearchStrategy[tuple[str, str]]:
    return texts.map(lambda text: (text, text))


@cache
def ints(depth: int) -> st.SearchStrategy[tuple[str, str]]:
    leaf = same(st.sampled_from(["age", "big", "activity.clicks", "request.age"]) | SMALL_INTS.map(str))
    if depth == 0:
        return leaf
    inner = ints(depth - 1)
    operators = st.sampled_from(["({} + {})", "({} - {})", "({} * {})", "({} % {})"])
    return (
        leaf
        | operators.flatmap(lambda pattern: wrapped(pattern, inner, inner))
        | wrapped("(-{})", inner)
        | wrapped("size({})", strings(0))
        | wrapped("({} ? {} : {})", bools(depth - 1), inner, inner)
        | wrapped("int({})", floats(0))
        | same(st.just("size(output.items)"))
        | wrapped("output.items[{}]", same(st.integers(0, 3).map(str)))
    )


@cache
def floats(depth: int) -> st.SearchStrategy[tuple[str, str]]:
    widened = SMALL_INTS.map(
        lambda value: (str(value), f"{value}.0")
    )  # an integer written out is widened for our users
    fields = same(st.sampled_from(["income", "rate", "output.score"]))
    leaf = fields | same(FLOATS.map(repr))
    if depth == 0:
        return leaf
    inner = floats(depth - 1)
    operators = st.sampled_from(["({} + {})", "({} - {})", "({} * {})"])
    return (
        leaf
        | operators.flatmap(lambda pattern: wrapped(pattern, fields, inner | widened))
        | wrapped("(-{})", inner)
        # Never by zero: the Rust engine refuses to compare with NaN, where CEL's own definition says false.
        | wrapped("({} / {})", fields, same(FLOATS.filter(bool).map(repr)))
        | wrapped("double({})", ints(0))
        | wrapped("({} ? {} : {})", bools(depth - 1), inner, inner)
    )


@cache
def strings(depth: int) -> st.SearchStrategy[tuple[str, str]]:
    leaf = same(st.sampled_from(["name", "email", "request.name"]) | LETTERS.map(quoted))
    return leaf if depth == 0 else leaf | wrapped("({} + {})", strings(depth - 1), strings(depth - 1))


@cache
def bools(depth: int) -> st.SearchStrategy[tuple[str, str]]:
    has = st.sampled_from(["big", "rate", "email"]).map(lambda name: (f"has({name})", f"has(request.{name})"))
    leaf = same(st.sampled_from(["member", "true", "false"])) | has
    compare = st.sampled_from(["<", "<=", ">", ">=", "==", "!="]).map(lambda sign: f"({{}} {sign} {{}})")
    comparisons = compare.flatmap(
        lambda pattern: (
            wrapped(pattern, ints(max(depth - 1, 0)), ints(0))
            | wrapped(pattern, floats(max(depth - 1, 0)), floats(0))
            | wrapped(pattern, strings(0), strings(1))
            | wrapped(pattern, same(st.just("day")), same(st.just("'2026-01-05'")))
        )
    )
    if depth == 0:
        return leaf | comparisons
    inner = bools(depth - 1)
    texts = st.sampled_from(["{}.startsWith({})", "{}.endsWith({})", "{}.contains({})"])
    return (
        leaf
        | comparisons
        | wrapped("({} && {})", inner, inner)
        | wrapped("({} || {})", inner, inner)
        | wrapped("(!{})", inner)
        | wrapped("({} in [1, 2, 3])", ints(0))
        | wrapped("({} in output.items)", ints(0))
        | texts.flatmap(lambda pattern: wrapped(pattern, strings(0), strings(0)))
        | wrapped("({} ? {} : {})", inner, inner, inner)
    )


REQUESTS = st.fixed_dictionaries(
    {"age": SMALL_INTS, "income": FLOATS, "member": st.booleans(), "name": LETTERS, "day": st.dates().map(str)},
    optional={"big": INTS, "rate": FLOATS, "email": LETTERS},
)
OUTPUTS = st.fixed_dictionaries({"score": FLOATS, "items": st.lists(st.integers(0, 5), max_size=3)})


def ours(text: str, request: dict[str, Any], clicks: int, output: dict[str, Any]) -> tuple[str, Any]:
    expression = compile_expression(text, SCOPE, lenient=True)
    facts = {known.key: None for known in SCOPE.places["request"].values()}
    facts |= {f"request.{name}": value for name, value in request.items()}
    facts |= {"activity.clicks": clicks} | {f"output.{name}": value for name, value in output.items()}
    try:
        return "value", expression.run(facts)
    except Undecided:
        assert not expression.total, f"{text} was said to have a value always"
        return "nothing", None


def theirs(text: str, request: dict[str, Any], clicks: int, output: dict[str, Any]) -> tuple[str, Any]:
    context = {"request": request, **request, "activity": {"clicks": clicks}, "output": output}
    try:
        return "value", ENGINE.evaluate(text, context)
    except Exception:
        return "nothing", None


def accepted(text: str) -> bool:
    try:
        compile_expression(text, SCOPE, lenient=True)
    except BrokenExpression:
        return False
    return True


@settings(max_examples=500, deadline=None)
@given(pair=bools(3), request=REQUESTS, clicks=SMALL_INTS, output=OUTPUTS)
@example(
    ("(big > 1 && false)", "(big > 1 && false)"),
    {"age": 1, "income": 1.0, "member": True, "name": "", "day": "2026-01-01"},
    0,
    {"score": 0.0, "items": []},
)
def test_a_condition_has_the_truth_that_cel_gives_it(pair, request, clicks, output):
    text, oracle = pair
    if not accepted(text):  # stricter than CEL, e.g. a division by zero that is written out
        return
    assert ours(text, request, clicks, output) == theirs(oracle, request, clicks, output), text


@settings(max_examples=100, deadline=None)
@given(
    signs=st.lists(st.sampled_from(["&&", "||", "==", "!="]), min_size=1, max_size=6),
    values=st.lists(st.sampled_from(["true", "false", "member", "!member"]), min_size=7, max_size=7),
    member=st.booleans(),
)
def test_logic_without_brackets_binds_as_in_cel(signs, values, member):
    text = " ".join(part for pair in zip(values, [*signs, ""], strict=False) for part in pair).strip()
    context = {"age": 1, "income": 1.0, "member": member, "name": "", "day": ""}
    assert ours(text, context, 0, {"score": 0.0, "items": []}) == theirs(text, context, 0, {"score": 0.0, "items": []})


@settings(max_examples=100, deadline=None)
@given(
    signs=st.lists(st.sampled_from(["+", "-", "*", "%"]), min_size=1, max_size=6),
    values=st.lists(st.sampled_from(["age", "2", "-3", "clicks", "7"]), min_size=7, max_size=7),
    age=st.integers(1, 20),
)
def test_arithmetic_without_brackets_binds_as_in_cel(signs, values, age):
    text = " ".join(part for pair in zip(values, [*signs, ""], strict=False) for part in pair).strip() + " < 10"
    text = text.replace("clicks", "activity.clicks")
    context = {"age": age, "income": 1.0, "member": True, "name": "", "day": ""}
    assert ours(text, context, 3, {"score": 0.0, "items": []}) == theirs(text, context, 3, {"score": 0.0, "items": []})
