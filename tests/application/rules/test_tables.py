"""Decision tables: which row holds, and what is refused before one is used."""

from __future__ import annotations

import math
import random
import time

import pytest

from tenure.application.rules import tables
from tenure.application.rules.errors import BrokenExpression
from tenure.application.rules.kinds import BOOL, DATE, FLOAT, INT, STRING, Known, scope_of
from tenure.application.rules.rule import Rule, Table
from tenure.contract.records import Reason

SCOPE = scope_of(
    {
        "request": [
            Known("request.income", FLOAT, nullable=False, minimum=0.0),
            Known("request.children", INT, nullable=False, minimum=0, maximum=20),
            Known("request.term", STRING, nullable=False, values=("short", "long")),
            Known("request.city", STRING, nullable=False),
            Known("request.member", BOOL, nullable=False),
            Known("request.day", DATE, nullable=False),
            Known("request.email", STRING, nullable=True),
        ]
    }
)


def reason(code):
    if not code.startswith("R"):
        raise BrokenExpression(why=f"there is no reason {code!r}", at=0)
    return Reason(code, "", "rule")


def compiled(columns, rows, *, on_missing=None, **said):
    table = Table(tuple(columns), tuple(tuple(row) for row in rows), **said)
    rule = Rule("t", "true", on_missing=on_missing, table=table)
    return table, tables.compile_table(rule, table, SCOPE, reason)


def broken(columns, rows, **said):
    table, ready = compiled(columns, rows, **said)
    found = ready if isinstance(ready, list) else tables.flaws(table, ready)
    return [(one.row, one.column, one.why) for one in found]


def rows_of(columns, rows, facts, **said):
    _, ready = compiled(columns, rows, **said)
    assert not isinstance(ready, list), ready
    effect = ready.finder()(facts)
    return effect and effect.row


@pytest.mark.parametrize(
    ("cell", "inside", "outside"),
    [
        ("< 5", [4.9, -math.inf], [5.0, math.nan]),
        ("<= 5", [5.0], [5.1]),
        ("> 5", [5.1, math.inf], [5.0, math.nan]),
        (">= 5", [5.0], [4.9]),
        ("5", [5.0], [4.9, 5.1]),
        ("= 5", [5.0], [4.9]),
        ("[5..10)", [5.0, 9.9], [4.9, 10.0, math.nan]),
        ("(5..10]", [5.1, 10.0], [5.0, 10.1]),
        ("[5..)", [5.0, 1e300], [4.0]),
        ("< 2 | [3..4] | 9", [1.0, 3.0, 4.0, 9.0], [2.0, 5.0, 8.9]),
        ("-", [1.0, -1.0], [math.nan]),
    ],
)
def test_a_cell_of_numbers_lets_in_what_it_says(cell, inside, outside):
    for value, holds in [*((one, 1) for one in inside), *((one, None) for one in outside)]:
        found = rows_of(["income + 0.0", "answer.a"], [[cell, "1"]], {"request.income": value})
        assert found == holds, value


def test_text_truth_and_days_are_found_by_value():
    columns = ["city", "member", "day", "answer.a"]
    rows = [
        ["Berlin | 'Bad Tölz'", "true", "< 2026-01-01", "1"],
        ["not Berlin | Bonn", "-", "-", "2"],
    ]
    facts = {"request.city": "Bad Tölz", "request.member": True, "request.day": "2025-12-31"}
    assert rows_of(columns, rows, facts, hit="first") == 1
    assert rows_of(columns, rows, facts | {"request.day": "2026-01-01"}) == 2
    assert rows_of(columns, rows, facts | {"request.city": "Bonn"}) is None


def test_any_expression_can_head_a_column():
    assert rows_of(["income * 12.0", "answer.a"], [[">= 12", "x"], ["< 12", "y"]], {"request.income": 0.9}) == 2


def test_answers_are_plain_values_or_expressions():
    _, ready = compiled(
        ["children", "answer.text", "answer.number", "answer.truth", "answer.made", "reason", "review"],
        [["-", "'7'", "7", "true", "=children + 1", "R1", "desk"]],
    )
    effect = ready.finder()({"request.children": 3})
    assert effect.answer({"request.children": 3}) == {"text": "7", "number": 7, "truth": True, "made": 4}
    assert (effect.reason.code, effect.reviews) == ("R1", True)


