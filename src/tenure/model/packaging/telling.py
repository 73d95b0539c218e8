"""What an author should read about a package: how the model is called, what it takes and gives, what it needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tenure.contract.schema import Field, Schema
    from tenure.model.package import BatchForm, Loader, Manifest

_FORMS = {
    "multiple": "any multiple of {0} rows in one call",
    "fixed": "exactly {0} rows in one call",
    "single": "one row at a time",
}
_INPUTS = {"frame": "a data frame", "matrix": "a matrix", "records": "a list of records"}
_MOST_SHOWN = 6


def of_draft(manifest: Manifest) -> tuple[str, ...]:
    """Return what is known before the environment is made."""
    needs = ", ".join(manifest.requirements) or "nothing but Python"
    calling = (of_loader(manifest.loader),) if manifest.loader.predict else ()
    return (*calling, f"python {manifest.python}; requires {needs}", "inputs:", *of_schema(manifest.inputs))


def of_package(manifest: Manifest) -> tuple[str, ...]:
    """Return what a sealed package is; of a draft, what is known."""
    if manifest.batch is None:
        return of_draft(manifest)
    return (*of_draft(manifest), "outputs:", *of_schema(manifest.outputs), of_batch(manifest.batch))


def of_loader(loader: Loader) -> str:
    """Return how the model is called, in one line."""
    column = "" if loader.column is None else f"; column {loader.column} of its answer is `score`"
    return f"predict: {loader.predict}, given {_INPUTS[loader.form]}{column}"


def of_batch(batch: BatchForm) -> str:
    """Return the proven batch form, in one line."""
    return "batch form: " + _FORMS[batch.kind].format(batch.rows)


def of_schema(schema: Schema) -> list[str]:
    """Return one line per field."""
    return [f"  {field.name}: {field.type} ({field.wire_dtype}){_normal(field)}" for field in schema]


def _normal(field: Field) -> str:
    missing = ", may be missing" if field.nullable else ""
    if field.values is not None and len(field.values) <= _MOST_SHOWN:
        return f" one of {', '.join(field.values)}{missing}"
    if field.values is not None:
        return f" {len(field.values)} categories{missing}"
    if field.minimum is not None and field.maximum is not None:
        return f" {field.minimum:g} to {field.maximum:g}{missing}"
    return missing
