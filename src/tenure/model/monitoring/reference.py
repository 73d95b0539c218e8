"""The reference of a version: the rows it was made from and the outputs it gave, as frozen in its sealed package."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from tenure.kit.errors import Kind, TenureError
from tenure.worker.columns import Codec, read_columns

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tenure.contract.schema import Schema
    from tenure.model.package import Manifest

Columns: TypeAlias = "Mapping[str, Sequence[Any]]"


class NoReference(TenureError):
    """A version has nothing to be compared with."""

    code = "no-reference"
    kind = Kind.REFUSED
    message = "the package of {model} holds no reference sample"
    next_step = "package it again with reference=…, a sample of its training rows"


@dataclass(frozen=True, slots=True)
class Reference:
    """Schemas, columns of the reference rows, columns of the outputs known for certain, and the metrics its author gave."""

    inputs: Schema
    outputs: Schema
    sample: Columns
    outputs_sample: Columns
    metrics: Mapping[str, float] = field(default_factory=dict)


def reference_of(manifest: Manifest, content: Callable[[str], bytes]) -> Reference:
    """Return the reference held by a package; `content` returns the bytes of the file that has a digest.

    The reference rows carry inputs only, so the outputs are those of the golden rows: fewer, but the version's own,
    made at sealing. Without a reference sample the golden inputs serve; without either `NoReference` is raised.
    """
    golden = manifest.golden
    rows = manifest.reference or (golden.inputs if golden else "")
    if not rows:
        raise NoReference(model=manifest.name)
    columns = columns_of(content(manifest.files[rows].digest))
    outputs = {field.name: columns[field.name] for field in manifest.outputs if field.name in columns}
    if not outputs and golden:
        outputs = columns_of(content(manifest.files[golden.outputs].digest))
    return Reference(manifest.inputs, manifest.outputs, columns, outputs, dict(manifest.provenance.metrics))


def columns_of(content: bytes) -> dict[str, list[Any]]:
    """Return the columns of a columns file (docs/formats/frame.md) by name, as lists of Python values."""
    fields, count, body = read_columns(content)
    rows = Codec(fields).unpack(count, body)
    return {one["name"]: [row[one["name"]] for row in rows] for one in fields}
