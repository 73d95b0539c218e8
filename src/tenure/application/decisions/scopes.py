"""Which names the expressions of an application may read, before the model is asked and after."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tenure.application.rules.kinds import Known, kind_of, scope_of

if TYPE_CHECKING:
    from tenure.application.revisions.terms import Definition, FeatureUse
    from tenure.application.rules.kinds import Scope
    from tenure.contract.schema import Field, Schema

_TOO_EARLY = {"output": "output is known only when the model has answered; write `after: model`"}
_NO_MODEL = {"output": "there is no output: no model is asked"}


def before_model(definition: Definition) -> Scope:
    """Return what can be read before the model is asked: the request and the feature views."""
    hints = _TOO_EARLY if definition.model else _NO_MODEL
    return scope_of(_places(definition), hints | _each_hints(definition))


def after_model(definition: Definition, outputs: Schema) -> Scope:
    """Return what can be read when the model has answered: also `output`."""
    known = [_output(field) for field in outputs]
    scope = scope_of({**_places(definition), "output": known}, _each_hints(definition))
    return replace(scope, each=_each(definition))


def _output(field: Field) -> Known:
    length = field.shape[0] if len(field.shape) == 1 else None
    return Known(f"output.{field.name}", kind_of(field), field.nullable, length=length)


def _each(definition: Definition) -> dict[str, dict[str, dict[str, Known]]]:
    """Return what the views say that are read for every item, by the key of the list."""
    found: dict[str, dict[str, dict[str, Known]]] = {}
    for use in definition.features:
        if use.each:
            columns = {column.name: _column(use, column) for column in use.columns}
            found.setdefault(f"output.{use.each}", {})[use.view] = columns
    return found


def _each_hints(definition: Definition) -> dict[str, str]:
    why = "{view} is read for each item of output.{each}; only filter and rerank look at single items"
    return {use.view: why.format(view=use.view, each=use.each) for use in definition.features if use.each}


def _places(definition: Definition) -> dict[str, list[Known]]:
    hidden = {*definition.personal, definition.entity}
    request = [_request_field(field, personal=field.name in hidden) for field in definition.request]
    return {"request": request} | {
        use.view: [_column(use, column) for column in use.columns] for use in definition.features if not use.each
    }


def _request_field(field: Field, *, personal: bool) -> Known:
    nullable = not field.required or field.nullable
    return Known(
        f"request.{field.name}", kind_of(field), nullable, personal, field.values, field.minimum, field.maximum
    )


def _column(use: FeatureUse, column: Field) -> Known:
    length = column.shape[0] if len(column.shape) == 1 and column.shape[0] > 0 else None
    return Known(f"{use.view}.{column.name}", kind_of(column), may_be_null(use, column), length=length)


def may_be_null(use: FeatureUse, column: Field) -> bool:
    """Tell whether a decision can meet the column without a value."""
    return {
        "error": column.nullable,
        "null": True,
        "default": use.defaults.get(column.name) is None,
    }[use.on_missing]
