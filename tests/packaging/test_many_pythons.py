"""Versions on different Pythons with clashing packages, in service at once, with nothing of ours in their environments."""

from __future__ import annotations

import http.client
import json
import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tenure.app import packaging
from tenure.serving import oneshot
from tests.faults.house import TOKEN, House, started
from tests.packaging.conftest import TRAIN_SKLEARN, sealed, source, trained
from tests.packaging.test_sealed_models import restored_alone
from tests.worker.packages import Made

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tenure.app.packaging import PackageSource
    from tenure.settings import Home, Workshop

pytestmark = pytest.mark.processes

#: seven Pythons; numpy 1.19 to 2.5 and scikit-learn 0.24 to 1.9, of which no two agree
TEN = (
    ("3.7", "scikit-learn==0.24.2", "numpy==1.19.5"),
    ("3.7", "scikit-learn==1.0.2", "numpy==1.21.6"),
    ("3.8", "scikit-learn==1.1.3", "numpy==1.22.4"),
    ("3.8", "scikit-learn==1.3.2", "numpy==1.24.4"),
    ("3.9", "scikit-learn==1.2.2", "numpy==1.25.2"),
    ("3.10", "scikit-learn==1.4.2", "numpy==1.26.4"),
    ("3.11", "scikit-learn==1.5.2", "numpy==2.0.2"),
    ("3.12", "scikit-learn==1.6.1", "numpy==2.1.3"),
    ("3.13", "scikit-learn==1.6.1", "numpy==2.2.6"),
    ("3.13", "scikit-learn==1.9.1", "numpy==2.5.5"),
)


def test_two_versions_with_clashing_packages_serve_at_once(
    sklearn_38: PackageSource, sklearn_311: PackageSource, workshop: Workshop, home: Home, tmp_path: Path
) -> None:
    assert_all_serve([sklearn_38, sklearn_311], workshop, home, tmp_path)


@pytest.mark.soak
def test_ten_versions_on_seven_pythons_serve_at_once(
    workshop: Workshop, home: Home, rows: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sources = []
    for nth, (python, *needs) in enumerate(TEN, 1):
        path = trained(workshop, tuple(needs), python, TRAIN_SKLEARN, tmp_path / f"churn-{nth}.joblib")
        sources.append(replace(source(path, "churn", rows, tuple(needs), python), metrics={"auc": 0.5 + nth / 100}))
    for nth, saved in enumerate(sources):
        made = sealed(saved, workshop)
        place = tmp_path / f"restored-{nth}"
        place.mkdir()
        assert restored_alone(made.folder, place) == "churn: 50 golden outputs came out bit for bit"
    told = assert_all_serve(sources, workshop, home, tmp_path)
    with capsys.disabled():
        for one in told:
            print("\nsoak: served", one, end="", flush=True)


def assert_all_serve(
    sources: Sequence[PackageSource], workshop: Workshop, home: Home, tmp_path: Path
) -> list[dict[str, Any]]:
    """Seal, register and serve all; each answers with its own worker's golden score, on its own Python."""
    house = House(tmp_path / "house", versions=0)
    expected, told = [], []
    row = {f"x{n}": 0.25 * math.sin(n) for n in range(17)}
    for one in sources:
        made = sealed(one, workshop)
        registered = packaging.register(home, made.folder)
        house.made.append(Made(made.folder, registered.manifest, registered.worker, registered.version))
        assert not list(Path(registered.worker.python).parent.parent.rglob("tenure*")), "something of ours is installed"
        with oneshot.started(registered.worker, registered.version, "churn", 1) as worker:
            (prediction,) = worker.predict([row])
            assert prediction.output is not None, prediction.error
            expected.append(prediction.output["score"])
            told.append({"python": worker.hello["python"], **worker.hello["packages"]})
    numbers = range(1, len(sources) + 1)
    house.publish(1, running=tuple(numbers))
    with started(house):
        workers = house.status()["workers"]
        assert [workers[f"plain/{number}"]["python"] for number in numbers] == [one["python"] for one in told]
        assert [_score(house, number, row) for number in numbers] == expected
    assert len({(one["numpy"], one["sklearn"]) for one in told}) == len(sources)
    return told


def _score(house: House, version: int, row: dict[str, float]) -> float:
    inputs = [{"name": name, "shape": [1], "datatype": "FP64", "data": [value]} for name, value in row.items()]
    connection = http.client.HTTPConnection("127.0.0.1", house.port, timeout=30)
    try:
        path, headers = f"/v2/models/plain/versions/{version}/infer", {"Authorization": f"Bearer {TOKEN}"}
        connection.request("POST", path, json.dumps({"inputs": inputs}), headers)
        content = connection.getresponse().read()
    finally:
        connection.close()
    score: float = json.loads(content)["outputs"][0]["data"][0]
    return score
