"""Realised performance: what a version said beside what turned out to be true.

Which measures apply follows from the outcome and the output: a truth value beside a score is a classifier, a number
beside a number a forecast, a name beside a list of names a recommender.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import numpy as np
    import numpy.typing as npt

    from tenure.contract.schema import Schema

Task: TypeAlias = Literal["binary", "regression", "ranking"]

#: log loss is taken of scores held at least this far from 0 and 1
CLIP = 1e-15


class Judged(msgspec.Struct, frozen=True):
    """One output of the version beside the truth about it; `truth` is None while none has arrived.

    `moment` is the event time by which its age is counted.
    """

    day: str
    moment: int
    output: Any
    truth: Any = None


class Performance(msgspec.Struct, frozen=True, omit_defaults=True):
    """How well the version did over some days, on decisions old enough for their truth to be known.

    `matured` counts those, `labelled` how many of them have their truth; `early` are truths about younger decisions,
    which are left out: those that arrive soon are rarely like those that arrive late. `measures` is empty when
    nothing can be said.
    """

    application: str
    outcome: str
    task: Task
    matured: int
    labelled: int
    early: int
    measures: dict[str, float]

    @property
    def matured_share(self) -> float:
        """Return the share of the matured decisions whose truth has arrived."""
        return self.labelled / self.matured if self.matured else 0.0


def task_of(outcome_type: str, outputs: Schema) -> tuple[Task, str] | None:
    """Return the task and the name of the output that is judged, or None where the two do not fit."""
    lists = [field.name for field in outputs if field.shape and field.wire_dtype not in {"float64", "float32"}]
    scores = [field.name for field in outputs if not field.shape and field.type in {"float", "int"}]
    score = "score" if "score" in scores else next(iter(scores), None)
    if outcome_type == "bool" and score:
        return "binary", score
    if lists and outcome_type in {"bool", "int", "string"}:
        return "ranking", lists[0]
    return ("regression", score) if score and outcome_type in {"int", "float"} else None


def latest_truths(outcomes: Iterable[Mapping[str, Any]], name: str) -> dict[str, Any]:
    """Return the truth by decision id; of several told about one decision the latest counts (by time told, then id)."""
    told: dict[str, tuple[tuple[int, str], Any]] = {}
    for outcome in outcomes:
        if outcome["name"] != name:
            continue
        order = (outcome["at"], outcome["id"])
        before = told.get(outcome["decision"])
        if before is None or order > before[0]:
            told[outcome["decision"]] = (order, outcome["value"])
    return {decision: value for decision, (_, value) in told.items()}


def performance(
    application: str, outcome: str, task: Task, judged: Sequence[Judged], matured_before: int
) -> Performance:
    """Return the realised performance of the decisions whose event time is at most `matured_before`."""
    matured = [one for one in judged if one.moment <= matured_before]
    labelled = [one for one in matured if one.truth is not None]
    early = sum(1 for one in judged if one.moment > matured_before and one.truth is not None)
    outputs, truths = [one.output for one in labelled], [one.truth for one in labelled]
    measures = measured(task, outputs, truths) if labelled else {}
    return Performance(application, outcome, task, len(matured), len(labelled), early, measures)


def measured(task: Task, outputs: Sequence[Any], truths: Sequence[Any]) -> dict[str, float]:
    """Return the task's measures of at least one output beside its truth."""
    match task:
        case "binary":
            return binary(outputs, truths)
        case "regression":
            return regression(outputs, truths)
        case "ranking":
            return ranking(outputs, truths)


def binary(scores: Sequence[float], truths: Sequence[Any]) -> dict[str, float]:
    """Return AUC (where both truths occur), accuracy at 0.5, Brier score and log loss, the last three of probabilities."""
    import numpy as np

    s = np.asarray(scores, dtype=np.float64)
    y = np.asarray([bool(truth) for truth in truths], dtype=np.float64)
    found = {"positive_share": float(y.mean())}
    if 0 < y.sum() < len(y):
        found["auc"] = auc(s, y)
    if s.min() >= 0 and s.max() <= 1:
        held = np.clip(s, CLIP, 1 - CLIP)
        found["accuracy"] = float(((s >= 0.5) == (y == 1)).mean())
        found["brier"] = float(((s - y) ** 2).mean())
        found["log_loss"] = float(-(y * np.log(held) + (1 - y) * np.log(1 - held)).mean())
    return found


def auc(scores: npt.NDArray[np.float64], truths: npt.NDArray[np.float64]) -> float:
    """Return the area under the ROC curve by mid-ranks (Mann and Whitney, 1947): ties count one half."""
    import numpy as np

    _, place, times = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(times) - (times - 1) / 2)[place]
    positives = truths.sum()
    rank_sum = float(ranks[truths == 1].sum())
    return float((rank_sum - positives * (positives + 1) / 2) / (positives * (len(truths) - positives)))


def regression(forecasts: Sequence[float], truths: Sequence[float]) -> dict[str, float]:
    """Return MAE, RMSE and bias, the mean of forecast less truth, in the outcome's own unit."""
    import numpy as np

    error = np.asarray(forecasts, dtype=np.float64) - np.asarray(truths, dtype=np.float64)
    return {
        "mae": float(np.abs(error).mean()),
        "rmse": float(np.sqrt((error**2).mean())),
        "bias": float(error.mean()),
        "mean_truth": float(np.mean(np.asarray(truths, dtype=np.float64))),
    }


def ranking(lists: Sequence[Sequence[Any]], truths: Sequence[Any]) -> dict[str, float]:
    """Return hit rate, precision and mean reciprocal rank of lists of items beside the items that were right.

    A truth names one item, or as text several, separated by `|`. A hit is a list with at least one of them; the rank is
    that of the first, and 0 counts where there is none. A truth that is true or false says itself whether it was a hit.
    """
    if all(isinstance(truth, bool) for truth in truths):
        return {"hit_rate": sum(truths) / len(truths)}
    right = [set(str(truth).split("|")) for truth in truths]
    places = [
        [place for place, item in enumerate(items, 1) if str(item) in wanted]
        for items, wanted in zip(lists, right, strict=True)
    ]
    return {
        "hit_rate": sum(1 for found in places if found) / len(places),
        "precision": sum(len(found) for found in places) / sum(len(items) for items in lists),
        "mean_reciprocal_rank": sum(1 / found[0] for found in places if found) / len(places),
    }
