"""The tests that stand beside the rules: each is a request with what must come of it, run at every check."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from tenure.application.decisions.deciding import DEFAULT, FALLBACK, AskModel, Settled
from tenure.application.revisions.problems import Problem, located
from tenure.application.rules.kinds import kind_of, nearest
from tenure.application.rules.tables import settles
from tenure.contract.predictor import Prediction
from tenure.kit.errors import TenureError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tenure.application.decisions.deciding import Decider
    from tenure.application.revisions.problems import Path, Places
    from tenure.application.revisions.terms import Definition, RuleTest
    from tenure.contract.schema import Field, Schema

_PYTHON: dict[str, tuple[type, ...]] = {
    "int": (int,), "float": (float, int), "bool": (bool,), "string": (str,), "timestamp": (int,), "date": (str,), "list": (list,),
}  # fmt: skip


def failures(decider: Decider, outputs: Schema) -> list[Problem]:
    """Return a problem for each test of the definition that does not come out as it expects."""
    return [problem for outcome in tested(decider, outputs, None).tests for problem in outcome.problems]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one test, counted from 1: the rules that fired, and what is not as it expects."""

    number: int
    rules: tuple[str, ...]
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Reached:
    """How often the tests made a rule fire, and of a table which of its rows they never reach."""

    rule: str
    fired: int
    rows: int = 0
    rows_missed: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Tested:
    """What came of all tests of a definition, and what they reach. Default and fallback are counted as rules are."""

    tests: tuple[Outcome, ...]
    coverage: tuple[Reached, ...]

    @property
    def passed(self) -> bool:
        """Tell whether every test came out as it expects."""
        return not any(outcome.problems for outcome in self.tests)


def tested(decider: Decider, outputs: Schema, places: Places | None) -> Tested:
    """Run every test of the definition, and count what they reach; `places` give the problems their lines."""
    reached: Counter[tuple[str, int]] = Counter()
    outcomes = []
    for place, test in enumerate(decider.definition.tests):
        path: Path = ("tests", place)
        settled, problems = None, _unfit(test, decider, outputs, path)
        if not problems:
            settled, problems = _ran(test, decider, path)
        reached.update(() if settled is None else effects(decider.definition, settled))
        problems = problems if places is None else located(problems, places)
        outcomes.append(Outcome(place + 1, tuple(settled.rules) if settled else (), tuple(problems)))
    return Tested(tuple(outcomes), tuple(_coverage(decider, reached)))


def effects(definition: Definition, settled: Settled) -> list[tuple[str, int]]:
    """Return what fired in a decision, each rule with the row of its table, and last who answered if no rule did."""
    rows = settled.rows or {}
    fired = [(rule, rows.get(rule, 0)) for rule in settled.rules]
    if settled.decided_by == FALLBACK:
        return [*fired, (FALLBACK, 0)]
    last = next((rule for rule in definition.rules if settled.rules and rule.id == settled.rules[-1]), None)
    return fired if last is not None and settles(last) else [*fired, (DEFAULT, 0)]


def _coverage(decider: Decider, reached: Counter[tuple[str, int]]) -> Iterator[Reached]:
    definition = decider.definition
    for rule in definition.rules:
        fired = sum(times for (name, _), times in reached.items() if name == rule.id)
        rows = len(rule.table.rows) if rule.table else 0
        missed = tuple(row for row in range(1, rows + 1) if not reached[rule.id, row])
        yield Reached(rule.id, fired, rows, missed)
    yield Reached(DEFAULT, reached[DEFAULT, 0])
    if definition.fallback is not None:
        yield Reached(FALLBACK, reached[FALLBACK, 0])


