"""An `application.yaml` with the decision tables that it names and that lie beside it, as a command sends them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tenure.adapters.spreadsheets import sheet_as_csv
from tenure.application.revisions.tables import WORKBOOK, named_in

if TYPE_CHECKING:
    from pathlib import Path


def source_of(file: Path) -> dict[str, Any]:
    """Return the text of an application.yaml and of the tables beside it, workbooks as CSV.

    What is missing is left out: the check says so, with its place. Raises `BadSpreadsheet` for a workbook that is broken.
    """
    text = file.read_text(encoding="utf-8")
    found = {name: file.parent / name.partition("#")[0] for name in named_in(text)}
    return {"text": text, "files": {name: _table(name, path) for name, path in found.items() if path.is_file()}}


def _table(name: str, path: Path) -> str:
    if path.name.endswith(WORKBOOK):
        return sheet_as_csv(path, name.partition("#")[2])
    return path.read_text(encoding="utf-8-sig")
