"""At least 200 broken rule sets, made by mutating a right one: each is refused, naming the place that was broken."""

from __future__ import annotations

import re

import pytest

from tenure.application.revisions.checking import check
from tenure.application.revisions.definition import read
from tenure.application.revisions.problems import BrokenDefinition, located, refusal
from tenure.application.revisions.source import Source
from tenure.contract.schema import Field

FILE = """\
application: loans
entity: person
personal: [person]
request:
  person: string
  income: {type: float, minimum: 0}
  children: {type: int, minimum: 0, maximum: 20}
  term: {type: string, values: [short, long]}
  member: bool
  day: date
  city: {type: string, required: false}
model: risk@champion
models: {young: risk-young@champion}
fallback: {answer: {rate: 9.5, band: X}, reason: R90}
rules:
  - {id: poor, before: model, when: "income < 100.0", answer: {rate: 0.0, band: N}, reason: R01}
  - {id: family, before: model, when: "children > 3 && member && term == 'long'", reason: R02}
  - {id: late, before: model, when: "day >= '2026-12-24' && !member", review: desk}
  - {id: town, before: model, when: "city.startsWith('B')", on_missing: skip, reason: R02}
  - {id: beginner, before: model, when: "children == 0 && member", model: young}
  - {id: cap, after: model, when: "income > 9000.0", bound: {score: {minimum: 0.0, maximum: 0.5}}}
  - {id: sure, after: model, when: "term == 'short' && children == 0", set: {score: 0.1}}
  - {id: fresh, after: model, when: member, filter: {of: items, keep: "item > 3 && item.rank > 0.0", per: "item.shelf", most: 2}}
  - {id: order, after: model, when: true, rerank: {of: items, by: "item.rank * 2.0", order: rising}}
  - {id: price, after: model, table: price.csv}
default: {answer: {rate: 8.0, band: Z}, reason: R00}
reasons: {R00: standard, R01: income, R02: family, R10: low, R11: high, R90: no model}
tests:
  - {request: {person: a, income: 1.0, children: 0, term: long, member: true, day: 2026-01-01}, expect: {rule: poor, band: N}}
  - {request: {person: a, income: 200.0, children: 0, term: long, member: true, day: 2026-01-01}, output: {score: 0.3, items: [7, 5], rank: [0.5, 0.25], shelf: [a, b]}, expect: {band: B}}
"""
TABLE = """\
output.score,term,children,answer.rate,answer.band,reason,review
< 0.2,-,-,1.5,A,R10,
[0.2..0.4),long,<= 2,2.5,B,R10,
[0.2..0.4),long,> 2,2.0,C,R10,
[0.2..0.4),short,-,2.25,B,R10,
>= 0.4,-,-,7.5,D,R11,desk
"""
OUTPUTS = (
    Field("score", "float"),
    Field("items", "int", shape=(2,)),
    Field("rank", "float", shape=(2,)),
    Field("shelf", "string", shape=(2,)),
    Field("grid", "float", shape=(2, 2)),
)
MODELS = {
    "risk/1": ((Field("income", "float"), Field("children", "int")), OUTPUTS),
    "risk-young/1": ((Field("income", "float"),), OUTPUTS),
}


def problems(text: str, table: str = TABLE) -> list[dict[str, object]]:
    """Return everything that is wrong with a file, as `rules check` does."""
    try:
        source = Source(text)
        _, found = check(read(source, {"price.csv": table}), MODELS, {})
        if found:
            raise refusal(located(found, source.places))
    except BrokenDefinition as error:
        return list(error.facts["problems"])
    return []


def lines_of(text: str) -> dict[str, int]:
    return {line.split(",")[0].split("{id: ")[-1]: n for n, line in enumerate(text.splitlines(), 1) if "{id: " in line}


RULES = lines_of(FILE)

