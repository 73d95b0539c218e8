"""An `application.yaml` with the decision tables that it names and that lie beside it, as a command sends them."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from tenure.adapters.spreadsheets import sheet_as_csv
from tenure.application.revisions.tables import WORKBOOK, named_in
from tenure.kit.errors import Kind, TenureError

if TYPE_CHECKING:
    from pathlib import Path


class NotText(TenureError):
    """A file that should be text is something else."""

    code = "not-text"
    kind = Kind.BAD_INPUT
    message = "{file} is no text in UTF-8: {why} at byte {place}"
    next_step = "save it as text, encoded in UTF-8"


def source_of(file: Path) -> dict[str, Any]:
    """Return the text of an application.yaml and of the tables beside it, workbooks as CSV.

    What is missing is left out: the check says so, with its place. Raises `BadSpreadsheet` for a workbook that is broken.
    """
    text = exact_text_of(file)
    found = {name: file.parent / name.partition("#")[0] for name in named_in(text)}
    return {"text": text, "files": {name: _table(name, path) for name, path in found.items() if path.is_file()}}


def _table(name: str, path: Path) -> str:
    if path.name.endswith(WORKBOOK):
        return sheet_as_csv(path, name.partition("#")[2])
    return text_of(path)


def text_of(file: Path) -> str:
    """Return the text of a file, its lines ended by newlines; raise `NotText`."""
    return io.StringIO(exact_text_of(file), newline=None).read()


def exact_text_of(file: Path) -> str:
    """Return the text of a file with its line endings as they are; raise `NotText`."""
    try:
        return file.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise NotText(file=file, why=error.reason, place=error.start) from error
