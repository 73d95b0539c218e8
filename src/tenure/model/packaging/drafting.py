"""A draft: everything the author has, laid out and described, before any environment was made for it.

Sealing takes a draft whether it was made a moment ago in this process or came over the network from a laptop, so the
two ways cannot differ.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from tenure.kit.digests import digest_of, digest_of_file
from tenure.model.package import (
    AUTHOR_OUTPUTS,
    FORMAT,
    GOLDEN_INPUTS,
    REFERENCE,
    File,
    Golden,
    Loader,
    Manifest,
    OpenPackage,
    Provenance,
)
from tenure.model.packaging.calling import loader_of
from tenure.model.packaging.inferring import chosen, input_schema, rows_of
from tenure.model.packaging.reasons import wished
from tenure.model.packaging.source import BadSource
from tenure.model.version import parse_name
from tenure.worker import columns

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tenure.contract.schema import Field, Schema
    from tenure.model.packaging.source import Facts, ModelFile, PackageSource, Table

REQUIREMENTS = "env/requirements.txt"
CONSTRAINTS = "env/constraints.txt"
MOST_GOLDEN = 1000
MOST_REFERENCE = 10_000


@dataclass(frozen=True, slots=True)
class Draft:
    """A manifest without environment, worker, batch form and golden outputs, and the content of every file it names.

    `constraints` are versions that resolving should keep to where it can: those the author's own process had.
    `is_asked` says that loader and inputs come from loading the model, and need not be found out again.
    """

    manifest: Manifest
    contents: dict[str, bytes | Path]
    constraints: tuple[str, ...] = ()
    is_asked: bool = False

    def rows(self, name: str) -> list[dict[str, Any]]:
        """Return the rows of one of its columns files; none when the draft has no such file."""
        content = self.contents.get(name)
        if content is None:
            return []
        schema, count, body = columns.read_columns(content if isinstance(content, bytes) else content.read_bytes())
        return columns.Codec(schema).unpack(count, body)


@dataclass(frozen=True, slots=True)
class Material:
    """What was read and found, ready to be described: the model, what it said of itself, rows, code."""

    model: ModelFile
    facts: Facts | None
    golden: Table
    reference: Table | None
    author: Table | None
    requirements: tuple[str, ...]
    constraints: tuple[str, ...]
    code: Mapping[str, Path]
    files: Mapping[str, Path]
    python: str
    metrics: Mapping[str, float]


def draft_of(source: PackageSource, material: Material, restore: bytes) -> Draft:
    """Return the draft of a source; `restore` is the program that is put into every package."""
    inputs = input_schema(material.golden, material.reference, _features(source, material))
    contents = _contents(source, material, inputs) | {"restore.py": restore}
    manifest = Manifest(
        format=FORMAT,
        name=parse_name(source.name),
        loader=_loader(source, material),
        inputs=inputs,
        outputs=_fields(material.author),
        files=files_of(contents),
        requirements=_requirements(source, material),
        explain=wished(source.explain),
        python=material.python,
        golden=Golden(len(material.golden.rows), GOLDEN_INPUTS, "", "", source.tolerance),
        reference=REFERENCE if REFERENCE in contents else "",
        target=source.target,
        threads=source.threads,
        network=source.network,
        memory=source.memory,
        provenance=_provenance(source, material),
        card=dict(source.card),
    )
    return Draft(manifest, contents, material.constraints, is_asked=material.facts is not None)


def reopened(package: OpenPackage) -> Draft:
    """Return the draft that an opened draft package holds."""
    contents: dict[str, bytes | Path] = {name: package.folder / name for name in package.manifest.files}
    constraints = package.folder / CONSTRAINTS
    pins = tuple(constraints.read_text().splitlines()) if CONSTRAINTS in contents else ()
    return Draft(package.manifest, contents, pins)


def files_of(contents: Mapping[str, bytes | Path]) -> dict[str, File]:
    """Return path -> content address, in the order of paths."""
    return {name: _file(contents[name]) for name in sorted(contents)}


def _file(content: bytes | Path) -> File:
    if isinstance(content, bytes):
        return File(digest_of(content), len(content))
    return File(digest_of_file(content), content.stat().st_size)


def _features(source: PackageSource, material: Material) -> tuple[str, ...] | None:
    """Return the columns the model takes: those it was fitted with, else all but the target."""
    if material.facts is not None and material.facts.features is not None:
        return material.facts.features
    names = tuple(field.name for field in material.golden.fields)
    return tuple(name for name in names if name != source.target)


def _loader(source: PackageSource, material: Material) -> Loader:
    """Return the loader; before anybody loaded the model only what the author said is known of it."""
    model, facts = material.model, material.facts
    if facts is not None:
        return loader_of(model, facts, material.golden.form, source.predict)
    return Loader(model.format, source.predict, material.golden.form, model.inside, model.entry)


def _requirements(source: PackageSource, material: Material) -> tuple[str, ...]:
    """Return what the environment needs: with shap asked for, that too, so that it is locked and sealed with the model."""
    named = {re.split(r"[^A-Za-z0-9._-]", line.strip(), maxsplit=1)[0].lower() for line in material.requirements}
    wanted = ("shap",) if source.explain == "shap" and "shap" not in named else ()
    return (*material.requirements, *wanted)


def _fields(table: Table | None) -> tuple[Field, ...]:
    return () if table is None else table.fields


def _contents(source: PackageSource, material: Material, inputs: Schema) -> dict[str, bytes | Path]:
    contents: dict[str, bytes | Path] = {f"code/{name}": path for name, path in material.code.items()}
    contents |= {f"model/{name}": path for name, path in material.files.items()}
    contents[GOLDEN_INPUTS] = table_bytes(inputs, rows_of(material.golden, inputs))
    if material.author is not None:
        contents[AUTHOR_OUTPUTS] = table_bytes(material.author.fields, material.author.rows)
    if material.reference is not None:
        schema = _with_target(inputs, material.reference, source.target)
        contents[REFERENCE] = table_bytes(schema, rows_of(material.reference, schema))
    contents[REQUIREMENTS] = lines(_requirements(source, material))
    if material.constraints:
        contents[CONSTRAINTS] = lines(material.constraints)
    return contents


def _with_target(inputs: Schema, reference: Table, target: str) -> Schema:
    """Return the reference's schema: the inputs, and the target where it has one, for performance later."""
    names = {field.name for field in reference.fields} - {field.name for field in inputs}
    return (*inputs, *chosen(reference, (target,), "the reference")) if target in names else inputs


