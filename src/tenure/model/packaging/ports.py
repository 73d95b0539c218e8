"""What packaging needs from outside; the adapters that give it are named in `app/packaging.py` alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tenure.model.package import Environment, File, InputForm, Manifest
    from tenure.model.packaging.source import Facts, ModelFile


class Store(Protocol):
    """Content-addressed files."""

    def add(self, content: bytes | Path) -> File:
        """Store a content and return its address."""

    def path(self, digest: str) -> Path:
        """Return where a stored content lies."""


class BuiltEnvironment(Protocol):
    """An environment that stands on this machine."""

    @property
    def python(self) -> Path:
        """Return its interpreter."""

    @property
    def library_path(self) -> Path:
        """Return the folder of its shared libraries."""

    @property
    def environ(self) -> dict[str, str]:
        """Return the variables its interpreter is started with."""

    def start(self, *, network: bool) -> list[str]:
        """Return the command line that ends with its interpreter, with the limits of a worker."""

    @property
    def is_primed(self) -> bool:
        """Return whether its bytecode was written."""

    def primed(self) -> None:
        """Remember that the bytecode is written."""


class EnvironmentMaker(Protocol):
    """Environments from requirements, and from blobs."""

    def make(self, requirements: Sequence[str], python: str, constraints: Sequence[str] = ()) -> Environment:
        """Return the complete environment, everything it is made of stored."""

    def rebuild(self, environment: Environment) -> BuiltEnvironment:
        """Return the environment built from stored content alone."""

    def ask(
        self, model: ModelFile, code: Path | None, given: InputForm, built: BuiltEnvironment, *, network: bool = False
    ) -> Facts:
        """Return what the model says of itself when loaded there; writes the bytecode by the way."""


class Bench(Protocol):
    """A place to lay a package out while it is worked on."""

    def lay_out(self, folder: Path, manifest: Manifest, contents: Mapping[str, bytes | Path]) -> None:
        """Write the manifest and the files into an existing folder."""
