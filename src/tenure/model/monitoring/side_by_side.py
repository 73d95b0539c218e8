"""Two versions on the same requests: how far their scores are apart, how often the answers differ, which one was right.

A pair is one request that both looked at: one of them answered it and the other was its shadow, or both were shadows.
Where one is a canary each has requests of its own; those are compared as two samples.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from tenure.model.monitoring.drift import psi
from tenure.model.monitoring.performance import measured, task_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    import numpy.typing as npt

    from tenure.contract.schema import Schema
    from tenure.model.monitoring.observation import Facts

#: bins of the distribution of scores, of about equal weight on the left side
_BINS = 10
_EXAMPLES = 10


@dataclass(frozen=True, slots=True)
class Said:
    """What one version said to one request, and what the application answered, or would have answered, with it."""

    application: str
    output: Mapping[str, Any] | None
    answer: Mapping[str, Any] | None


class Example(msgspec.Struct, frozen=True):
    """One request to which the two answers differ."""

    decision: str
    left_output: dict[str, Any] | None
    right_output: dict[str, Any] | None
    left_answer: dict[str, Any] | None
    right_answer: dict[str, Any] | None


class Against(msgspec.Struct, frozen=True):
    """The measures of both on requests whose truth is known; `paired` when those are the very same requests."""

    application: str
    outcome: str
    task: str
    paired: bool
    labelled_left: int
    labelled_right: int
    left: dict[str, float]
    right: dict[str, float]


class SideBySide(msgspec.Struct, frozen=True):
    """Two versions live. `pairs` are the requests that both answered, failures left out; differences are right less left.

    `score` is the output that is compared, empty where the two have none in common; `psi` is that of its distribution
    on the pairs, `apart_psi` that on the requests which only one of them saw. None means that there is nothing to say.
    """

    left: str
    right: str
    seen_left: int
    seen_right: int
    pairs: int
    failed_left: int
    failed_right: int
    score: str
    mean_left: float | None
    mean_right: float | None
    mean_difference: float | None
    mean_absolute_difference: float | None
    p95_absolute_difference: float | None
    largest_difference: float | None
    psi: float | None
    apart_psi: float | None
    disagreements: int
    disagreement_share: float | None
    examples: list[Example]
    performance: list[Against]


def side_by_side(
    refs: tuple[str, str],
    left: Mapping[str, Said],
    right: Mapping[str, Said],
    outputs: tuple[Schema, Schema],
    truths: Mapping[str, tuple[Facts, Mapping[str, Any]]],
) -> SideBySide:
    """Return the comparison of what two versions said, by the id of the decision.

    `truths` has for each application its facts and the truth by decision, for those that are old enough.
    """
    import numpy as np

    both = [name for name in left if name in right and left[name].output is not None and right[name].output is not None]
    failed = [sum(1 for one in said.values() if one.output is None) for said in (left, right)]
    score = _common_score(*outputs)
    ours, theirs = _scores(left, both, score), _scores(right, both, score)
    gaps = theirs - ours
    apart = [
        _scores(said, [name for name in said if name not in other], score)
        for said, other in ((left, right), (right, left))
    ]
    differing = [name for name in both if left[name].answer != right[name].answer]
    return SideBySide(
        left=refs[0],
        right=refs[1],
        seen_left=len(left),
        seen_right=len(right),
        pairs=len(both),
        failed_left=failed[0],
        failed_right=failed[1],
        score=score,
        mean_left=_mean(ours if len(ours) else apart[0]),
        mean_right=_mean(theirs if len(theirs) else apart[1]),
        mean_difference=_mean(gaps),
        mean_absolute_difference=_mean(np.abs(gaps)),
        p95_absolute_difference=float(np.quantile(np.abs(gaps), 0.95)) if len(gaps) else None,
        largest_difference=float(gaps[np.argmax(np.abs(gaps))]) if len(gaps) else None,
        psi=score_psi(ours, theirs),
        apart_psi=score_psi(*apart),
        disagreements=len(differing),
        disagreement_share=len(differing) / len(both) if both else None,
        examples=[_example(name, left[name], right[name]) for name in sorted(differing)[-_EXAMPLES:]],
        performance=[
            found
            for facts, known in truths.values()
            if (found := _against(facts, known, left, right, both, outputs)) is not None
        ],
    )


def score_psi(left: npt.NDArray[np.float64], right: npt.NDArray[np.float64]) -> float | None:
    """Return the PSI of two samples over ten bins of equal weight on the left; None where one of them is empty."""
    import numpy as np

    if not len(left) or not len(right):
        return None
    inner = np.unique(np.quantile(left, np.linspace(0, 1, _BINS + 1)[1:-1]))
    counts = [np.bincount(np.searchsorted(inner, one, side="right"), minlength=len(inner) + 1) for one in (left, right)]
    return psi(tuple(counts[0].tolist()), tuple(counts[1].tolist()))


def _common_score(left: Schema, right: Schema) -> str:
    """Return the number that both give: `score` if both have one, else the first of the same name."""
    names = [
        [field.name for field in schema if not field.shape and field.type in {"float", "int"}]
        for schema in (left, right)
    ]
    common = [name for name in names[0] if name in names[1]]
    return "score" if "score" in common else next(iter(common), "")


def _scores(said: Mapping[str, Said], names: Sequence[str], score: str) -> npt.NDArray[np.float64]:
    import numpy as np

    if not score:
        return np.empty(0)
    values = [output.get(score) for name in names if (output := said[name].output) is not None]
    return np.asarray([math.nan if value is None else float(value) for value in values], dtype=np.float64)


def _mean(values: npt.NDArray[np.float64]) -> float | None:
    return float(values.mean()) if len(values) else None


def _example(name: str, left: Said, right: Said) -> Example:
    plain = (
        dict(part) if part is not None else None for part in (left.output, right.output, left.answer, right.answer)
    )
    return Example(name, *plain)


def _against(
    facts: Facts,
    truths: Mapping[str, Any],
    left: Mapping[str, Said],
    right: Mapping[str, Said],
    both: Sequence[str],
    outputs: tuple[Schema, Schema],
) -> Against | None:
    """Return the measures on the pairs whose truth is known; where there is none, on what each saw by itself."""
    tasks = [task_of(facts.outcome_type, schema) for schema in outputs]
    if tasks[0] is None or tasks[1] is None or tasks[0][0] != tasks[1][0]:
        return None
    paired = [name for name in both if name in truths and left[name].application == facts.name]
    found = []
    for said, (task, output) in zip((left, right), (tasks[0], tasks[1]), strict=True):
        names = paired or [name for name, one in said.items() if name in truths and one.application == facts.name]
        known = [
            (value, truths[name])
            for name in names
            if (given := said[name].output) is not None and (value := given.get(output)) is not None
        ]
        measures = measured(task, [one for one, _ in known], [truth for _, truth in known]) if known else {}
        found.append((len(known), measures))
    if not found[0][0] and not found[1][0]:
        return None
    return Against(
        facts.name, facts.outcome, tasks[0][0], bool(paired), found[0][0], found[1][0], found[0][1], found[1][1]
    )
