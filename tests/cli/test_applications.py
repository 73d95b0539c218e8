"""An application's file written back, with the tables that it is read with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import typer

from tenure.entrypoints.cli.applications import write_revision

if TYPE_CHECKING:
    from pathlib import Path

TEXT = "application: limits\r\n"


def found(**files: str) -> dict[str, Any]:
    return {"files": {name.replace("_", "."): text for name, text in files.items()}}


def test_a_revision_is_written_with_its_tables_and_over_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "limits"
    write_revision(folder, found(bands_csv="a,b\n"), TEXT)
    written = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert written == {"application.yaml": TEXT.encode(), "bands.csv": b"a,b\n"}
    with pytest.raises(typer.BadParameter, match="exists already"):
        write_revision(folder, found(other_csv="a\n"), TEXT)
    assert len(list(folder.iterdir())) == 2, "it is written whole or not at all"


def test_a_workbook_of_which_only_the_values_are_kept_is_not_made_up(tmp_path: Path) -> None:
    with pytest.raises(typer.BadParameter, match=r"price\.xlsx"):
        write_revision(tmp_path, found(price_xlsx="a\n"), TEXT)
    assert not list(tmp_path.iterdir())


def test_no_table_is_written_outside_of_the_folder(tmp_path: Path) -> None:
    with pytest.raises(typer.BadParameter, match="outside"):
        write_revision(tmp_path / "in", {"files": {"../out.csv": "a\n"}}, TEXT)
    assert not (tmp_path / "out.csv").exists()
