"""What is said on standard error while somebody waits: nothing that a program reads, and something wherever it lasts."""

from __future__ import annotations

import json
import re
import sys
import threading
import time

import pytest

from tenure.entrypoints.cli import screen as screens
from tenure.entrypoints.cli.screen import Screen


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(screens, "_PATIENCE_SECONDS", 0.01)


def _said(capsys: pytest.CaptureFixture[str], screen: Screen, *, until: str = "") -> str:
    """Return what is on standard error after a block that lasts until it says something."""
    said = ""
    with screen.waiting("archiving churn/2") as say:
        say("rebuilding")
        for _ in range(1000 if until else 1):
            said += capsys.readouterr().err
            if until and until in said:
                break
            time.sleep(0.02)
    screen.document({"ref": "churn/2"})
    told = capsys.readouterr()
    assert json.loads(told.out) == {"ref": "churn/2"}
    return said + told.err


def test_what_lasts_says_now_and_then_what_it_is_at(capsys: pytest.CaptureFixture[str]) -> None:
    said = _said(capsys, Screen(), until="rebuilding (0 s)")
    once = [line for line in said.splitlines() if not re.fullmatch(r"… .* \(\d+ s\)", line)]
    assert once == ["… archiving churn/2", "… rebuilding"]
    assert capsys.readouterr().err == "", "whoever has waited hears no more"


def test_a_program_is_told_so_in_lines_of_json(capsys: pytest.CaptureFixture[str]) -> None:
    said = _said(capsys, Screen(as_json=True), until='"rebuilding", "seconds": 0')
    assert {json.loads(line)["waiting"] for line in said.splitlines()} <= {"archiving churn/2", "rebuilding"}
    assert capsys.readouterr().err == "", "whoever has waited hears no more"


def test_with_json_nothing_is_said_of_what_is_soon_done(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(screens, "_PATIENCE_SECONDS", 600.0)
    assert _said(capsys, Screen(as_json=True)) == ""


@pytest.mark.parametrize("as_json", [False, True])
def test_quiet_is_quiet(capsys: pytest.CaptureFixture[str], as_json: bool) -> None:
    assert _said(capsys, Screen(as_json, quiet=True)) == ""


def test_how_far_something_is_is_shown_to_who_watches(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(screens, "_LOOK_SECONDS", 0.01)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    told, enough = iter([None, (10, 100), (30, 100)]), threading.Event()

    def look() -> tuple[int, int] | None:
        found = next(told, (30, 100))
        if found == (30, 100):
            enough.set()
        return found

    with Screen().following("trying it", look):
        assert enough.wait(60)
    said = capsys.readouterr().err
    assert "trying it" in said
    assert "30/100" in said


def test_who_does_not_watch_is_told_only_what_is_waited_for(capsys: pytest.CaptureFixture[str]) -> None:
    with Screen().following("trying it", lambda: (30, 100)):
        pass
    assert capsys.readouterr().err == "… trying it\n"
