"""What rules cost, in CPU microseconds a decision with their trace: by their number, a table of 1,000 rows, a list of 40 items.

    rules.py [--rounds 20000]

The request is admitted and its features are read before; what is measured is everything from there to the finished answer.
"""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING, Any

import msgspec

from tenure.application.decisions.deciding import AskModel, Decider
from tenure.application.revisions.definition import parse
from tenure.application.revisions.terms import FeatureUse
from tenure.contract.predictor import Prediction
from tenure.contract.schema import Field

if TYPE_CHECKING:
    from collections.abc import Callable

HEAD = """\
application: bench
request: {a: float, n: {type: int, minimum: 0}, kind: {type: string, values: [x, y]}, member: bool}
"""
ROW = {"a": 999_999.0, "n": 7, "kind": "y", "member": True}
ITEMS = 40


def conditions(count: int) -> str:
    """Return an application of so many rules, of which none fires."""
    rules = "".join(
        f'  - {{id: r{n}, when: "a < {n}.0 && n > {n} && member", answer: {{r: {n}}}}}\n' for n in range(count)
    )
    return f"{HEAD}rules:\n{rules}default: {{answer: {{r: -1}}}}\n"


def table(rows: int) -> str:
    """Return an application with a table whose last row holds."""
    cells = [
        f"[{4 * n}.0..{4 * n + 4}.0), {kind}, {size}"
        for n in range(rows // 4)
        for kind in "xy"
        for size in ("<= 5", "> 5")
    ]
    written = "".join(
        f"        - ['{cell.split(', ')[0]}', {cell.split(', ')[1]}, '{cell.split(', ')[2]}', {n}]\n"
        for n, cell in enumerate(cells)
    )
    return (
        f"{HEAD}rules:\n  - id: t\n    table:\n      gaps: allowed\n      columns: [a, kind, n, answer.r]\n      rows:\n"
        f"{written}default: {{answer: {{r: -1}}}}\n"
    )


def cost(decide: Callable[[], object], rounds: int) -> float:
    """Return the CPU microseconds of a call: the best of five."""
    best = float("inf")
    for _ in range(5):
        begun = time.process_time()
        for _ in range(rounds // 5):
            decide()
        best = min(best, (time.process_time() - begun) / (rounds // 5) * 1e6)
    return round(best, 2)


def of_request(text: str, **changed: Any) -> Callable[[], object]:
    """Return what decides one request without a model."""
    decider = Decider(parse(text), None, None, 1)
    admitted = decider.admit_row(ROW | changed)
    return lambda: decider.before(admitted, {})


def of_list() -> Callable[[], object]:
    """Return what filters and ranks forty items with a view of each."""
    text = HEAD + (
        "features: [{view: facts, each: items, on_missing: default}]\nmodel: m@champion\nfallback: {answer: {r: []}}\nrules:\n"
        '  - {id: genre, after: model, when: true, filter: {of: items, keep: "item > 3", per: "facts.genre", most: 3}}\n'
        '  - {id: order, after: model, when: true, rerank: {of: items, by: "item.score"}}\n'
        "default: {answer: {r: {expr: output.items}}}\n"
    )
    definition = parse(text)
    use = FeatureUse(
        "facts", on_missing="default", columns=(Field("genre", "int"),), defaults={"genre": 0}, each="items"
    )
    outputs = (Field("items", "int", shape=(ITEMS,)), Field("score", "float", shape=(ITEMS,)))
    decider = Decider(msgspec.structs.replace(definition, features=(use,)), (), outputs, 1)
    known = {str(item): ({"genre": item % 9}, 1) for item in range(ITEMS)}
    asked = decider.before(decider.admit_row(ROW), {}, lambda _, key: known[key])
    assert isinstance(asked, AskModel)
    said = Prediction("m", 1, "d", {"items": list(range(ITEMS)), "score": [n / ITEMS for n in range(ITEMS)]})
    return lambda: decider.after(asked, said)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20_000)
    rounds = parser.parse_args().rounds
    found = {f"{count} rules": cost(of_request(conditions(count)), rounds) for count in (1, 20, 100)}
    found["a table of 1000 rows"] = cost(of_request(table(1000), a=998.0), rounds)
    found["a list of 40 items, filtered and ranked"] = cost(of_list(), rounds // 10)
    print(msgspec.json.encode({"cpu_us": found}).decode())


if __name__ == "__main__":
    main()
