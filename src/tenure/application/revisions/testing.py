"""The tests that stand beside the rules: each is a request with what must come of it, run at every check."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from tenure.application.decisions.deciding import AskModel, Settled
from tenure.application.revisions.problems import Problem
from tenure.application.rules.kinds import kind_of, nearest
from tenure.contract.predictor import Prediction
from tenure.kit.errors import TenureError

if TYPE_CHECKING:
    from tenure.application.decisions.deciding import Decider
    from tenure.application.revisions.problems import Path
    from tenure.application.revisions.terms import RuleTest
    from tenure.contract.schema import Field, Schema

_PYTHON: dict[str, tuple[type, ...]] = {
    "int": (int,), "float": (float, int), "bool": (bool,), "string": (str,), "timestamp": (int,), "date": (str,), "list": (list,),
}  # fmt: skip


def failures(decider: Decider, outputs: Schema) -> list[Problem]:
    """Return a problem for each test of the definition that does not come out as it expects."""
    found = []
    for place, test in enumerate(decider.definition.tests):
        path: Path = ("tests", place)
        problems = _unfit(test, decider, outputs, path) or _ran(test, decider, path)
        found += problems
    return found


def _unfit(test: RuleTest, decider: Decider, outputs: Schema, path: Path) -> list[Problem]:
    """Return what a test says of views and outputs that do not exist, or in another type."""
    views = {use.view: {column.name for column in use.columns} for use in decider.definition.features}
    found = [
        Problem((*path, "features", view), f"there is no view {view!r} here{nearest(view, views)}")
        for view in test.features
        if view not in views
    ]
    for view, values in test.features.items():
        found += [
            Problem((*path, "features", view, name), f"{view} has no {name!r}{nearest(name, views[view])}")
            for name in values
            if view in views and name not in views[view]
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


def _ran(test: RuleTest, decider: Decider, path: Path) -> list[Problem]:
    try:
        settled = _decided(test, decider)
    except TenureError as error:
        return [Problem((*path, "request"), str(error))]
    except KeyError as error:  # an expression read an output that the test does not state
        return [Problem((*path, "output"), f"{error.args[0]} is read, so the test must state it")]
    if settled is None:
        return [Problem(path, "the test reaches the model", add="output: {…}      # or failure: timeout")]
    return [
        Problem((*path, "expect", key), f"it is {_written(actual)}, not {_written(wanted)}")
        for key, wanted in test.expect.items()
        for actual in [_actual(settled, key)]
        if not _meets(key, wanted, actual)
    ]


def _decided(test: RuleTest, decider: Decider) -> Settled | None:
    """Return the decision of a test, None when it asks the model and the test says nothing of that."""
    features = {view: (values, None) for view, values in test.features.items()}
    step = decider.before(decider.admit_row(test.request), features)
    if not isinstance(step, AskModel):
        return step
    if test.output is None and test.failure is None:
        return None
    output = None if test.failure else test.output
    failure: Any = test.failure
    name = str(decider.model)
    return decider.after(step, Prediction(name, 0, "", output, failure=failure))


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
