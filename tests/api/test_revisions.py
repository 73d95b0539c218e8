"""A revision's life and a project, through real processes: scheduled by the clock, tried on requests, measured on outcomes."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from tenure.kit.clock import SECOND, iso

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.api.running import Running

pytestmark = pytest.mark.processes

TEXT = """\
application: limits        # of a card
project: cards
request: {amount: float}
rules:
  - {id: small, when: "amount < 10", answer: {ok: true}}
default: {answer: {ok: false}}
outcome: {name: paid, type: bool}
"""


def _decide(running: Running, amount: float) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {running.token}"}
    status, _, body = running.ask("POST", "/api/v1/applications/limits/decisions", {"amount": amount}, headers)
    assert status == 200, body
    found: dict[str, Any] = json.loads(body)
    return found


def _until(holds: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"not within {seconds} s"
        time.sleep(0.2)


def test_a_revision_is_tried_scheduled_and_gone_again_and_its_project_measured(
    running: Running, tmp_path: Path
) -> None:
    file = tmp_path / "application.yaml"
    file.write_text(TEXT)
    running.command("apply", str(file), "--reason", "first")
    shown = running.run("applications", "show", "limits", "--yaml")
    assert (shown.stdout, "tenure apply FILE --base 1" in shown.stderr) == (TEXT, True)
    taken = running.run("applications", "show", "limits", "--with-base").stdout
    assert taken.startswith("base: 1 ")
    assert "# of a card" in taken

    file.write_text(taken.replace("10", "20"))
    assert running.command("apply", str(file), "--shadow", "--reason", "look")["stage"] == "trial"
    decided = [_decide(running, amount) for amount in (5.0, 15.0, 25.0)]
    assert [one["revision"] for one in decided] == [1, 1, 1]
    trial = running.command("applications", "trial", "limits")
    _until(lambda: running.command("applications", "trial", "limits")["evaluated"] == 3)
    trial = running.command("applications", "trial", "limits")
    assert trial["differences"] == [{"active_rule": "default", "trial_rule": "small", "times": 1}]
    assert [one["decision_id"] for one in trial["examples"]] == [decided[1]["decision_id"]]

    starts = time.time_ns() // 1000 + 3 * SECOND
    window = ("--from", iso(starts), "--until", iso(starts + 6 * SECOND))
    assert running.command("activate", "limits/2", "--reason", "a sale", *window)["stage"] == "trial"
    answers: dict[int, Any] = {}

    def has_answered() -> bool:
        made = _decide(running, 15.0)
        answers[made["revision"]] = made["answer"]
        return 2 in answers

    _until(has_answered)
    assert answers[2] == {"ok": True}
    _until(lambda: _decide(running, 15.0)["revision"] == 1)
    stages = {one["ref"]: one["stage"] for one in running.command("applications", "revisions", "limits")}
    assert stages == {"limits/1": "active", "limits/2": "retired"}

    running.command("projects", "set", "cards", "--goal", "paid back", "--measure", "rate(paid)", "--reason", "plan")
    told = [
        {"application": "limits", "decision_id": one["decision_id"], "value": n > 0} for n, one in enumerate(decided)
    ]
    assert running.ask("POST", "/api/v1/outcomes", told, {"Authorization": f"Bearer {running.token}"})[0] == 200
    (measured,) = running.command("projects", "show", "cards")["measured"]
    assert (measured["whole"]["labelled"], round(measured["whole"]["value"], 3)) == (3, 0.667)
    assert {one["key"]: one["labelled"] for one in measured["revisions"]} == {"1": 3, "2": 0}
