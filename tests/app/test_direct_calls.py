"""Direct calls of a model, from the log to those who know decisions only."""

import asyncio
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest

from tenure.adapters.decision_log.reader import LogReader
from tenure.adapters.decision_log.sealer import Sealer
from tenure.adapters.decision_log.writer import LogWriter
from tenure.app.evidence import ReadLog
from tenure.app.monitored import MonitoredLog
from tenure.app.predicting import Predicted, Predicting
from tenure.app.shadowing import Shadowing
from tenure.application.decisions.reading import Search
from tenure.contract.predictor import Prediction
from tenure.governance.access import Actor, Role
from tenure.kit.clock import FixedClock
from tenure.model.monitoring.observation import Facts, Observation, observations
from tenure.model.monitoring.ports import PositionUnknown
from tenure.model.version import VersionRef

ROWS: list[dict[str, Any]] = [{"a": 1.0}, {"a": 2.0}, {"a": 3.0}]


class Link:
    """A version that fails at the second row."""

    model, version = "plain", 4

    def is_busy(self, _: int) -> bool:
        return False

    def pack_rows(self, rows: Any) -> list[bytes]:
        return [b"x"] * len(rows)

    async def predict_packed(self, rows: list[bytes], _: int) -> list[Prediction]:
        said = [Prediction("plain", 4, "d", {"score": float(nth)}, b"raw") for nth in range(len(rows))]
        return [said[0], Prediction("plain", 4, "d", failure="raised", error="no"), *said[2:]]


@pytest.fixture
def predicted(tmp_path: Path) -> Predicted:
    async def scenario() -> Predicted:
        log = LogWriter.open(tmp_path, "gateway-1")
        clock = FixedClock()
        shadowing = Shadowing(log=log, features=cast("Any", None), clock=clock)
        predicting = Predicting(log=log, clock=clock, shadowing=shadowing)
        done = await predicting.predict(cast("Any", Link()), Actor("t1", Role.CALLER), ROWS, "oip")
        await log.close()
        return done

    return asyncio.run(scenario())


def observed(records: Iterable[Mapping[str, Any]]) -> list[Observation]:
    """Return what the records say of versions, in the order of the decisions."""
    seen = [
        one
        for record in records
        for one in observations(record, Facts(record["application"]), ZoneInfo("UTC"), lambda *_: None)
    ]
    return sorted(seen, key=lambda one: one.decision)


def test_every_row_of_a_call_is_monitored_like_a_decision(tmp_path: Path, predicted: Predicted) -> None:
    log = MonitoredLog(LogReader(tmp_path), Sealer(tmp_path, lag=0).seal)
    for model, version in ((None, None), ("plain", 4)):
        records = list(log.decisions(model, version, 0, 2**60))
        seen = observed(records)
        assert {one.ref for one in seen} == {VersionRef("plain", 4)}
        assert sorted(one.inputs["a"] for one in seen) == [1.0, 2.0, 3.0]
        assert sorted(one.failure for one in seen) == ["", "", "raised"]
    assert list(log.decisions("plain", 5, 0, 2**60)) == []
    log.settle()
    (stretch,) = log.stretches(0)
    assert stretch.ending == 3
    counted = [record for block in stretch.blocks for record in block]
    # What is counted is read without the rest of a record, and must come to the same.
    assert observed(counted) == observed(log.decisions("plain", 4, 0, 2**60))
    assert list(log.stretches(3)) == []
    with pytest.raises(PositionUnknown):
        list(log.stretches(4))


def test_direct_calls_are_listed_under_the_models_own_name_and_nowhere_else(
    tmp_path: Path, predicted: Predicted
) -> None:
    log = ReadLog(tmp_path, LogReader(tmp_path), cast("Any", SimpleNamespace()), FixedClock())
    found = log.find(Search(application="model:plain"))
    assert [one.request for one in found] == ROWS[::-1]
    assert [one.answer for one in found] == [{"score": 2.0}, {}, {"score": 0.0}]
    assert found[-1].id == predicted.call
    assert log.decision(predicted.call) == found[-1]
    assert log.find(Search()) == []


def test_a_version_that_is_called_directly_has_traffic(tmp_path: Path, predicted: Predicted) -> None:
    log = ReadLog(tmp_path, LogReader(tmp_path), cast("Any", SimpleNamespace()), FixedClock())
    traffic = log.of(VersionRef("plain", 4), 0)
    assert (traffic.requests, traffic.last_decision) == (3, log.find(Search(application="model:plain"))[0].id)
