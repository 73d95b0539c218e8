"""Where an environment that was built stands, and how it is started."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tenure.serving import launch
from tenure.worker import install

if TYPE_CHECKING:
    from tenure.model.package import Environment


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """An environment on this machine: what to start, with which LD_LIBRARY_PATH."""

    python: Path
    library_path: Path
    folder: Path

    @property
    def is_primed(self) -> bool:
        """Return whether its bytecode was written: without it a first load of scikit-learn takes 4 to 7 seconds."""
        return self._mark.exists()

    @property
    def environ(self) -> dict[str, str]:
        """Return the environment in which `start` is started, built from nothing."""
        return launch.environ({})

    def start(self, *, network: bool) -> list[str]:
        """Return the command line that ends with its interpreter, with the limits of a worker."""
        return [*launch.confining({"library_path": str(self.library_path), "network": network}), str(self.python)]

    def primed(self) -> None:
        """Remember that the bytecode is written."""
        self._mark.touch()

    @property
    def _mark(self) -> Path:
        return self.folder / "primed"


def rebuilt_in(folder: Path, environment: Environment) -> Rebuilt:
    """Return the environment as it stands in `folder` among others, whether it was built already or not."""
    place = folder / environment.digest.removeprefix("sha256:")
    python, library = install.paths_of(str(place))
    return Rebuilt(Path(python), Path(library), place)