@pytest.mark.parametrize(
    ("columns", "rows", "row", "column", "why"),
    [
        (["incme", "answer.a"], [["1", "1"]], -1, 0, "did you mean 'income'"),
        (["income", "answer.a"], [["1,000", "1"]], 0, 0, "no number"),
        (["income", "answer.a"], [["5..10", "1"]], 0, 0, "whether its ends"),
        (["income", "answer.a"], [["[10..5]", "1"]], 0, 0, "nothing lies in"),
        (["income", "answer.a"], [["< 0", "1"]], 0, 0, "never"),
        (["children", "answer.a"], [["1.5", "1"]], 0, 0, "no whole number"),
        (["children", "answer.a"], [["> 20", "1"]], 0, 0, "never"),
        (["term", "answer.a"], [["shrt", "1"]], 0, 0, "did you mean 'short'"),
        (["city", "answer.a"], [["'Berlin", "1"]], 0, 0, "not closed"),
        (["city", "answer.a"], [["a |", "1"]], 0, 0, "missing beside"),
        (["member", "answer.a"], [["yes", "1"]], 0, 0, "neither true nor false"),
        (["day", "answer.a"], [["< 2026-02-30", "1"]], 0, 0, "no day"),
        (["email", "answer.a"], [["a", "1"]], -1, 0, "may be missing"),
        (["income", "answer.a"], [["-", ""]], 0, 1, "empty"),
        (["income", "answer.a"], [["-", "=incme"]], 0, 1, "did you mean"),
        (["income", "answer.a"], [["< 1", "1"], [">= 1", "one"]], 1, 1, "quote it"),
        (["income", "answer.a", "reason"], [["-", "1", "X9"]], 0, 2, "no reason"),
        (["income", "income", "answer.a"], [["-", "-", "1"]], -1, 1, "stands twice"),
        (["income", "answer.a"], [["-"]], 0, -1, "1 cells"),
        (["income"], [["-"]], -1, -1, "does nothing"),
        (["answer.a"], [["1"]], -1, -1, "no condition"),
        (["income", "answer.a"], [], -1, -1, "no rows"),
        (["income", "answer.a"], [["< 5", "1"], ["> 5", "1"]], -1, -1, "income is = 5"),
        (["children", "answer.a"], [["< 5", "1"], ["> 6", "1"]], -1, -1, "children is = 5"),
        (["term", "answer.a"], [["short", "1"]], -1, -1, "term is 'long'"),
        (["city", "answer.a"], [["Bonn", "1"]], -1, -1, "any other text"),
        (["income", "answer.a"], [["<= 5", "1"], [">= 5", "2"]], 1, -1, "rows 1 and 2 both hold"),
    ],
)
def test_a_broken_table_is_refused_naming_row_and_column(columns, rows, row, column, why):
    found = broken(columns, rows)
    assert any((one, two) == (row, column) and why in text for one, two, text in found), found


def test_whole_numbers_and_days_without_anything_between_have_no_gap():
    assert broken(["children", "answer.a"], [["<= 5", "1"], [">= 6", "1"]]) == []
    assert broken(["day", "answer.a"], [["<= 2026-02-28", "1"], [">= 2026-03-01", "1"]]) == []


def test_gaps_may_be_allowed_and_rows_may_overlap_where_the_first_counts():
    assert broken(["income", "answer.a"], [["< 5", "1"]], gaps="allowed") == []
    assert broken(["income", "answer.a"], [["< 5", "1"], ["-", "2"]], hit="first") == []


def test_a_row_that_rows_before_it_take_whole_is_refused():
    rows = [["< 5", "-", "1"], [">= 5", "true", "2"], ["< 3", "-", "3"], ["-", "-", "4"]]
    assert [(row, why[:11]) for row, _, why in broken(["income", "member", "answer.a"], rows, hit="first")] == [
        (2, "the row can")
    ]


def test_every_value_finds_the_row_that_looking_at_each_cell_finds():
    random.seed(7)
    for _ in range(60):
        rows = [[_cell(random), random.choice(["-", "short", "long"]), "1"] for _ in range(random.randint(1, 12))]
        table, ready = compiled(["income", "term", "answer.a"], rows, hit="first", gaps="allowed")
        assert not isinstance(ready, list)
        find = ready.finder()
        for _ in range(40):
            income, term = random.randint(0, 20) / 2, random.choice(["short", "long"])
            wanted = next(
                (n for n, row in enumerate(rows, 1) if _holds(row[0], income) and row[1] in {"-", term}), None
            )
            found = find({"request.income": income, "request.term": term})
            assert (found and found.row) == wanted, (rows, income, term)


def _cell(random):
    low, high = sorted(random.sample(range(1, 11), 2))
    return random.choice(["-", f"< {high}", f">= {low}", f"[{low}..{high})", f"({low}..{high}]", str(low)])


def _holds(cell, value):
    if cell == "-":
        return True
    if cell[0] in "[(":
        low, high = cell[1:-1].split("..")
        above = value >= float(low) if cell[0] == "[" else value > float(low)
        return above and (value <= float(high) if cell[-1] == "]" else value < float(high))
    if cell[0] in "<>":
        sign, number = cell.split()
        return value < float(number) if sign == "<" else value >= float(number)
    return value == float(cell)


def test_a_thousand_rows_cost_less_than_20_microseconds():
    rows = [
        [f"[{100 * income}..{100 * income + 100})", children, term, "-", str(income)]
        for income in range(250)
        for children in ("<= 2", "> 2")
        for term in ("short", "long")
    ]
    begin = time.process_time()
    table, ready = compiled(["income", "children", "term", "city", "answer.a"], rows, gaps="allowed")
    assert not isinstance(ready, list)
    assert tables.flaws(table, ready) == []
    assert time.process_time() - begin < 5
    find = ready.finder()
    facts = {"request.income": 24_950.0, "request.children": 3, "request.term": "long", "request.city": "x"}
    begin = time.process_time()
    for _ in range(10_000):
        found = find(facts)
    assert found.row == 1000
    # The target is 20 µs on a quiet machine; this one is shared.
    assert (time.process_time() - begin) / 10_000 < 40e-6
