"""A model asked directly, without an application: every row of a call becomes a record before the call is answered."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

from tenure.application.decisions.deciding import predicted
from tenure.contract.records import FORMAT, PredictionCallRecord, encode, implicit_application
from tenure.governance.access import Permission, authorize
from tenure.kit.ids import new_id

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tenure.app.generation import Generation
    from tenure.contract.predictor import Prediction
    from tenure.governance.access import Actor
    from tenure.kit.clock import Clock
    from tenure.serving.link import WorkerLink

#: how long a caller without a bound of its own waits for a model, and the longest that one may ask for
DEADLINE_US = 30_000_000
#: records handed to the log at once; their bytes stay far below what it holds back
_TOGETHER = 512


class Log(Protocol):
    """Where records become durable."""

    async def append(self, record: bytes, *, alone: bool | None = None) -> None:
        """Return when the record is durable."""


class Watchers(Protocol):
    """Those who see what was asked after it was answered."""

    def called(
        self, shadows: Sequence[WorkerLink], calls: Sequence[tuple[Mapping[str, Any], PredictionCallRecord]]
    ) -> None:
        """Take note of the rows of a call."""


@dataclass(frozen=True, slots=True)
class Predicted:
    """What a version said to the rows of one call, in order; `call` is the id of the first row's record."""

    call: str
    predictions: list[Prediction]


class Predicting:
    """Asks versions directly."""

    def __init__(self, *, log: Log, clock: Clock, shadowing: Watchers) -> None:
        self._log = log
        self._clock = clock
        self._shadowing = shadowing

    @staticmethod
    def version(generation: Generation, actor: Actor | None, model: str, version: str) -> WorkerLink:
        """Return a version in service that the actor may ask, the champion when `version` is empty."""
        authorize(actor, Permission.MODELS_PREDICT, implicit_application(model))
        return generation.version(model, version)

    async def predict(
        self,
        link: WorkerLink,
        actor: Actor,
        rows: Sequence[Mapping[str, Any]],
        protocol: Literal["oip", "mlflow"],
        deadline_us: int = DEADLINE_US,
        shadows: Sequence[WorkerLink] = (),
        trace: str = "",
    ) -> Predicted:
        """Return what the version says to the rows, when a record of each is durable; `shadows` see them afterwards.

        Raises `MisfitRow`, and asks nothing, when a row is not what the version takes; `ModelOverloaded` when more rows
        wait than it answers in time.
        """
        at = self._clock.now()
        within = min(deadline_us, DEADLINE_US)
        if link.is_busy(within):
            raise link.overloaded(within)
        packed = link.pack_rows(rows)
        predictions = await link.predict_packed(packed, within)
        elapsed = self._clock.now() - at
        # Later rows have later ids, so that a list in order of ids shows a call's rows in their order.
        ids = [new_id(at + place) for place in range(len(rows))]
        records = [
            PredictionCallRecord(
                format=FORMAT,
                kind="prediction",
                id=ids[place],
                at=at,
                application=implicit_application(link.model),
                request=dict(row),
                predictions=[predicted("served", said)],
                protocol=protocol,
                call=ids[0],
                row=place,
                elapsed_us=elapsed,
                actor=actor.id,
                trace=trace,
            )
            for place, (row, said) in enumerate(zip(rows, predictions, strict=True))
        ]
        await self._keep([encode(record) for record in records])
        if shadows:
            self._shadowing.called(shadows, list(zip(rows, records, strict=True)))
        return Predicted(ids[0], predictions)

    async def _keep(self, records: Sequence[bytes]) -> None:
        alone = None if len(records) == 1 else False
        for start in range(0, len(records), _TOGETHER):
            some = records[start : start + _TOGETHER]
            await asyncio.gather(*(self._log.append(record, alone=alone) for record in some))
