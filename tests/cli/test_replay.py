"""What a person sees of replays: whatever is not the same bits, however many are."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest

from tenure.entrypoints.cli import decisions
from tenure.entrypoints.cli.main import run


def replayed(verdicts: list[str]) -> dict[str, Any]:
    rows = [{"decision_id": f"D{place}", "verdict": verdict} for place, verdict in enumerate(verdicts)]
    return {"verdicts": {each: verdicts.count(each) for each in dict.fromkeys(verdicts)}, "decisions": rows}


@pytest.fixture
def answer(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    found = replayed(["BIT"] * 60 + ["ULP", "MISMATCH"])

    class Tenure:
        def call(self, action: str, **given: Any) -> dict[str, Any]:
            assert (action, given["sample"]) == ("replay", 62)
            return found

    monkeypatch.setattr(decisions, "opened", lambda: contextlib.nullcontext(Tenure()))
    return found


def test_the_worst_stand_first_and_the_rest_is_counted(
    answer: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["replay", "--sample", "62"]) == 1
    shown = capsys.readouterr().out
    assert [shown.index(one) for one in ("D61", "D60", "D0 ")] == sorted(
        shown.index(one) for one in ("D61", "D60", "D0 ")
    )
    assert "and 12 more that came at least as near" in shown


def test_a_program_gets_them_in_the_order_in_which_they_were_made_again(
    answer: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["replay", "--sample", "62", "--json"]) == 1
    assert json.loads(capsys.readouterr().out) == answer