def sample(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return at most 10,000 rows, drawn with a fixed seed and in their order, so that the same reference is the same."""
    if len(rows) <= MOST_REFERENCE:
        return rows
    return [rows[nth] for nth in sorted(random.Random(0).sample(range(len(rows)), MOST_REFERENCE))]  # noqa: S311


def lines(texts: Sequence[str]) -> bytes:
    """Return texts as the lines of a file."""
    return "".join(text + "\n" for text in texts).encode()


def table_bytes(schema: Schema, rows: Sequence[Mapping[str, Any]]) -> bytes:
    """Return a columns file of rows; raise `BadSource` when a row does not fit the schema."""
    fields = msgspec.to_builtins(schema)
    try:
        return columns.write_columns(fields, len(rows), columns.Codec(fields).pack(rows))
    except columns.FrameError as error:
        raise BadSource(
            what=f"a row does not fit its schema: {error}", cure="check the inputs and the reference"
        ) from error


def _provenance(source: PackageSource, material: Material) -> Provenance:
    return Provenance(
        created=source.created,
        author=source.author,
        data=source.data,
        data_digest=_digest_of_data(source),
        commit=source.commit,
        metrics={name: float(value) for name, value in material.metrics.items()},
    )


def _digest_of_data(source: PackageSource) -> str:
    """Return the digest of the training data where it is a file of this machine."""
    from pathlib import Path

    path = Path(source.data)
    return digest_of_file(path) if source.data and path.is_file() else ""
