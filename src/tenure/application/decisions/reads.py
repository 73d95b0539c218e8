"""What the feature views gave for one decision, with defaults filled in as the application says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from tenure.application.decisions.scopes import may_be_null
from tenure.application.rules.lists import EACH
from tenure.contract.records import FeatureRead
from tenure.kit.errors import Kind, TenureError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

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
    return [(use.view, str(values[use.key])) for use in definition.features if not use.each]


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
        if use.each:
            continue
        found, known_at = features.get(use.view) or ({}, None)
        used, defaulted = _used(use, found, use.key)
        facts.update({f"{use.view}.{name}": value for name, value in used.items()})
        key = None if use.key in hidden else str(values[use.key])
        reads.append(FeatureRead(use.view, key, used, known_at, defaulted))
    return reads


def item_reads(
    uses: tuple[FeatureUse, ...], facts: dict[str, Any], read: Callable[[str, str], Read | None]
) -> list[FeatureRead]:
    """Return what the views gave for every item of the model's lists, each item once, and add it to the facts."""
    reads = []
    for use in uses:
        by_key: dict[str, dict[str, Any]] = {}
        for key in dict.fromkeys(map(str, facts.get(f"output.{use.each}") or ())):
            found, known_at = read(use.view, key) or ({}, None)
            by_key[key], defaulted = _used(use, found, f"item {key}")
            reads.append(FeatureRead(use.view, key, by_key[key], known_at, defaulted))
        facts[f"{EACH}{use.view}"] = by_key
    return reads


def _used(use: FeatureUse, found: Mapping[str, Any], whose: str) -> tuple[dict[str, Any], tuple[str, ...]]:
    used = {column.name: found.get(column.name) for column in use.columns}
    empty = [name for name, value in used.items() if value is None]
    if not empty:
        return used, ()
    if use.on_missing == "default":
        filled = tuple(name for name in empty if use.defaults.get(name) is not None)
        return used | {name: use.defaults[name] for name in filled}, filled
    for column in use.columns:
        if used[column.name] is None and not may_be_null(use, column):
            raise MissingFeature(field=whose, view=use.view, column=column.name)
    return used, ()
