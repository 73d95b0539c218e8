"""Reasons told with the score, in real workers: equal to brute force, the same bits beside any neighbours, or nothing."""

from __future__ import annotations

import itertools
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from tenure.contract.additivity import SCALES, added_up, precision_of
from tenure.contract.schema import Field
from tenure.model.package import BatchForm, Loader
from tenure.model.packaging.drafting import table_bytes
from tenure.model.packaging.reasons import ReasonsNotProven, Sample, UnknownExplainer, proven, wished
from tenure.serving import oneshot
from tests.worker.packages import SCORE, Made, Maker

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tenure.contract.predictor import Explain, Prediction, Told

pytestmark = pytest.mark.processes

REFERENCE = "reference/reference.columns"
FORM = BatchForm("multiple", 8)
INPUTS = (Field("a", "float"), Field("b", "float", nullable=True), Field("town", "string"))
TOWNS = ("Bern", "Graz", "Köln")
ROWS = [{"a": n * 0.37 % 5 - 2.0, "b": None if n % 7 == 3 else n * 0.71 % 3, "town": TOWNS[n % 3]} for n in range(40)]
SOURCE = """
import math

class Plain:
    def predict(self, rows):
        return [self.score(row) for row in rows]

    def score(self, row):
        if row["a"] == 666.0:
            raise ValueError("the devil is in row")
        b = -1.0 if row["b"] is None else row["b"]
        town = {"Bern": 0.5, "Graz": -0.25}.get(row["town"], 0.1)
        return FORMULA
"""
SUM = "2.0 * row['a'] + b * b + town"
LOGISTIC = f"1 / (1 + math.exp(-({SUM})))"
TANGLED = "row['a'] * b + town * b"


def scored(formula: str, row: dict[str, Any]) -> float:
    """Return the score that the source gives, worked out here."""
    space: dict[str, Any] = {}
    exec(SOURCE.replace("FORMULA", formula), space)  # noqa: S102 - the text above
    return float(space["Plain"]().score(row))


def brute(value: Callable[[dict[str, Any]], float], row: dict[str, Any], rows: Sequence[dict[str, Any]]) -> list[float]:
    """Return the Shapley values by the definition."""
    names = list(row)
    found = []
    for name in names:
        rest = [one for one in names if one != name]
        gains = []
        for size in range(len(names)):
            for members in itertools.combinations(rest, size):
                weight = math.factorial(size) * math.factorial(len(names) - size - 1) / math.factorial(len(names))
                for other in rows:
                    mixed = {**other, **{one: row[one] for one in members}}
                    gains.append(weight * (value({**mixed, name: row[name]}) - value(mixed)) / len(rows))
        found.append(math.fsum(gains))
    return found


def package(root: Path, formula: str, explain: Explain | None = None, batch: BatchForm | None = None) -> Made:
    files = {
        "code/plain_model.py": SOURCE.replace("FORMULA", formula).encode(),
        REFERENCE: table_bytes(INPUTS, ROWS),
    }
    loader = Loader("python", "predict", "records", entry="plain_model:Plain")
    return Maker(root, Path(sys.executable)).package(files, loader, INPUTS, SCORE, batch, explain=explain)


def sample_of(made: Made) -> Sample:
    return Sample(REFERENCE, (made.folder / REFERENCE).read_bytes(), made.manifest.files[REFERENCE].digest)


def planned(root: Path, formula: str, wish: str = "") -> Explain | None:
    """Return what sealing finds out about the model."""
    made = package(root, formula)
    with oneshot.started(made.worker, made.version, "plain", 0) as draft:
        return proven(draft, ROWS, (INPUTS, SCORE), FORM, sample_of(made), wished(wish))


def told(one: Prediction) -> Told:
    assert one.told is not None, one.error
    return one.told


def asked(root: Path, formula: str, rows: list[dict[str, Any]], wish: str = "") -> tuple[Explain, list[Prediction]]:
    """Return how the sealed package tells, and what it tells of rows asked together."""
    plan = planned(root, formula, wish)
    assert plan is not None
    (root / "sealed").mkdir()
    made = package(root / "sealed", formula, plan, FORM)
    version = msgspec.structs.replace(made.version, explain=plan)
    with oneshot.started(made.worker, version, "plain", 1) as running:
        together = running.predict(rows, reasons=True)
        for row, one in zip(rows, together, strict=True):
            alone = running.predict([row], reasons=True)[0]
            assert msgspec.json.encode(alone.told) == msgspec.json.encode(one.told)
            assert (alone.raw, one.raw) == (running.predict([row])[0].raw,) * 2
    return plan, together


@pytest.mark.parametrize(
    ("formula", "wish", "method", "scale"),
    [
        (SUM, "", "closed_form", "score"),
        (LOGISTIC, "", "closed_form", "log-odds"),
        (TANGLED, "", "exact_shapley", "score"),
        (LOGISTIC, "shapley", "exact_shapley", "score"),
    ],
)
def test_reasons_equal_brute_force_and_do_not_depend_on_neighbours(
    tmp_path: Path, formula: str, wish: str, method: str, scale: str
) -> None:
    rows = ROWS[:5]
    plan, found = asked(tmp_path, formula, rows, wish)
    assert (plan.method, plan.scale, plan.together) == (method, scale, True)
    assert plan.baseline.startswith("sha256:")
    from tenure.worker.reasons import order_of

    made = package(tmp_path, formula)
    baseline = [ROWS[place] for place in order_of(sample_of(made).digest, len(ROWS))[: plan.rows]]
    value = lambda row: float(SCALES[scale].to(scored(formula, row)))  # noqa: E731
    for row, one in zip(rows, found, strict=True):
        assert list(told(one).parts) == pytest.approx(brute(value, row, baseline), abs=1e-9)
        assert one.output is not None
        parts = dict(zip("abt", told(one).parts, strict=True))
        assert added_up(parts, told(one).base, SCALES[scale], one.output["score"], precision_of("float64")).holds


def test_a_row_whose_mixtures_the_model_cannot_take_has_its_score_and_no_reasons(tmp_path: Path) -> None:
    rows = [ROWS[0], {**ROWS[1], "town": "Nowhere"}, ROWS[2]]
    broken = SUM + " + 1 / (row['town'] != 'Nowhere' or row['a'] == ROWA)"
    broken = broken.replace("ROWA", repr(rows[1]["a"]))
    _, found = asked(tmp_path, broken, rows)
    assert [one.output is not None for one in found] == [True] * 3
    assert [math.isnan(told(one).base) for one in found] == [False, True, False]


def test_what_an_author_wishes_must_hold_and_must_be_known(tmp_path: Path) -> None:
    with pytest.raises(ReasonsNotProven, match="closed_form.*add up"):
        planned(tmp_path, TANGLED, "closed_form")
    with pytest.raises(UnknownExplainer, match="lime"):
        wished("lime")


def test_reasons_come_only_where_they_were_asked_for(tmp_path: Path) -> None:
    plan = planned(tmp_path, SUM)
    (tmp_path / "sealed").mkdir()
    made = package(tmp_path / "sealed", SUM, plan, FORM)
    with oneshot.started(made.worker, msgspec.structs.replace(made.version, explain=plan), "plain", 1) as running:
        assert running.predict(ROWS[:3])[0].told is None
    with oneshot.started(made.worker, made.version, "plain", 1) as old:
        assert old.predict(ROWS[:3], reasons=True)[0].told is None
