"""A revision's life and a project, through real processes: scheduled by the clock, tried on requests, measured on outcomes."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

import tenure
from tenure.kit.clock import SECOND, iso

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from subprocess import CompletedProcess

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


def test_a_colleagues_change_is_not_overwritten_by_a_file_that_was_applied_before_it(
    running: Running, tmp_path: Path
) -> None:
    file, hers = tmp_path / "mine.yaml", tmp_path / "hers.yaml"
    text = TEXT.replace("limits", "caps").replace("project: cards\n", "")

    def apply(file: Path, bound: int, *more: str, **environ: str) -> CompletedProcess[str]:
        file.write_text(text.replace("10", str(bound)))
        return running.run("apply", str(file), "--reason", f"to {bound}", *more, **environ)

    assert apply(file, 10).returncode == 0
    made = running.command("token", "create", "--role", "operator", "--name", "ann")
    ann = {"TENURE_URL": running.url, "TENURE_TOKEN": made["token"]}
    told = apply(hers, 20, **ann)
    assert (told.returncode, "over revision 1, by local:" in told.stdout) == (0, True), "nothing was known of her file"
    assert "over revision" not in apply(hers, 21, **ann).stdout

    refused = apply(file, 30)
    assert refused.returncode == 1
    assert "this file was caps/1, and since then token:ann put caps/3 in force" in refused.stderr
    assert "(to 21); that differs in rules.small.when" in " ".join(refused.stderr.split())
    assert f"tenure apply {file} --base 3" in refused.stderr
    assert apply(file, 30, "--dry-run").returncode == 0
    assert apply(file, 30, "--base", "3").returncode == 0
    assert apply(file, 31).returncode == 0, "it is one's own again"

    folder = tmp_path / "taken"
    assert running.run("applications", "show", "caps", "--output", str(folder)).returncode == 0
    assert apply(hers, 22, **ann).returncode == 1, "it is somebody else's by now"
    assert apply(hers, 22, "--base", "5", **ann).returncode == 0
    assert "token:ann put caps/6" in apply(folder / "application.yaml", 40).stderr, "what was shown is known too"


def test_a_program_at_the_home_itself_decides_as_its_owner_without_being_told_where(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("TENURE_URL", "TENURE_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TENURE_HOME", running.environ["TENURE_HOME"])
    with tenure.Client() as client:
        client.call("applications:apply", text=TEXT.replace("limits", "here").replace("project: cards\n", ""))
        made = client.decide("here", {"amount": 5.0})
        assert (made["answer"], made["decided_by"]) == ({"ok": True}, "rule")
        assert [one["revision"] for one in client.decide_batch("here", [{"amount": 50.0}])["answers"]] == [1]
        assert client.outcomes("here", [{"decision_id": made["decision_id"], "value": True}]) == 1
        assert client.decision(made["decision_id"])["answer"] == {"ok": True}
