"""Sealing: a draft gets its environment, is proven in it, and becomes a manifest that never changes again.

Everything that decides bits is done by the worker that will serve, in the environment that will serve, rebuilt from
the blobs that will be kept.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import msgspec

from tenure.kit.digests import canonical
from tenure.model.package import (
    AUTHOR_OUTPUTS,
    GOLDEN_INPUTS,
    GOLDEN_OUTPUTS,
    REFERENCE,
    REFERENCE_OUTPUTS,
    Environment,
    Golden,
    Loader,
    Manifest,
)
from tenure.model.packaging.batch_form import prove
from tenure.model.packaging.calling import loader_of
from tenure.model.packaging.drafting import Draft, files_of, table_bytes
from tenure.model.packaging.entries import entries
from tenure.model.packaging.golden import AuthorDiffers, GoldenFailed, GoldenMismatch, difference, tolerance_of
from tenure.model.packaging.inferring import chosen
from tenure.model.packaging.reasons import Sample, proven
from tenure.model.packaging.source import ModelFile, Table
from tenure.model.packaging.telling import of_loader
from tenure.serving import oneshot, worker_zip
from tenure.worker import columns

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tenure.contract.predictor import Explain
    from tenure.contract.schema import Schema
    from tenure.model.package import BatchForm
    from tenure.model.packaging.batch_form import Call, Row
    from tenure.model.packaging.ports import Bench, BuiltEnvironment, EnvironmentMaker, Store
    from tenure.model.packaging.source import Facts
    from tenure.serving.oneshot import Oneshot

_MOST_ROWS = 512
LOCK = "env/lock.json"
_FIRST_LOAD = "loading the model in its environment for the first time, which compiles what it imports"


@dataclass(frozen=True, slots=True)
class Sealed:
    """A complete manifest and the content of every file it names."""

    manifest: Manifest
    contents: dict[str, bytes | Path]


@dataclass(frozen=True, slots=True)
class Sealing:
    """Seals drafts on this machine."""

    store: Store
    environments: EnvironmentMaker
    bench: Bench
    progress: Callable[[str], None]
    seconds: Callable[[], float] = time.monotonic

    def seal(self, draft: Draft, origin: str = "") -> Sealed:
        """Return the sealed form of a draft; `origin` is the draft's id where it came as a package.

        Raises `GoldenFailed` when the model cannot answer a golden row, `AuthorDiffers` when the author's own outputs
        are further away than the tolerance, `NotDeterministic` when no batch form holds.
        """
        environment = self.environments.make(draft.manifest.requirements, draft.manifest.python, draft.constraints)
        built = self.environments.rebuild(environment)
        worker = self.store.add(worker_zip.build())
        with TemporaryDirectory(prefix="tenure-") as folder:
            begun = msgspec.structs.replace(draft.manifest, environment=environment, worker=worker.digest, draft=origin)
            self.bench.lay_out(Path(folder), begun, draft.contents)
            known = self._known(begun, draft.is_asked, built, Path(folder))
            return self._proven(replace(draft, manifest=known), built, Path(folder))

    def _known(self, manifest: Manifest, is_asked: bool, built: BuiltEnvironment, folder: Path) -> Manifest:  # noqa: FBT001
        """Return the manifest with loader and inputs as loading the model here shows them, unless they are known."""
        if is_asked and built.is_primed:
            return manifest
        self.progress(_FIRST_LOAD if not built.is_primed else "loading the model in its environment")
        model = model_file(manifest.loader, folder)
        form, network = manifest.loader.form, manifest.network
        facts = self.environments.ask(model, folder / "code", form, built, network=network)
        built.primed()
        loader = loader_of(model, facts, form, manifest.loader.predict)
        self.progress(of_loader(loader))
        return msgspec.structs.replace(manifest, loader=loader, inputs=_taken(manifest.inputs, facts))

    def _proven(self, draft: Draft, built: BuiltEnvironment, folder: Path) -> Sealed:
        """Return the draft completed by what the worker that will serve it shows."""
        golden, reference = _narrowed(draft, GOLDEN_INPUTS), _narrowed(draft, REFERENCE)
        contents = dict(draft.contents) | {GOLDEN_INPUTS: table_bytes(draft.manifest.inputs, golden)}
        trial = msgspec.structs.replace(draft.manifest, outputs=(), files=files_of(contents))
        self.bench.lay_out(folder, trial, {GOLDEN_INPUTS: contents[GOLDEN_INPUTS]})
        self.progress(f"proving {trial.name} in its environment")
        with oneshot.started(*entries(trial, built, self.store, folder), trial.name, 0) as worker:
            outputs = _outputs(worker, golden, trial.loader)
            batch = prove(worker.call, [*golden, *reference], self.seconds)
            contents[GOLDEN_OUTPUTS] = _bytes(outputs, in_form(worker.call, golden, batch))
            if reference:
                contents[REFERENCE_OUTPUTS] = _bytes(outputs, in_form(worker.call, reference, batch))
            cpu, names = worker.hello["cpu"], worker.hello.get("globals")
            explain = self._explain(worker, [*golden, *reference], (trial.inputs, outputs), batch, contents, trial)
        contents[LOCK] = lock_bytes(trial.environment)
        recorded = _recorded(
            draft, contents[GOLDEN_OUTPUTS], outputs, Golden(len(golden), GOLDEN_INPUTS, GOLDEN_OUTPUTS, cpu)
        )
        loader = trial.loader if names is None else msgspec.structs.replace(trial.loader, globals=tuple(names))
        manifest = msgspec.structs.replace(
            trial,
            loader=loader,
            outputs=outputs,
            batch=batch,
            golden=recorded,
            explain=explain,
            files=files_of(contents),
        )
        return Sealed(manifest, contents)

    def _explain(
        self,
        worker: Oneshot,
        rows: list[dict[str, Any]],
        schemas: tuple[Schema, Schema],
        batch: BatchForm,
        contents: dict[str, bytes | Path],
        trial: Manifest,
    ) -> Explain | None:
        """Return how the version tells reasons within a decision, None where no way holds."""
        source = REFERENCE if REFERENCE in contents else GOLDEN_INPUTS
        content = contents[source]
        sample = Sample(
            source,
            content if isinstance(content, bytes) else content.read_bytes(),
            trial.files[source].digest,
        )
        self.progress("finding out how its scores can be explained within a decision")
        return proven(worker, rows, schemas, batch, sample, trial.explain)


def model_file(loader: Loader, folder: Path) -> ModelFile:
    """Return where the loader's model lies in a package folder."""
    place = loader.file.partition("/")[2] or "."
    return ModelFile(loader.format, folder / loader.file if loader.file else None, loader.entry, place)