#: of every rule, by its id: what is put in the place of what
_OF_RULES: dict[str, list[tuple[str, str]]] = {
    "poor": [
        ("income <", "incom <"), ("income <", "Income <"), ("income <", "output.score <"), ("income <", "income <<"),
        ("income <", "income ="), ("income <", "income"), ("income < 100.0", "income < '100'"),
        ("income < 100.0", "income"), ("income < 100.0", "100.0 < 200.0"), ("income < 100.0", "income < 1,5"),
        ("income < 100.0", "income < (100.0"), ("income < 100.0", "income < 100.0)"), ("income < 100.0", "person == 1"),
        ("income < 100.0", "income / children > 1.0"), ("income < 100.0", "children / 2 > 1"),
        ("income < 100.0", "income < 100.0 and member"), ("income < 100.0", "not member"),
        ("income < 100.0", "income < null"), ("income < 100.0", "incme() < 1"), ("income < 100.0", "size(income) < 1"),
        ("income < 100.0", "income.member"), ("income < 100.0", "request.incom < 1.0"),
        ("income < 100.0", "income in [1.0, 'a']"), ("income < 100.0", "income in []"), ("income < 100.0", ""),
        ("income < 100.0", "income < 99999999999999999999999"), ("income < 100.0", "member > true"),
        ("income < 100.0", "income < 100.0 &&"), ("income < 100.0", "&& income < 100.0"),
        ("income < 100.0", "income ? 1 : 2"), ("income < 100.0", "children + income > 1.0"),
        ("before: model", "bevor: model"), ("before: model", "before: modell"), ("before: model", "before: 1"),
        ("before: model", "before: model, after: model"), ("id: poor, ", ""),
        ("id: poor", "id: Poor!"), ("reason: R01", "reason: R1"), ("reason: R01", "reason: 1"),
        ("reason: R01", "raeson: R01"), ("answer: {rate: 0.0, band: N}", "answer: none"),
        ("answer: {rate: 0.0, band: N}", "anser: {rate: 0.0}"),
        ("band: N", "band: {expr: person}"), ("band: N", "band: {expr: bnd}"), ("band: N", "band: {expr: output.score}"),
        ("band: N", "band: {expr: 'income >'}"), ("when: ", "wenn: "), ('when: "income < 100.0"', "when: 100.0"),
        ('when: "income < 100.0", ', ""), ("reason: R01", "reason: R01, on_missing: ignore"),
        ("reason: R01", "reason: R01, priority: 3"),
    ],
    "family": [
        ("children > 3", "children > 3.5"), ("children > 3", "childern > 3"), ("children > 3", "children > '3'"),
        ("member", "membr"), ("&& member", "&& children"), ("&& member", "& member"), ("&& member", "member"),
        ("== 'long'", "= 'long'"), ("== 'long'", "== 'lang'"), ("== 'long'", "== long"), ("== 'long'", "== 'long"),
        ("== 'long'", "== long'"), ("== 'long'", "in ['long', 'lnog']"), ("== 'long'", ".startsWith(1)"),
        ("== 'long'", ".startswith('l')"), ("term", "trem"), ("reason: R02", "reason: R22"), (", reason: R02", ""),
    ],
    "late": [
        ("2026-12-24", "2026-13-24"), ("2026-12-24", "24.12.2026"), ("2026-12-24", "2026-12"), ("day >=", "dya >="),
        ("day >=", "day =>"), ("!member", "!membr"), ("!member", "!day"), ("!member", "-member"),
        ("review: desk", "review: 7"), (", review: desk", ""), ("review: desk", "reveiw: desk"), ("&&", "and"),
    ],
    "town": [
        (", on_missing: skip", ""), ("on_missing: skip", "on_missing: skipp"), ("city.", "citty."),
        ("startsWith('B')", "startsWith('B'"), ("startsWith('B')", "startsWith()"), ("startsWith('B')", "matches('(a+)+')"),
        ("startsWith('B')", "matches('[')"), ("startsWith('B')", "begins('B')"), ("startsWith('B')", "startsWith(7)"),
    ],
    "beginner": [
        ("model: young", "model: yuong"), ("model: young", "model: risk-young@champion"), ("model: young", "model: 7"), ("model: young", "modle: young"),
        (", model: young", ""), ("model: young", "model: young, answer: {rate: 1.0}"), ("before: model", "after: model"),
        ("children == 0", "children == 0.0"), ("&& member", "&& membr"),
    ],
    "cap": [
        ("id: cap", "id: poor"), ("score:", "scor:"), ("minimum: 0.0", "minimum: 0.9"), ("minimum: 0.0", "minimum: low"), ("minimum: 0.0", "min: 0.0"),
        ("after: model", "before: model"), ("bound: {score: {minimum: 0.0, maximum: 0.5}}", "bound: {score: {}}"),
        ("bound: {score: {minimum: 0.0, maximum: 0.5}}", "bound: 0.5"), ("bound:", "bounds:"),
        ("income > 9000.0", "output.scor > 0.5"), ("income > 9000.0", "score > 0.5"), ("income > 9000.0", "output > 0.5"),
    ],
    "sure": [
        ("set: {score: 0.1}", "set: {score: low}"), ("set: {score: 0.1}", "set: {scor: 0.1}"),
        ("set: {score: 0.1}", "set: {score: true}"), ("set: {score: 0.1}", "set: {score: {expr: incom}}"),
        ("set: {score: 0.1}", "set: {score: {expr: term}}"), ("set: {score: 0.1}", "set: [score]"), ("set:", "sets:"),
        ("children == 0", "children == 0.5"), ("children == 0", "children == zero"), ("'short'", "'shrot'"),
        ("after: model", "before: model"), ("term == 'short' && children == 0", "income > 9000.0 || true && 1"),
    ],
    "fresh": [
        ("filter: {of", "fliter: {of"), ("filter: {of", "filter: {off"), ("of: items", "of: itms"), ("of: items", "of: score"), ("of: items", "of: grid"),
        ("of: items, ", ""), ("item > 3", "itm > 3"), ("item > 3", "item > 3.5"), ("item > 3", "item > '3'"), ("item > 3", "items > 3"),
        ("item > 3", "item"), ("item > 3", "item.size > 3"), ("item.rank > 0.0", "item.rnk > 0.0"), ("item.rank > 0.0", "item.rank"),
        ("item.rank > 0.0", "output.rank > 0.0"), ("item.rank > 0.0", "item.rank > 0.0 &&"), ("item.rank > 0.0", "item.grid > 0.0"),
        ("item > 3 && item.rank > 0.0", "1 > 0"), ("item.shelf", "item.shlf"), ("item.shelf", "output.shelf"), ("item.shelf", "'a'"), ("item.shelf", "item.shelf +"),
        (", most: 2", ""), ("most: 2", "most: 0"), ("most: 2", "most: two"), ("most: 2", "must: 2"), ("after: model", "before: model"),
        ("filter: {of: items, keep", "filter: [items]}  # {keep"), (', keep: "item > 3 && item.rank > 0.0", per: "item.shelf", most: 2', ""), ("when: member", "when: item > 3"),
    ],
    "order": [
        ("rerank:", "re-rank:"), ("of: items", "of: itms"), ("of: items", "of: score"), ("of: items, ", ""), ("item.rank *", "item.rnk *"),
        ("item.rank * 2.0", "item.rank * item"), ("item.rank * 2.0", "output.rank"), ("item.rank * 2.0", "2.0"), ("item.rank * 2.0", "item.rank * (2.0"),
        ("order: rising", "order: up"), ("order: rising", "ordr: rising"), (', by: "item.rank * 2.0"', ""), ("after: model", "before: model"),
    ],
    "price": [
        ("price.csv", "prices.csv"), ("price.csv", "price.xlsx"), ("price.csv", "../price.csv"), ("price.csv", "7"),
        ("table: price.csv", "tabel: price.csv"), ("table: price.csv", "table: {file: price.csv, hit: any}"),
        ("table: price.csv", "table: {file: price.csv, gaps: none}"), ("table: price.csv", "table: {rows: [[1]]}"),
        ("table: price.csv", "table: price.csv, answer: {rate: 1.0}"), ("table: price.csv", "table: price.csv, reason: R10"),
        ("table: price.csv", "table: price.csv, set: {score: 0.1}"),
        ("table: price.csv", 'table: price.csv, when: "income > "'),
    ],
}  # fmt: skip

