"""How a model's row is made from what an application knows: by equal name, or by an expression of `inputs`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tenure.application.decisions.scopes import before_model
from tenure.application.rules.errors import BrokenExpression, Undecided
from tenure.application.rules.expressions import compile_expression
from tenure.application.rules.kinds import BOOL, DATE, FLOAT, INT, STRING, Kind, kind_of, nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tenure.application.revisions.terms import Definition
    from tenure.application.rules.kinds import Known, Scope
    from tenure.application.rules.operators import Run
    from tenure.application.rules.typed import Expression
    from tenure.contract.schema import Field, Schema


@dataclass(frozen=True, slots=True)
class Need:
    """A model input that the application does not supply, why not, and the lines for `application.yaml` that would."""

    name: str
    why: str
    add: str = ""
    at: int | None = None


@dataclass(frozen=True, slots=True)
class RowMaker:
    """Makes the model's row from the facts: `plain` inputs are copied, `made` ones computed."""

    plain: tuple[tuple[str, str], ...]
    made: tuple[tuple[str, Run], ...]

    def row(self, facts: Mapping[str, Any]) -> dict[str, Any]:
        """Return the row, None where a value is missing and the model takes that."""
        row = {name: facts[key] for name, key in self.plain}
        for name, run in self.made:
            row[name] = run(facts)
        return row


def needs(definition: Definition, inputs: Schema) -> list[Need]:
    """Return every input of a version that the definition does not supply; empty means that it can take traffic."""
    _, missing = map_inputs(definition, inputs)
    return missing


def map_inputs(definition: Definition, inputs: Schema) -> tuple[RowMaker, list[Need]]:
    """Return how the row is made, and what it lacks. Fields that the model does not ask for are left aside."""
    scope = before_model(definition)
    plain: list[tuple[str, str]] = []
    made: list[tuple[str, Run]] = []
    missing: list[Need] = []
    for field in inputs:
        found = _source(definition, field, scope)
        if isinstance(found, Need):
            missing.append(found)
        elif found.known is not None and found.kind == kind_of(field):
            plain.append((field.name, found.known.key))
        else:
            made.append((field.name, _converted(found, field)))
    return RowMaker(tuple(plain), tuple(made)), missing


def _source(definition: Definition, field: Field, scope: Scope) -> Expression | Need:
    """Return the expression that gives an input, typed and fitting, or what is missing."""
    written = definition.inputs.get(field.name)
    if written is None and field.name not in scope.names:
        return _unmapped(definition, field, scope)
    try:
        source = compile_expression(
            written or _quoted(scope.names[field.name]), scope, lenient=field.nullable or not field.required
        )
    except BrokenExpression as error:
        return Need(field.name, str(error), at=error.facts["at"])
    if field.shape and source.known is not None and source.known.length != field.shape[0]:
        return Need(field.name, f"the model takes lists of {field.shape[0]}, and these are of any length")
    if not _fits(source.kind, kind_of(field)):
        return Need(field.name, f"the model needs {kind_of(field)} and gets {source.kind}")
    return source


def _quoted(known: Known) -> str:
    """Return a field as an expression: in quotes, because a name of a request may be any text."""
    place, name = known.key.split(".", 1)
    return f"{place}[{json.dumps(name)}]"


def _fits(given: Kind, wanted: Kind) -> bool:
    return given == wanted or (given, wanted) in {(INT, FLOAT), (BOOL, INT), (BOOL, FLOAT), (DATE, STRING)}


def _converted(source: Expression, field: Field) -> Run:
    convert: Callable[[Any], Any] = {FLOAT: float, INT: int, STRING: str}.get(kind_of(field), lambda value: value)
    run = source.run
    if source.total:
        return lambda facts: convert(run(facts))

    def value_or_none(facts: Mapping[str, Any]) -> Any:
        try:
            return convert(run(facts))
        except Undecided:  # the model takes a null here, or the check would have refused the source
            return None

    return value_or_none


def _unmapped(definition: Definition, field: Field, scope: Scope) -> Need:
    twice = scope.hints.get(field.name)
    if twice:
        return Need(field.name, f"two places have it: {twice}", f"inputs:\n  {field.name}: request.{field.name}")
    if field.shape:
        return Need(
            field.name, f"the model takes {kind_of(field)}; a request holds single values, so call the model by /v2"
        )
    known = [*scope.names, *definition.inputs]
    lines = f"request:\n  {field.name}: {_written_type(field)}"
    return Need(field.name, f"nothing supplies the model's input {field.name!r}{nearest(field.name, known)}", lines)


def _written_type(field: Field) -> str:
    if not (field.nullable or not field.required or field.values):
        return field.type
    optional = ", required: false" if field.nullable or not field.required else ""
    return f"{{type: {field.type}{optional}}}"
