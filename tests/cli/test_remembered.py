"""What a file last was is remembered for its user, and what cannot be remembered is in nobody's way."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from tenure.entrypoints.cli.remembered import last_seen, remember, state_file

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"XDG_STATE_HOME": str(tmp_path / "state"), "HOME": str(tmp_path), "TENURE_HOME": str(tmp_path / "home")}


def test_a_file_is_known_in_the_installation_that_it_was_applied_to_and_by_any_name(
    environ: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "a" / "application.yaml"
    assert last_seen(environ, file) == ""
    assert remember(environ, file, "sha256:1") == remember(environ, file, "sha256:2") == ""
    assert remember(environ, tmp_path / "b.yaml", "sha256:3") == ""
    assert last_seen(environ, file) == "sha256:2"
    (tmp_path / "a").mkdir()
    monkeypatch.chdir(tmp_path / "a")
    assert last_seen(environ, type(file)("application.yaml")) == "sha256:2"
    assert last_seen(environ | {"TENURE_URL": "http://elsewhere:8080"}, file) == ""


def test_it_lies_below_the_home_where_no_other_place_is_named(environ: dict[str, str], tmp_path: Path) -> None:
    del environ["XDG_STATE_HOME"]
    assert state_file(environ) == tmp_path / ".local" / "state" / "tenure" / "files.json"


@pytest.mark.parametrize("content", ["", "{", "[1]", '{"x": {"y": 1}}', "\x00"])
def test_what_cannot_be_read_counts_as_never_seen_and_is_written_anew(
    environ: dict[str, str], tmp_path: Path, content: str
) -> None:
    state = state_file(environ)
    state.parent.mkdir(parents=True)
    state.write_text(content)
    assert last_seen(environ, tmp_path / "x.yaml") == ""
    assert remember(environ, tmp_path / "x.yaml", "sha256:1") == ""
    assert last_seen(environ, tmp_path / "x.yaml") == "sha256:1"


def test_a_place_that_cannot_be_written_is_named_and_stops_nobody(environ: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file")
    assert last_seen(environ, tmp_path / "x.yaml") == ""
    assert str(tmp_path / "state") in remember(environ, tmp_path / "x.yaml", "sha256:1")


def test_of_many_at_once_every_one_is_remembered(environ: dict[str, str], tmp_path: Path) -> None:
    files = [tmp_path / f"{number}.yaml" for number in range(24)]
    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(lambda file: remember(environ, file, f"sha256:{file.stem}"), files)) == {""}
    assert [last_seen(environ, file) for file in files] == [f"sha256:{file.stem}" for file in files]
