"""The files of a folder that somebody handed in: its own, never what a link in it leads to elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenure.model.packaging.source import BadSource

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def files_in(folder: Path) -> Iterator[Path]:
    """Return every file below a folder, sorted; raise `BadSource` at a link that leads out of it.

    A package of a stranger's folder would otherwise carry along whatever this machine has at that place.
    """
    root = folder.resolve()
    for path in sorted(folder.rglob("*")):
        if not path.resolve().is_relative_to(root):
            raise BadSource(
                what=f"{path} is a link that leads out of its folder",
                cure="put the file itself there (`cp -L`), if you mean it to be packaged",
            )
        if path.is_file():
            yield path
