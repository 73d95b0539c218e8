"""The environments of one machine: made from requirements, rebuilt from blobs, primed and kept."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from tenure.adapters.environments import asking, bytecode, index_settings, interpreter, libraries, lock
from tenure.adapters.environments.rebuilt import Rebuilt, rebuilt_in
from tenure.kit.errors import Kind, TenureError
from tenure.model.package import DamagedPackage, Environment, environment_of
from tenure.serving import launch
from tenure.worker import install

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tenure.adapters.blobs import Blobs
    from tenure.model.package import InputForm, Wheel
    from tenure.model.packaging.ports import BuiltEnvironment
    from tenure.model.packaging.source import Facts, ModelFile


_TAIL = 1000


class NotBuilt(TenureError):
    """The environment could not be built, and no file of it is to blame."""

    code = "environment-not-built"
    kind = Kind.UNAVAILABLE
    message = "the environment could not be built: {why}"
    next_step = "make room on the disk of the home, then try again; `tenure doctor` looks for more"


@dataclass(frozen=True)
class Environments:
    """Makes and rebuilds environments; `folder` holds the rebuilt ones, `captured` notes on captured interpreters."""

    blobs: Blobs
    folder: Path
    captured: Path
    environ: Mapping[str, str]
    home: Path
    progress: Callable[[str], None] = lambda _: None

    def find(self, python: str) -> interpreter.Found:
        """Return the interpreter for a wanted version (3.8, 3.8.18); raise `NoInterpreter`."""
        return interpreter.find(python, self.environ, self.home)

    def make(self, requirements: Sequence[str], python: str, constraints: Sequence[str] = ()) -> Environment:
        """Return the complete environment for the requirements: every wheel and the interpreter stored as blobs.

        `constraints` are the author's own versions of what the requirements need; they hold where the index has them.
        """
        found = self.find(python)
        wheels = self._wheels(tuple(requirements), tuple(constraints), found) if requirements else ()
        self.progress(f"capturing Python {found.version}")
        captured = interpreter.capture(found, self.blobs, self.captured)
        shared = libraries.of_wheels(wheels, captured, self.blobs, self.captured)
        return environment_of(found.platform, captured, wheels, shared)

    def pins_as_of(self, requirements: Sequence[str], python: str, day: str) -> tuple[str, ...]:
        """Return what the requirements meant on a day, as name==version; none where the index cannot tell any more."""
        try:
            locked = lock.resolve(tuple(requirements), (), self.find(python), self._uv, self._uv_environ, day)
        except (lock.Unresolvable, lock.NoWheel, interpreter.NoInterpreter):
            return ()
        return tuple(f"{one.name}=={one.version}" for one in locked)

    def rebuild(self, environment: Environment) -> Rebuilt:
        """Return the environment built from blobs alone, without any index; built once, then found again."""
        built = rebuilt_in(self.folder, environment)
        if not built.folder.is_dir():
            self.progress(
                f"building the environment: Python {environment.interpreter.version}, {len(environment.wheels)} packages"
            )
            self._build(environment, built.folder)
        return built

    @staticmethod
    def remember(built: Rebuilt) -> None:
        """Keep what a primed environment compiled, for when it was thrown away and is built again."""
        with contextlib.suppress(OSError):  # it is there to save time, and must never keep an answer back
            bytecode.keep(built.folder)

    def _build(self, environment: Environment, folder: Path) -> None:
        """Build in a process of its own: it has no network and bounded memory, and nobody waits for its lock."""
        order = {
            "environment": msgspec.to_builtins(environment),
            "blobs": {digest: str(self.blobs.path(digest).absolute()) for digest in environment.parts},
            "target": str(folder.absolute()),
            "bytecode": bytecode.find(folder.absolute()),
        }
        apart = [*launch.confining({}), sys.executable, "-I", "-S", install.__file__, "--build"]
        done = subprocess.run(
            apart, input=msgspec.json.encode(order), env=launch.environ({}), capture_output=True, check=False
        )
        if done.returncode == install.REFUSED:
            refusal = msgspec.json.decode(done.stdout)
            raise DamagedPackage(file=refusal["file"], why=refusal["why"])
        if done.returncode:
            raise NotBuilt(why=done.stderr.decode(errors="replace").strip()[-_TAIL:] or f"status {done.returncode}")

    def ask(
        self, model: ModelFile, code: Path | None, given: InputForm, built: BuiltEnvironment, *, network: bool = False
    ) -> Facts:
        """Return what the model says of itself when loaded in a rebuilt environment; writes its bytecode by the way."""
        where = "the rebuilt environment"
        return asking.ask(
            model, code, given, built.start(network=network), built.environ, distributions=False, where=where
        )

    def ask_here(self, model: ModelFile, code: Path | None, given: InputForm) -> Facts:
        """Return what the model says of itself in this interpreter, and which distributions loading it imported."""
        environ = {name: value for name, value in self.environ.items() if name != "PYTHONPATH"}
        where = f"Python {sys.version.split()[0]}"
        return asking.ask(model, code, given, [sys.executable], environ, distributions=True, where=where)

    def _wheels(
        self, requirements: tuple[str, ...], constraints: tuple[str, ...], found: interpreter.Found
    ) -> tuple[Wheel, ...]:
        self.progress(f"resolving {', '.join(requirements)} for Python {found.version}")
        try:
            locked = lock.resolve(requirements, constraints, found, self._uv, self._uv_environ)
        except lock.Unresolvable:
            if not constraints:
                raise
            locked = lock.resolve(requirements, (), found, self._uv, self._uv_environ)
        return lock.Fetching(self.blobs, found, self._uv, self._uv_environ, self.progress).all(locked)

    @cached_property
    def _uv(self) -> str:
        return lock.find_uv()

    @cached_property
    def _uv_environ(self) -> dict[str, str]:
        return lock.uv_environ(self.environ, index_settings.for_uv(self.environ, self.home, Path(sys.prefix)))