#: cells of the table's columns: column from 0 → what can stand there by mistake
_CELLS: dict[int, tuple[str, ...]] = {
    0: ("low", "0,2", "<", "0.1..0.2", "[0.4..0.2)", "1e", "'0.2'", "< 0.2 |"),
    1: ("lnog", "'long", "long'", "1", "long | shrot", "|"),
    2: ("<= 2.5", "two", "< 0", "> 20", "[2..1]", "<=> 2", "2..3"),
    3: ("", "one", "=rate", "=income +", "true", "2.0%"),
    4: ("", "=bnd", "7", "'B", "=person"),
    5: ("R1", "R100", "r10", "standard"),
}
_HEADS = ("output.scor", "trm", "childen", "answr.rate", "answer.", "resaon", "rewiew")
_TABLES: list[tuple[str, str, str, int]] = [
    ("gap: a row removed", "[0.2..0.4),long,> 2,2.0,C,R10,\n", "", 1),
    ("gap: a bound moved", "< 0.2,-", "< 0.1,-", 1),
    ("gap: an end left out", ">= 0.4", "> 0.4", 1),
    ("gap: a value left out", "[0.2..0.4),short", "[0.2..0.4),long", 5),
    ("gap: whole numbers", "long,> 2", "long,> 3", 1),
    ("overlap: a bound moved", "< 0.2,-", "< 0.3,-", 3),
    ("overlap: an end taken in", "< 0.2,-", "<= 0.2,-", 3),
    ("overlap: anything", "[0.2..0.4),short", "[0.2..0.4),-", 5),
    ("overlap: whole numbers", "long,> 2", "long,>= 2", 4),
    ("overlap: twice", ">= 0.4,-,-,7.5,D,R11,desk\n", ">= 0.4,-,-,7.5,D,R11,desk\n>= 0.4,-,-,7.5,D,R11,desk\n", 7),
    ("a cell too few", "< 0.2,-,-,1.5,A,R10,", "< 0.2,-,-,1.5,A,R10", 2),
    ("a cell too many", "< 0.2,-,-,1.5,A,R10,", "< 0.2,-,-,1.5,A,R10,,", 2),
    ("an unclosed quote", "[0.2..0.4),short", '[0.2..0.4),"short', 5),
    ("a column twice", "output.score,term,children", "output.score,term,term", 1),
]
#: the same as `_TABLES`, where the first row that holds counts: rows that rows before them take whole
_UNREACHABLE = [
    ("< 0.2,-,-", "-,-,-", 3),
    ("[0.2..0.4),long,<= 2", "[0.2..0.4),long,-", 4),
    ("[0.2..0.4),short,-,2.25,B,R10,\n", "[0.2..0.4),short,-,2.25,B,R10,\n[0.2..0.3),short,-,1.0,B,R10,\n", 6),
    (">= 0.4,-,-,7.5,D,R11,desk\n", ">= 0.4,-,-,7.5,D,R11,desk\n> 0.9,-,-,9.5,E,R11,desk\n", 7),
]
#: elsewhere in the file: old, new, the line that must be named
_ELSEWHERE: list[tuple[str, str, int]] = [
    ("{young: risk", "{yuong: risk", 20), ("risk-young@champion", "risk-young", 13), ("{young: risk-young@champion}", "[risk-young@champion]", 13), ("models: {", "modells: {", 13),
    ("application: loans", "aplication: loans", 1), ("application: loans", "application: Loans!", 1),
    ("entity: person", "entity: persn", 2), ("personal: [person]", "personal: [persn]", 3),
    ("income: {type: float", "income: {type: flot", 6), ("income: {type: float, minimum: 0}", "income: {type: float, minimum: low}", 6),
    ("maximum: 20", "maximum: -1", 7), ("member: bool", "member: boolean", 9), ("day: date", "day: dat", 10),
    ("values: [short, long]", "values: [short, short]", 8), ("values: [short, long]", "values: short", 8),
    ("required: false", "required: nope", 11), ("model: risk@champion", "model: risk", 12),
    ("fallback: {answer: {rate: 9.5, band: X}, reason: R90}", "fallback: {anwser: {rate: 9.5}}", 14),
    ("reason: R90}", "reason: R99}", 14), ("default: {answer", "default: {answr", 26), ("reason: R00}", "reason: R0}", 26),
    ("expect: {rule: poor", "expect: {rule: por", 29), ("band: N}}", "band: M}}", 29), ("output: {score", "output: {scor", 30),
    ("score: 0.3", "score: high", 30), ("expect: {band: B}", "expect: {}", 30), ("income: 1.0", "incom: 1.0", 29),
    ("- {id: price, after: model, table: price.csv}", "- {id: price, after: model, table: price.csv}\n  - {id: dead, after: model, when: member, reason: R10}", 26),
    ("- {id: family, ", '- {id: again, before: model, when: "income  <  100.0", reason: R02}\n  - {id: family, ', 17),
]  # fmt: skip


