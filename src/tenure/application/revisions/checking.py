"""The check of a definition against what it stands between: the versions it may ask, and the views it reads.

Both ways of the contract (design.md §2): a definition that does not fit the champion *or the rollback target* is
refused here; a version that needs what the active definition lacks is told so by `needs`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from tenure.application.decisions.deciding import Decider
from tenure.application.decisions.inputs import Need, needs
from tenure.application.decisions.plan import plan
from tenure.application.revisions.problems import Problem
from tenure.application.revisions.reachable import flaws
from tenure.application.revisions.testing import failures
from tenure.application.rules.kinds import nearest
from tenure.contract.schema import Schema

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tenure.application.features.view import View
    from tenure.application.revisions.terms import Definition, ExplainUse, FeatureUse
    from tenure.contract.predictor import Explain

__all__ = ["Contract", "Need", "bound", "check", "needs", "telling_problems"]

#: what a version takes and gives
Contract: TypeAlias = tuple[Schema, Schema]


def bound(definition: Definition, views: Mapping[str, View]) -> tuple[Definition, list[Problem]]:
    """Return the definition with its views' columns and defaults frozen into it, and the views that cannot be."""
    problems = [
        Problem(("features", place, "view"), f"there is no feature view {use.view!r}{nearest(use.view, views)}")
        for place, use in enumerate(definition.features)
        if use.view not in views
    ]
    frozen = tuple(_frozen(use, views[use.view]) for use in definition.features if use.view in views)
    return msgspec.structs.replace(definition, features=frozen), problems + _clashes(definition)


def _frozen(use: FeatureUse, view: View) -> FeatureUse:
    return msgspec.structs.replace(use, columns=view.columns, defaults=view.defaults)


def _clashes(definition: Definition) -> list[Problem]:
    fields = {field.name for field in definition.request}
    return [
        Problem(
            ("features", place, "view"), f"{use.view!r} is also a field of the request; one of them needs another name"
        )
        for place, use in enumerate(definition.features)
        if use.view in fields
    ]


def check(
    definition: Definition, models: Mapping[str, Contract], views: Mapping[str, View], *, run_tests: bool = True
) -> tuple[Definition, list[Problem]]:
    """Return the definition ready to be kept, and every problem of it; it may be kept only if there is none.

    `models` are all versions that it must fit, by reference (`churn/2`): the champion and the rollback target. The
    tests of the file are run against the first of them.
    """
    whole, problems = bound(definition, views)
    if problems:
        return whole, problems
    if definition.model is not None and not models:
        return whole, [Problem(("model",), f"{definition.model} points to no version yet; deploy one first")]
    contracts = models if definition.model is not None else {"": ((), ())}
    for ref, (inputs, outputs) in contracts.items():
        problems += [_of(ref, problem, among=len(contracts)) for problem in plan(whole, inputs, outputs)[1]]
    problems = _once(problems)
    if not problems:
        inputs, outputs = next(iter(contracts.values()))
        problems = flaws(whole, outputs)
        if run_tests:
            problems += failures(Decider(whole, inputs, outputs, revision=0), outputs)
    return whole, problems


def telling_problems(definition: Definition, versions: Mapping[str, tuple[Schema, Explain | None]]) -> list[Problem]:
    """Return why the versions, each with its inputs and its way of telling, cannot give the reasons asked for in time."""
    use = definition.explain
    if use is None:
        return []
    return [
        problem
        for ref, (inputs, explain) in versions.items()
        for problem in _untold(definition, use, ref, inputs, explain)
    ]


def _untold(
    definition: Definition, use: ExplainUse, ref: str, inputs: Schema, explain: Explain | None
) -> list[Problem]:
    path = ("explain",)
    if explain is None:
        why = f"{ref} was sealed without a way to tell reasons: before there was one, or because none gave its scores"
        return [Problem(path, f"{why}; package it again, or write explain: none")]
    names = [field.name for field in inputs]
    found = [
        Problem((*path, "codes", name), f"{ref} has no input {name!r}{nearest(name, names)}")
        for name in use.codes
        if name not in names
    ]
    if explain.cost_us > definition.deadline_us:
        cost, deadline = explain.cost_us / 1000, definition.deadline_us / 1000
        why = f"reasons of {ref} by {explain.method} took {cost:.1f} ms a decision when it was registered, and the deadline is {deadline:.1f} ms"
        found.append(Problem(path, f"{why}; allow more time, or write explain: none and ask with `tenure explain ID`"))
    return found


def _of(ref: str, problem: Problem, among: int) -> Problem:
    """Return the problem with the version that it arises from, where there are several."""
    return replace(problem, why=f"{problem.why} (for {ref})") if among > 1 else problem


def _once(problems: list[Problem]) -> list[Problem]:
    return list(dict.fromkeys(problems))
