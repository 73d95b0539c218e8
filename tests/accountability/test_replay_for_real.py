"""Decisions of real models, made at mixed batch sizes and made again: the same bits, or the reason why not."""

from __future__ import annotations

import contextlib
import os
import random
import subprocess
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from tenure.accountability.ports import PastVersion
from tenure.accountability.replay import Replays
from tenure.accountability.verdict import Verdict
from tenure.application.decisions.deciding import AskModel, Decider
from tenure.application.revisions.definition import parse
from tenure.contract.schema import Field
from tenure.governance.access import local_actor
from tenure.model.package import Golden, Loader
from tenure.model.packaging.batch_form import prove
from tenure.model.packaging.drafting import table_bytes
from tenure.serving import oneshot
from tests.worker.packages import SCORE, Made, Maker

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from tenure.application.revisions.terms import Definition
    from tenure.contract.records import DecisionRecord

pytestmark = pytest.mark.processes

WIDTH = 24
NAMES = [f"x{n}" for n in range(WIDTH)]
INPUTS = tuple(Field(name, "float") for name in NAMES)
OWNER = local_actor("me")
TEXT = f"""
application: APP
request: {{{", ".join(f"{name}: float" for name in NAMES)}}}
model: MODEL@champion
fallback: {{answer: {{offer: none}}}}
rules:
  - {{id: high, after: model, when: "output.score > 0.5", answer: {{offer: discount}}}}
default: {{answer: {{offer: none}}}}
"""
SHORT = ("lr", "hgb")
EVERY = (*SHORT, "mlp", "gb", "rf", "xgboost", "lightgbm")
#: those whose numbers come from a BLAS
BLAS = {"lr", "mlp"}
#: OpenBLAS answers with the oldest name of the code that it runs
SAYS = {"Nehalem": "Nehalem", "Prescott": "Katmai"}
TRAIN = """
import sys, warnings
warnings.filterwarnings("ignore")
import joblib, numpy as np
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
rng = np.random.default_rng(3)
X = rng.normal(size=(600, 24)); y = X[:, 0] + X[:, 1] * X[:, 2] + 0.5 * rng.normal(size=600) > 0
folder, names = sys.argv[1], sys.argv[2:]
make = {
    "lr": lambda: make_pipeline(StandardScaler(), LogisticRegression()),
    "mlp": lambda: make_pipeline(StandardScaler(), MLPClassifier((40, 20), max_iter=30, random_state=0)),
    "hgb": lambda: HistGradientBoostingClassifier(max_iter=30),
    "gb": lambda: GradientBoostingClassifier(n_estimators=30),
    "rf": lambda: RandomForestClassifier(n_estimators=20, n_jobs=1, random_state=0),
}
for name in names:
    if name == "xgboost":
        import xgboost
        model = xgboost.XGBClassifier(n_estimators=20, n_jobs=1)
    elif name == "lightgbm":
        import lightgbm
        model = lightgbm.LGBMClassifier(n_estimators=20, n_jobs=1, verbose=-1)
    else:
        model = make[name]()
    joblib.dump(model.fit(X, y), "%s/%s.joblib" % (folder, name))
"""


def rows(count: int, seed: int) -> list[dict[str, Any]]:
    dice = random.Random(seed)
    return [{name: dice.gauss(0.0, 1.0) for name in NAMES} for _ in range(count)]