def mutations():
    for rule, changes in _OF_RULES.items():
        line = FILE.splitlines()[RULES[rule] - 1]
        for old, new in changes:
            assert old in line, (rule, old)
            text = FILE.replace(line, line.replace(old, new, 1))
            yield pytest.param(text, TABLE, "", RULES[rule], id=f"{rule}: {old} → {new}")
        yield from misspelt(line, RULES[rule])
    for old, new, number in _ELSEWHERE:
        assert FILE.count(old) >= 1, old
        yield pytest.param(FILE.replace(old, new, 1), TABLE, "", number, id=f"{old} → {new}"[:90])
    yield from of_tables()


def misspelt(line, number):
    """Every name of a condition with each of its letters left out, and doubled."""
    found = re.search(r'when: "([^"]*)"', line)
    condition = found[1] if found else ""
    for name in re.finditer(r"\b(income|children|term|member|day|city)\b", condition):
        for at in range(len(name[0])):
            for wrong in (name[0][:at] + name[0][at + 1 :], name[0][: at + 1] + name[0][at:]):
                changed = condition[: name.start()] + wrong + condition[name.end() :]
                text = FILE.replace(line, line.replace(condition, changed))
                yield pytest.param(text, TABLE, "", number, id=f"{name[0]} → {wrong} in line {number}")


