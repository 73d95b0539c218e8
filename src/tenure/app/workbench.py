"""Composition of the author's side: from a source on disk to a signed package folder, in the author's workshop."""

from __future__ import annotations

import getpass
import os
import platform
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from tenure.adapters import packages, sources, tables
from tenure.adapters.blobs import Blobs
from tenure.adapters.environments.environments import Environments
from tenure.adapters.environments.interpreter import NoInterpreter
from tenure.adapters.signing import BuilderKey
from tenure.kit.digests import digest_of
from tenure.kit.errors import Kind, TenureError
from tenure.model.package import encode_manifest
from tenure.model.packaging import calling, drafting, inferring, telling
from tenure.model.packaging.sealing import Sealed, Sealing
from tenure.model.packaging.source import BadSource
from tenure.worker import install

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tenure.kit.clock import Clock
    from tenure.model.package import InputForm, Manifest
    from tenure.model.packaging.drafting import Draft
    from tenure.model.packaging.source import Facts, ModelFile, PackageSource, Table
    from tenure.settings import Workshop

    Progress = Callable[[str], None]


class OtherPython(TenureError):
    """What a model of another Python needs cannot be seen by loading it in this one."""

    code = "other-python"
    kind = Kind.BAD_INPUT
    message = "the model is for Python {python}, this is {running}: what it needs cannot be found out here"
    next_step = "give --requirements with the versions it was saved with"


@dataclass(frozen=True, slots=True)
class Packaged:
    """A package folder that was just made. `sealed` is False for a draft, which registering completes.

    `notes` are the lines an author should see: predict method, schema, requirements, batch form.
    """

    folder: Path
    manifest: Manifest
    digest: str
    sealed: bool
    notes: tuple[str, ...]


class Workbench:
    """Where an author's packages are made: the workshop's blobs, environments and key."""

    def __init__(self, workshop: Workshop, progress: Progress) -> None:
        self._workshop, self._progress = workshop, progress
        cache = workshop.cache
        self.blobs = Blobs(cache / "sha256")
        self.environments = environments_in(self.blobs, cache / "environments", cache / "interpreters", progress)

    def draft(self, source: PackageSource, folder: Path) -> Draft:
        """Return the draft of a source; `folder` is empty and for this alone."""
        model, files = _model(source)
        code = sources.code_files(source.code)
        _lay_out(folder / "code", code)
        given, python = sources.requirements(source), source.python or _minor(platform.python_version())
        golden, reference = _golden(source), _reference(source)
        facts = self._facts(model, folder / "code", given, python, golden.form)
        material = drafting.Material(
            model=model,
            facts=facts,
            golden=inferring.renamed(golden, facts),
            reference=None if reference is None else inferring.renamed(reference, facts),
            author=None if source.outputs is None else tables.read(source.outputs),
            requirements=given or (facts.distributions if facts is not None else ()),
            constraints=self._constraints(source, facts, given, python),
            code=code,
            files=files,
            python=python,
            metrics=sources.metrics(source),
        )
        return drafting.draft_of(source, material, Path(install.__file__).read_bytes())

    def _constraints(
        self, source: PackageSource, facts: Facts | None, given: tuple[str, ...], python: str
    ) -> tuple[str, ...]:
        """Return the versions to keep to: the author's own, or those of the day on which the model was saved."""
        if source.constraints or not given:
            return source.constraints or (facts.pins if facts is not None else ())
        if not source.as_of:
            return ()
        self._progress(f"looking up what its requirements meant on {source.as_of}")
        return self.environments.pins_as_of(given, python, source.as_of)

    def _facts(
        self, model: ModelFile, code: Path, given: tuple[str, ...], python: str, form: InputForm
    ) -> Facts | None:
        """Ask the model in this interpreter when its requirements are to be found out; None leaves it to sealing."""
        if given or (model.format == "python" and not _same_minor(python)):
            return None
        if not _same_minor(python):
            raise OtherPython(python=python, running=platform.python_version())
        self._progress("loading the model in a process of its own, to see what it needs")
        return self.environments.ask_here(model, code if code.is_dir() else None, form)

    def sealed(self, draft: Draft) -> Sealed:
        """Return the draft sealed, or as it is where this machine cannot seal it."""
        if platform.system() != "Linux":
            return Sealed(draft.manifest, draft.contents)
        try:
            self.environments.find(draft.manifest.python)
        except NoInterpreter as none:
            self._progress(f"{none}: this is a draft, sealed when it is registered")
            return Sealed(draft.manifest, draft.contents)
        return Sealing(self.blobs, self.environments, packages, self._progress).seal(draft)

    def written(self, made: Sealed, source: PackageSource, output: Path | None) -> Packaged:
        """Write the package's folder, signed, and return it."""
        content = encode_manifest(made.manifest)
        digest = digest_of(content)
        folder = (
            output or self._workshop.cache / "packages" / f"{made.manifest.name}-{digest.removeprefix('sha256:')[:16]}"
        )
        signature = BuilderKey(self._workshop.keys).sign(content, source.created)
        packages.write_folder(folder.absolute(), made.manifest, made.contents, self.blobs, [signature])
        sealed = made.manifest.environment is not None
        return Packaged(folder, made.manifest, digest, sealed, telling.of_package(made.manifest))


def environments_in(blobs: Blobs, folder: Path, captured: Path, progress: Progress) -> Environments:
    """Return the environments kept in a folder, made with this process's own variables and settings."""
    return Environments(blobs, folder, captured, os.environ, Path.home(), progress)


def signed_by(source: PackageSource, clock: Clock) -> PackageSource:
    """Return the source with its author, time and commit, found out where they were not said."""
    place = source.code[0].absolute().parent if source.code else source.source.absolute().parent
    return replace(
        source,
        created=source.created or clock.now(),
        author=source.author or getpass.getuser(),
        commit=source.commit or sources.commit_of(place),
    )


def _model(source: PackageSource) -> tuple[ModelFile, dict[str, Path]]:
    """Return the recognised model and the files that go below `model/`."""
    if source.files:
        model = calling.recognise(source.source, source.format, source.entry, source.place)
        return model, dict(source.files)
    if source.source.is_dir():
        if not source.entry:
            raise BadSource(
                what="model.toml names neither file nor entry",
                cure='write file = "model.joblib" or entry = "code/x.py:Class"',
            )
        return calling.recognise(None, source.format, source.entry), sources.model_files(source.source)
    model = calling.recognise(source.source, source.format, source.entry)
    return model, {source.source.name: source.source}


def _lay_out(folder: Path, files: Mapping[str, Path]) -> None:
    for name, path in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, folder / name)


def _golden(source: PackageSource) -> Table:
    table = None if source.inputs is None else tables.read(source.inputs)
    if table is None or not table.rows:
        raise BadSource(what="there are no golden inputs", cure="give some rows as the model takes them: --inputs FILE")
    return replace(table, rows=table.rows[: drafting.MOST_GOLDEN])


def _reference(source: PackageSource) -> Table | None:
    if source.reference is None:
        return None
    table = tables.read(source.reference)
    return replace(table, rows=drafting.sample(table.rows))


def _same_minor(python: str) -> bool:
    return _minor(python) == _minor(platform.python_version())


def _minor(version: str) -> str:
    return ".".join(version.split(".")[:2])