@dataclass
class House:
    """Versions of real models, and a log of decisions that they made."""

    root: Path
    python: Path
    models: Path
    made: dict[str, Made] = field(default_factory=dict)
    records: dict[str, DecisionRecord] = field(default_factory=dict)

    def seal(self, name: str) -> None:
        """Make the package of a model in the batch form that holds for it, with the CPU it was sealed on."""
        (self.root / name).mkdir()
        loader = Loader("sklearn", "predict_proba", "matrix", file="model/model.joblib", column=1)
        golden = "golden/inputs.columns"
        files = {loader.file: (self.models / f"{name}.joblib").read_bytes(), golden: table_bytes(INPUTS, rows(2, 9))}
        outputs = (Field("score", "float", "float32"),) if name == "xgboost" else SCORE
        draft = Maker(self.root / name, self.python).package(files, loader, INPUTS, outputs)
        with oneshot.started(draft.worker, draft.version, name, 0) as worker:
            form = prove(worker.call, rows(64, 1), time.monotonic, patience=0.2)
            kind = worker.hello["cpu"]
        told = Golden(2, golden, "", kind)
        (self.root / name / "sealed").mkdir()
        maker = Maker(self.root / name / "sealed", self.python)
        self.made[name] = maker.package(files, loader, INPUTS, outputs, form, golden=told)

    def decide(self, name: str, count: int) -> None:
        """Decide `count` times at mixed batch sizes, alone and beside many."""
        made, dice = self.made[name], random.Random(name)
        decider = Decider(self.definition(name, 1), INPUTS, made.manifest.outputs, 1)
        with oneshot.started(made.worker, made.version, name, 1) as worker:
            left = rows(count, len(name))
            while left:
                size = dice.choice((1, 1, 2, 3, 7, 8, 31, 200))
                some, left = left[:size], left[size:]
                for request, said in zip(some, worker.predict(some), strict=True):
                    step = decider.before(decider.admit_row(request), {})
                    assert isinstance(step, AskModel)
                    settled = decider.after(step, said)
                    key = f"{name}-{len(self.records)}"
                    self.records[key] = decider.record(settled, id=key, at=0, protect=lambda entity, _: (entity, ""))

    # ---- accountability/ports.py

    def decision(self, decision_id: str) -> DecisionRecord:
        return self.records[decision_id]

    def sample(self, count: int, application: str, model: str, version: int | None) -> list[DecisionRecord]:
        found = [one for one in self.records.values() if not model or one.application == model]
        return found[:count]

    def personal(self, record: DecisionRecord) -> Mapping[str, Any] | None:
        return {}

    def definition(self, application: str, revision: int) -> Definition:
        return parse(TEXT.replace("APP", application).replace("MODEL", application))

    def version(self, model: str, number: int) -> PastVersion:
        manifest = self.made[model].manifest
        assert manifest.golden is not None
        digest = self.made[model].version.digest
        return PastVersion(f"{model}/1", digest, INPUTS, manifest.outputs, 1e-6, manifest.golden.cpu)

    def versions(self, model: str) -> list[PastVersion]:
        return [self.version(model, 1)]

    @contextlib.contextmanager
    def asking(self, model: str, number: int) -> Iterator[oneshot.Oneshot]:
        made = self.made[model]
        with oneshot.started(made.worker, made.version, model, number) as running:
            yield running


def house(root: Path, python: Path, names: Sequence[str], each: int) -> House:
    subprocess.run([python, "-c", TRAIN, root, *names], check=True)
    made = House(root, python, root)
    for name in names:
        made.seal(name)
        made.decide(name, each)
    return made


@pytest.fixture(
    scope="module",
    params=[pytest.param((SHORT, 150), id="short"), pytest.param((EVERY, 1430), id="every", marks=pytest.mark.soak)],
)
def lived(request: pytest.FixtureRequest, numeric_python: Path, tmp_path_factory: pytest.TempPathFactory) -> House:
    names, each = request.param
    return house(tmp_path_factory.mktemp("replay"), numeric_python, names, each)


def test_every_decision_is_made_again_with_the_same_bits(lived: House) -> None:
    began = time.process_time()
    found = Replays(lived).sample(OWNER, len(lived.records))
    spent = time.process_time() - began
    assert Counter(one.verdict for one in found) == {Verdict.BIT: len(lived.records)}
    assert {one.cause for one in found} == {""}
    # Our own part of it, in CPU time, which a busy machine does not stretch: at least 500 a second.
    assert spent < len(found) / 500 + 0.5


@pytest.mark.parametrize("kernel", ["Nehalem", pytest.param("Prescott", marks=pytest.mark.soak)])
def test_with_another_blas_kernel_no_verdict_is_bit_that_is_not_and_the_kernel_is_named(
    lived: House, kernel: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENBLAS_CORETYPE", kernel)
    found = Replays(lived).sample(OWNER, len(lived.records))
    for one in found:
        then = one.record.predictions[0]
        assert one.output is not None, one.cause
        same = one.output == then.output
        assert (one.verdict is Verdict.BIT) == same
        assert one.verdict in {Verdict.BIT, Verdict.ULP}
        if not same:
            assert "another BLAS kernel" in one.cause
            assert SAYS[kernel] in one.cause
    changed = {one.record.application for one in found if one.verdict is not Verdict.BIT}
    assert changed <= BLAS
    if os.uname().machine == "x86_64":
        assert changed, "the kernels of this machine give the same bits; the test proves nothing"


def test_a_kernel_that_this_cpu_does_not_have_is_a_mismatch_with_its_cause_and_no_crash(
    lived: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextlib.contextmanager
    def dies(model: str, number: int) -> Iterator[oneshot.Oneshot]:
        made = lived.made[model]
        # What an illegal instruction does to a process, whatever the CPU of this machine can do.
        worker = msgspec.structs.replace(made.worker, python="/bin/false")
        with oneshot.started(worker, made.version, model, number) as running:
            yield running

    monkeypatch.setattr(lived, "asking", dies)
    found = Replays(lived).sample(OWNER, 20)
    assert {one.verdict for one in found} == {Verdict.MISMATCH}
    assert all("cannot be started here" in one.cause for one in found)