def of_tables():
    rows = [line.split(",") for line in TABLE.splitlines()]
    for column, texts in _CELLS.items():
        for number, text in enumerate(texts):
            place = 1 + number % 3 + (1 if column == 2 else 0)
            changed = [row.copy() for row in rows]
            changed[place][column] = f'"{text}"' if "," in text or '"' in text else text
            table = "\n".join(map(",".join, changed)) + "\n"
            yield pytest.param(FILE, table, "price.csv", place + 1, id=f"cell {place},{column} → {text}")
    for column, head in enumerate(_HEADS):
        changed = [[*rows[0][:column], head, *rows[0][column + 1 :]], *rows[1:]]
        yield pytest.param(FILE, "\n".join(map(",".join, changed)), "price.csv", 1, id=f"column {column} → {head}")
    for name, old, new, line in _TABLES:
        assert old in TABLE, old
        yield pytest.param(FILE, TABLE.replace(old, new, 1), "price.csv", line, id=name)
    first = FILE.replace("table: price.csv", "table: {file: price.csv, hit: first, gaps: allowed}")
    for old, new, line in _UNREACHABLE:
        assert old in TABLE, old
        yield pytest.param(first, TABLE.replace(old, new, 1), "price.csv", line, id=f"unreachable: {new[:30]!r}")


MUTATIONS = list(mutations())


def test_the_file_that_is_mutated_is_right() -> None:
    assert problems(FILE) == []


def test_there_are_at_least_200_of_them() -> None:
    assert len({(one.values[0], one.values[1]) for one in MUTATIONS}) >= 200


@pytest.mark.parametrize(("text", "table", "file", "line"), MUTATIONS)
def test_a_mutated_rule_set_is_refused_naming_the_place(text, table, file, line):
    found = problems(text, table)
    assert any((one.get("file", ""), one["line"]) == (file, line) and one["column"] for one in found), found
    assert all(one["why"] for one in found)