def _unfit(test: RuleTest, decider: Decider, outputs: Schema, path: Path) -> list[Problem]:
    """Return what a test says of views and outputs that do not exist, or in another type."""
    definition = decider.definition
    views = {use.view: {column.name for column in use.columns} for use in definition.features}
    each = {use.view for use in definition.features if use.each}
    found = [
        Problem((*path, "features", view), f"there is no view {view!r} here{nearest(view, views)}")
        for view in test.features
        if view not in views
    ]
    for view, written in test.features.items():
        rows = [((view, key), row) for key, row in written.items()] if view in each else [((view,), written)]
        for where, row in rows if view in views else ():
            if not isinstance(row, dict):
                found.append(Problem((*path, "features", *where), f"{view} is read for each item: write ITEM: {{…}}"))
                continue
            found += [
                Problem((*path, "features", *where, name), f"{view} has no {name!r}{nearest(name, views[view])}")
                for name in row
                if name not in views[view]
            ]
    return found + _unfit_output(test.output, outputs, (*path, "output"))


def _unfit_output(output: dict[str, Any] | None, outputs: Schema, path: Path) -> list[Problem]:
    if output is None:
        return []
    known = {field.name: field for field in outputs}
    found = [
        Problem((*path, name), f"the model has no output {name!r}{nearest(name, known)}")
        for name in output
        if name not in known
    ]
    for name, value in output.items():
        if name in known and not _is_of(known[name], value):
            found.append(Problem((*path, name), f"this must be {kind_of(known[name])}"))
    return found


def _is_of(field: Field, value: Any) -> bool:
    if value is None:
        return field.nullable
    kind = kind_of(field)
    return isinstance(value, _PYTHON[kind.name]) and not (isinstance(value, bool) and kind.name in {"int", "float"})


def _ran(test: RuleTest, decider: Decider, path: Path) -> tuple[Settled | None, list[Problem]]:
    try:
        settled = _decided(test, decider)
    except TenureError as error:
        return None, [Problem((*path, "request"), str(error))]
    except KeyError as error:  # an expression read an output that the test does not state
        return None, [Problem((*path, "output"), f"{error.args[0]} is read, so the test must state it")]
    if settled is None:
        return None, [Problem(path, "the test reaches the model", add="output: {…}      # or failure: timeout")]
    return settled, _missed(test, settled, path)


def _missed(test: RuleTest, settled: Settled, path: Path) -> list[Problem]:
    """Return each expectation that the decision does not meet."""
    return [
        Problem((*path, "expect", key), f"it is {_written(actual)}, not {_written(wanted)}")
        for key, wanted in test.expect.items()
        for actual in [_actual(settled, key)]
        if not _meets(key, wanted, actual)
    ]


def _decided(test: RuleTest, decider: Decider) -> Settled | None:
    """Return the decision of a test, None when it asks the model and the test says nothing of that."""
    features = {view: (values, None) for view, values in test.features.items()}
    step = decider.before(decider.admit_row(test.request), features, lambda view, key: _of_item(test, view, key))
    if not isinstance(step, AskModel):
        return step
    if test.output is None and test.failure is None:
        return None
    output = None if test.failure else test.output
    failure: Any = test.failure
    name = str(decider.model)
    return decider.after(step, Prediction(name, 0, "", output, failure=failure))


def _of_item(test: RuleTest, view: str, key: str) -> tuple[dict[str, Any], None] | None:
    """Return what a test says of an item; a key of YAML may be a number."""
    rows = {str(item): row for item, row in test.features.get(view, {}).items()}
    return (rows[key], None) if key in rows else None


def _actual(settled: Settled, key: str) -> Any:
    """Return what an expectation speaks of: `rule`, `reason`, `decided_by`, `status`, `answer`, or a key of the answer."""
    of_decision: dict[str, Any] = {
        "rule": settled.rules,
        "reason": [reason.code for reason in settled.reasons],
        "decided_by": settled.decided_by,
        "status": settled.status,
        "answer": settled.answer,
    }
    return of_decision[key] if key in of_decision else settled.answer.get(key)


def _meets(key: str, wanted: Any, actual: Any) -> bool:
    if key in {"rule", "reason"}:
        return wanted in actual if wanted is not None else not actual
    return bool(wanted == actual) and isinstance(wanted, bool) == isinstance(actual, bool)


def _written(value: Any) -> str:
    return msgspec.json.encode(value).decode()
