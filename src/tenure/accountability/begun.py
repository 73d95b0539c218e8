"""A logged decision begun again: its revision compiled for its version, its request and features as logged, up to the model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tenure.application.decisions.deciding import AskModel, Decider, Settled
from tenure.kit.errors import TenureError

if TYPE_CHECKING:
    from tenure.accountability.ports import Evidence, PastVersion
    from tenure.application.revisions.terms import Definition
    from tenure.contract.records import DecisionRecord, PredictionRecord

#: What rules and codecs raise at values that no gateway lets in. A record changed after it was written may hold any, and
#: one such record must not take the verdict from all that are asked for with it.
STRANGE = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


@dataclass(frozen=True, slots=True)
class Begun:
    """A decision made again up to the model; `step` asks for a row or is settled, `failure` says why neither."""

    record: DecisionRecord
    decider: Decider | None
    step: AskModel | Settled | None
    failure: str = ""


class Beginnings:
    """Begins decisions again; a revision is compiled once for each version it is met with."""

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence
        self._deciders: dict[tuple[Any, ...], Decider] = {}

    def begin(self, record: DecisionRecord) -> Begun:
        """Return the decision as far as its row for the model, whatever state its record and its revision are in."""
        try:
            personal = self._evidence.personal(record) if record.personal else {}
            if personal is None:
                return Begun(
                    record, None, None, "the person's key was destroyed, so the request cannot be read any more"
                )
            decider = self._decider(record)
            step = decider.before(
                decider.readmit(record, personal), decider.logged_features(record), decider.logged_items(record)
            )
        except TenureError as error:
            return Begun(record, None, None, str(error))
        except STRANGE as error:
            return Begun(record, None, None, strangely(error))
        return Begun(record, decider, step)

    def _decider(self, record: DecisionRecord) -> Decider:
        asked = served(record)
        key = (record.application, record.revision, asked and (asked.model, asked.version))
        if key not in self._deciders:
            definition = self._evidence.definition(record.application, record.revision)
            if asked is not None:
                version = self._evidence.version(asked.model, asked.version)
                self._deciders[key] = _compiled(definition, version, record.revision)
            else:
                self._deciders[key] = self._without_model(definition, record.revision)
        return self._deciders[key]

    def _without_model(self, definition: Definition, revision: int) -> Decider:
        """Return the revision with any version it fits: none was asked, so only the types of its fields matter."""
        versions = self._evidence.versions(definition.model.name) if definition.model else []
        for version in versions[:-1]:
            try:
                return _compiled(definition, version, revision)
            except TenureError:
                continue
        return _compiled(definition, versions[-1] if versions else None, revision)


def strangely(error: Exception) -> str:
    """Return what to say of a record that holds what no decision of its revision can."""
    return f"the record holds values that its revision cannot be decided with ({type(error).__name__}: {error})"


def served(record: DecisionRecord) -> PredictionRecord | None:
    """Return what the version that was asked for the answer said; None when none was asked."""
    return next((one for one in record.predictions if one.role == "served"), None)


def _compiled(definition: Definition, version: PastVersion | None, revision: int) -> Decider:
    inputs, outputs = (version.inputs, version.outputs) if version else (None, None)
    return Decider(definition, inputs, outputs, revision, tells=True, explain=version.explain if version else None)
