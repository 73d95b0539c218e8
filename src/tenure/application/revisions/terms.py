"""The parts of a definition, as frozen records: what `application.yaml` says, with every default filled in.

A snapshot and a revision carry it as plain data (`plain`, `from_plain`). At apply the columns and defaults of the
feature views are frozen into it, so that a decision can be run again although a view has changed since.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from tenure.application.rules.rule import Rule
from tenure.contract.schema import Field, FieldType

DEFAULT_DEADLINE_US = 1_000_000


class ModelUse(msgspec.Struct, frozen=True):
    """The model that is asked, by an alias that may move."""

    name: str
    alias: str

    def __str__(self) -> str:
        return f"{self.name}@{self.alias}"


class FeatureUse(msgspec.Struct, frozen=True, omit_defaults=True):
    """A view that is read for each decision, by the value of the request field `key`.

    With `each` it is read for every item of the list that this output is, by the item; only `filter` and `rerank` see it.

    `on_missing`: `default` takes the view's defaults, `error` refuses the request, `null` leaves the columns empty.
    `columns` and `defaults` are the view's own, frozen at apply.
    """

    view: str
    key: str = ""
    on_missing: Literal["default", "error", "null"] = "error"
    columns: tuple[Field, ...] = ()
    defaults: dict[str, Any] = {}
    each: str = ""


class Answering(msgspec.Struct, frozen=True, omit_defaults=True):
    """An answer with its reason: `fallback` and `default`."""

    answer: dict[str, Any]
    reason: str | None = None


class ExplainUse(msgspec.Struct, frozen=True, omit_defaults=True):
    """Reasons that the model gives within the decision: the `top_k` inputs that contributed most.

    `direction` keeps those that raised the score (`up`), lowered it (`down`), or both; `codes` maps inputs to codes of
    `reasons`, an input that is not in it is its own code.
    """

    top_k: int
    direction: Literal["up", "down", "both"] = "both"
    codes: dict[str, str] = {}


class OutcomeUse(msgspec.Struct, frozen=True, omit_defaults=True):
    """The truth that will arrive: its name and type, and after how many microseconds it may be expected."""

    name: str
    type: FieldType
    matures_after_us: int | None = None


class RuleTest(msgspec.Struct, frozen=True, omit_defaults=True):
    """A request with what must come of it. `output` stands for the model's answer, `failure` for its silence."""

    request: dict[str, Any]
    expect: dict[str, Any]
    features: dict[str, dict[str, Any]] = {}
    output: dict[str, Any] | None = None
    failure: str | None = None


class Definition(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """An application: what it is asked, what it knows, which model it asks, and by which rules it answers.

    `model` is asked unless a rule chooses one of `models`, which it is often one of.
    """

    application: str
    request: tuple[Field, ...]
    default: Answering
    project: str = ""
    owner: str = ""
    entity: str | None = None
    personal: tuple[str, ...] = ()
    event_time: str | None = None
    features: tuple[FeatureUse, ...] = ()
    model: ModelUse | None = None
    models: dict[str, ModelUse] = {}
    inputs: dict[str, str] = {}
    time_zone: str = "UTC"
    deadline_us: int = DEFAULT_DEADLINE_US
    explain: ExplainUse | None = None
    fallback: Answering | None = None
    rules: tuple[Rule, ...] = ()
    reasons: dict[str, str] = {}
    outcome: OutcomeUse | None = None
    tests: tuple[RuleTest, ...] = ()

    @property
    def uses(self) -> tuple[ModelUse, ...]:
        """Return every model that may be asked, the usual one first."""
        usual = () if self.model is None else (self.model,)
        return tuple(dict.fromkeys((*usual, *self.models.values())))

    def chosen(self, name: str) -> ModelUse | None:
        """Return the model that is asked where a rule chose `name`; empty is the usual one."""
        return self.models[name] if name else self.model

    def may_ask(self, model: str) -> bool:
        """Tell whether a model of this name may be asked."""
        return any(use.name == model for use in self.uses)


def plain(definition: Definition) -> dict[str, Any]:
    """Return the definition as plain data, ready for JSON."""
    data: dict[str, Any] = msgspec.to_builtins(definition)
    return data


def from_plain(data: dict[str, Any]) -> Definition:
    """Return the definition that `plain` was made of."""
    return msgspec.convert(data, Definition)