def golden_rows(manifest: Manifest, folder: Path) -> list[dict[str, Any]]:
    """Return the golden inputs of a package that lies in `folder`."""
    assert manifest.golden is not None
    fields, count, body = _read(folder / manifest.golden.inputs)
    return columns.Codec(fields).unpack(count, body)


def in_form(call: Call, rows: Sequence[Row], batch: BatchForm) -> list[bytes]:
    """Return each row's raw output bytes, computed in the batch form."""
    most = {"multiple": _MOST_ROWS, "fixed": batch.rows, "single": 1}[batch.kind]
    pieces = (list(rows[start : start + most]) for start in range(0, len(rows), most))
    return [bits for some in pieces for bits in call(some, -(-len(some) // batch.rows) * batch.rows)]


def reproduce(worker: Oneshot, manifest: Manifest, folder: Path) -> str:
    """Return BIT when a running package gives its golden bits, TOLERANCE on another kind of CPU; else `GoldenMismatch`."""
    golden = manifest.golden
    assert golden is not None, "only sealed packages are reproduced"
    outputs = _read(folder / golden.outputs)
    expected = columns.Codec(outputs[0]).split_rows(*outputs[1:])
    predictions = worker.predict(golden_rows(manifest, folder))
    here = worker.hello["cpu"]
    for nth, (one, wanted) in enumerate(zip(predictions, expected, strict=True)):
        if one.failure is not None:
            raise GoldenFailed(row=nth, error=one.error)
        if one.raw != wanted:
            _tolerated(nth, one.output or {}, columns.Codec(outputs[0]).unpack_row(wanted), golden, here)
    return "BIT" if all(one.raw == wanted for one, wanted in zip(predictions, expected, strict=True)) else "TOLERANCE"


def _tolerated(row: int, found: dict[str, Any], expected: dict[str, Any], golden: Golden, here: str) -> None:
    """Raise `GoldenMismatch` on the same kind of CPU, or beyond the tolerance on another."""
    if here == golden.cpu or difference([expected], [found]) > golden.tolerance:
        raise GoldenMismatch(row=row, found=found, expected=expected, cpu=here, recorded=golden.cpu)


def _read(path: Path) -> tuple[list[dict[str, Any]], int, bytes]:
    return columns.read_columns(path.read_bytes())


def _taken(inputs: Schema, facts: Facts) -> Schema:
    """Return the fields that the model was fitted with, in its order."""
    return inputs if facts.features is None else chosen(Table(inputs, []), facts.features, "the golden inputs")


def _narrowed(draft: Draft, name: str) -> list[dict[str, Any]]:
    names = [field.name for field in draft.manifest.inputs]
    return [{key: row[key] for key in names} for row in draft.rows(name)]


def _outputs(worker: Oneshot, golden: list[Row], loader: Loader) -> Schema:
    """Return the output schema as the model's answers to the golden rows show it; class labels name a vector's places."""
    labels = loader.classes
    return tuple(
        msgspec.structs.replace(field, values=labels) if labels and field.shape == (len(labels),) else field
        for field in worker.describe(golden)
    )


def _bytes(outputs: Schema, rows: list[bytes]) -> bytes:
    fields = msgspec.to_builtins(outputs)
    return columns.write_columns(fields, len(rows), columns.Codec(fields).join_rows(rows))


def _recorded(draft: Draft, content: bytes | Path, outputs: Schema, golden: Golden) -> Golden:
    """Return the golden record with its tolerance, and how far the author's own outputs are; raise `AuthorDiffers`."""
    stated = draft.manifest.golden.tolerance if draft.manifest.golden is not None else 0.0
    tolerance = tolerance_of(stated, outputs)
    if AUTHOR_OUTPUTS not in draft.contents:
        return msgspec.structs.replace(golden, tolerance=tolerance)
    assert isinstance(content, bytes)
    schema, count, body = columns.read_columns(content)
    apart = difference(draft.rows(AUTHOR_OUTPUTS), columns.Codec(schema).unpack(count, body))
    if not apart <= tolerance:
        raise AuthorDiffers(difference=apart, tolerance=tolerance)
    return msgspec.structs.replace(golden, tolerance=tolerance, author_difference=apart)


def lock_bytes(environment: Environment | None) -> bytes:
    """Return `env/lock.json`: the same pins and hashes as in the manifest, for people and for other tools."""
    assert environment is not None
    return canonical(msgspec.to_builtins(environment)) + b"\n"
