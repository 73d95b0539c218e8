"""A small world for monitoring's tests: a log in memory, one application, versions whose reference is made from a seed."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from tenure.contract.records import FORMAT, DecisionRecord, FeatureRead, OutcomeRecord, PredictionRecord
from tenure.contract.schema import Field
from tenure.kit.clock import DAY
from tenure.model.monitoring.observation import Facts
from tenure.model.monitoring.ports import PositionUnknown, Stretch
from tenure.model.monitoring.reference import NoReference, Reference

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from tenure.governance.audit import Event

INPUTS = (Field("income", "float"), Field("inquiries", "int"), Field("state", "string", nullable=True))
OUTPUTS = (Field("score", "float"),)
STATES = ("CA", "NY", "TX", "WA")
STRETCH = 50
START = 1_700_006_400_000_000  # 2023-11-15T00:00:00Z


def rows(n: int, seed: int, *, shift: float = 0.0) -> list[dict[str, Any]]:
    random = np.random.default_rng(seed)
    income = random.lognormal(10 + shift, 0.5, n)
    inquiries = random.poisson(0.6, n)
    state = random.choice(STATES, n, p=[0.4, 0.3, 0.2, 0.1])
    return [
        {"income": float(i), "inquiries": int(q), "state": str(s)}
        for i, q, s in zip(income, inquiries, state, strict=False)
    ]


def score(row: Mapping[str, Any]) -> float:
    return float(1 / (1 + np.exp(np.log(row["income"] or 1) - 10)))


def reference(n: int = 2000, seed: int = 0) -> Reference:
    sample = rows(n, seed)
    columns = {name: [row[name] for row in sample] for name in ("income", "inquiries", "state")}
    return Reference(INPUTS, OUTPUTS, columns, {"score": [score(row) for row in sample]}, {"auc": 0.8})


def decision(
    number: int, at: int, row: dict[str, Any] | None, *, by: Any = "model", version: int = 1, failure: Any = "",
    features: list[FeatureRead] | None = None, event_time: int | None = None, role: Any = "served",
) -> DecisionRecord:  # fmt: skip
    predictions = []
    if row is not None and by != "rule":
        output = None if failure else {"score": score(row)}
        predictions = [
            PredictionRecord(
                role=role, model="credit", version=version, digest="d", output=output, failure=failure or None
            )
        ]
    return DecisionRecord(
        format=FORMAT, kind="decision", id=f"D{number:06d}", at=at, application="loans", revision=1, request=row or {},
        features=features or [], predictions=predictions, decided_by=by, answer={"offer": 1}, elapsed_us=900 + number % 200,
        event_time=event_time,
    )  # fmt: skip


def outcome(number: int, value: Any, at: int, name: str = "bad") -> OutcomeRecord:
    return OutcomeRecord(
        format=FORMAT,
        kind="outcome",
        id=f"O{at}",
        at=at,
        application="loans",
        decision=f"D{number:06d}",
        name=name,
        value=value,
    )


class Log:
    """The port `LogSource` over lists; a record's place is its number."""

    def __init__(self) -> None:
        self.records: list[dict[str, Any]] = []
        self.truths: list[dict[str, Any]] = []
        self.reads = 0

    def add(self, *records: Any) -> None:
        for record in records:
            (self.truths if isinstance(record, OutcomeRecord) else self.records).append(plain(record))

    def decisions(
        self, model: str | None, version: int | None, since: int, until: int, application: str | None = None
    ) -> Iterator[Mapping[str, Any]]:
        for record in self.records:
            if application not in {None, record["application"]}:
                continue
            asked = any((p["model"], p["version"]) == (model, version) for p in record.get("predictions", ()))
            if since <= record["at"] < until and (model is None or asked):
                self.reads += 1
                yield record

    def settle(self) -> None:
        """Nothing waits for its place here."""

    def stretches(self, position: int) -> Iterator[Stretch]:
        if position > len(self.records):
            raise PositionUnknown
        for start in range(position, len(self.records), STRETCH):
            some = self.records[start : start + STRETCH]
            self.reads += len(some)
            yield Stretch(start + len(some), [some])

    def outcomes(self, application: str) -> Iterable[Mapping[str, Any]]:
        return [record for record in self.truths if record["application"] == application]


class Loans:
    """The port `Applications` with one application."""

    def __init__(self, facts: Facts | None = None) -> None:
        self.only = facts or Facts("loans", "credit", "UTC", outcome="bad", outcome_type="bool", matures_after=DAY)

    def facts(self, application: str) -> Facts | None:
        return self.only if application == "loans" else None

    def judged(self) -> list[Facts]:
        return [self.only] if self.only.outcome else []


class Credit:
    """The port `Versions`: every version has the same reference unless it is said to have none."""

    def __init__(self, without: frozenset[int] = frozenset()) -> None:
        self.without = without
        self.held = reference()

    def reference(self, model: str, version: int) -> Reference:
        if version in self.without:
            raise NoReference(model=model)
        return self.held

    def champion(self, model: str, at: int) -> int | None:
        return 1


class Trail:
    """The port `Audit` over a list."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    @contextmanager
    def transaction(self) -> Iterator[None]:
        yield

    def write(self, event: Event) -> None:
        self.events.append(event)


def plain(record: Any) -> dict[str, Any]:
    import msgspec

    result: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(record))
    return result
