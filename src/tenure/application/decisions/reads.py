"""What the feature views gave for one decision, with defaults filled in as the application says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from tenure.application.decisions.scopes import may_be_null
from tenure.contract.records import FeatureRead
from tenure.kit.errors import Kind, TenureError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tenure.application.revisions.terms import Definition, FeatureUse

#: values by column, and when they became known
Read: TypeAlias = "tuple[Mapping[str, Any], int | None]"


class MissingFeature(TenureError):
    """A feature is missing and the application says `on_missing: error`."""

    code = "missing-feature"
    kind = Kind.BAD_INPUT
    message = "{field}: the view {view} has no {column} for it"
    next_step = "ingest the row (tenure features ingest {view} FILE), or set on_missing: default at the view"


def views_to_read(definition: Definition, values: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the views with the key that the request gives for each."""
    return [(use.view, str(values[use.key])) for use in definition.features]


def feature_reads(
    definition: Definition,
    values: Mapping[str, Any],
    features: Mapping[str, Read | None],
    hidden: frozenset[str],
    facts: dict[str, Any],
) -> list[FeatureRead]:
    """Return what each view gave and add it to the facts; a key that is personal is left out of the record."""
    reads = []
    for use in definition.features:
        found, known_at = features.get(use.view) or ({}, None)
        used, defaulted = _used(use, found)
        facts.update({f"{use.view}.{name}": value for name, value in used.items()})
        key = None if use.key in hidden else str(values[use.key])
        reads.append(FeatureRead(use.view, key, used, known_at, defaulted))
    return reads


def _used(use: FeatureUse, found: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    used = {column.name: found.get(column.name) for column in use.columns}
    empty = [name for name, value in used.items() if value is None]
    if not empty:
        return used, ()
    if use.on_missing == "default":
        filled = tuple(name for name in empty if use.defaults.get(name) is not None)
        return used | {name: use.defaults[name] for name in filled}, filled
    for column in use.columns:
        if used[column.name] is None and not may_be_null(use, column):
            raise MissingFeature(field=use.key, view=use.view, column=column.name)
    return used, ()
