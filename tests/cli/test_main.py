from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from tenure.entrypoints.cli.main import ALONE, COMMANDS, GROUPS, main, run
from tests.commands import ran

TENURE = Path(sys.executable).with_name("tenure")


def tenure(*arguments, home, **environ):
    clean = {name: value for name, value in os.environ.items() if not name.startswith("TENURE_")}
    environ = {**clean, "TENURE_HOME": str(home), "XDG_CONFIG_HOME": str(home / "config"), **environ}
    return subprocess.run([TENURE, *arguments], env=environ, capture_output=True, text=True, timeout=120, check=False)


def test_version_is_one_json_document(tmp_path):
    done = tenure("version", "--json", home=tmp_path)
    assert done.returncode == 0
    assert set(json.loads(done.stdout)) == {"version"}


def test_a_short_command_imports_nothing_heavy():
    code = (
        "import sys; from tenure.entrypoints.cli.main import build; build();"
        "print([m for m in ('sqlalchemy','litestar','uvicorn','pyarrow','duckdb','numpy','cel','cryptography','yaml') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_short_command_costs_little_more_than_the_libraries_it_cannot_do_without():
    libraries = [sys.executable, "-c", "import typer, msgspec, http.client"]
    # Side by side and the best of a few, in processor time: the machine may be busy with other things.
    ours, theirs = zip(*((_seconds([str(TENURE), "version"]), _seconds(libraries)) for _ in range(5)), strict=True)
    assert min(ours) < 4 * min(theirs)


def _seconds(command):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, capture_output=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["promote"],
        ["promote", "churn/1"],
        ["decisions", "--limit", "x"],
        ["decisions", "--model", "churn/two"],
        ["applications", "show", "offers/two"],
        ["diff", "offers/application.yaml"],
        ["diff", "offers/1", "other/2"],
        ["rules", "backtest", "offers/two"],
    ],
)
def test_bad_usage_is_2_and_a_problem_on_stderr(tmp_path, arguments):
    done = ran([*arguments, "--json"], {"TENURE_HOME": str(tmp_path)})
    assert done.returncode == 2
    assert done.stdout == ""
    assert json.loads(done.stderr)["code"] == "bad-usage"


@pytest.mark.parametrize(
    "command",
    [
        ["deploy", "churn/1"],
        ["promote", "churn/1"],
        ["rollback", "churn"],
        ["decommission", "churn/1"],
        ["restore", "churn/1"],
    ],
)
def test_what_takes_its_time_may_be_told_to_wait(tmp_path, command):
    done = ran([*command, "--reason", "better", "--wait"], {"TENURE_HOME": str(tmp_path)})
    assert done.returncode == 1
    assert "churn" in done.stderr.splitlines()[-2]


@pytest.mark.parametrize("arguments", [["--version"], ["-h"], ["show", "-h"]])
def test_the_habits_of_other_commands_are_understood(arguments, capsys):
    assert run(arguments) == 0
    assert {"--version": "tenure 0"}.get(arguments[0], "Usage:") in capsys.readouterr().out


def test_a_file_that_cannot_be_written_is_named(capsys, monkeypatch, tmp_path):
    monkeypatch.setitem(COMMANDS["Access"], "whoami", lambda: (tmp_path / "nowhere" / "x").write_text("x"))
    with pytest.raises(SystemExit, match="1"):
        main(["whoami"])
    assert f"{tmp_path}/nowhere/x: No such file" in capsys.readouterr().err


def test_a_fault_of_ours_is_a_sentence_and_a_file_with_its_trace(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setitem(COMMANDS["Access"], "whoami", lambda json=False: 1 // 0)
    with pytest.raises(SystemExit, match="1"):
        main(["whoami", "--json"])
    problem = json.loads(capsys.readouterr().err)
    assert problem["code"] == "unforeseen"
    (trace,) = tmp_path.iterdir()
    assert str(trace) in problem["next_step"]
    assert "ZeroDivisionError" in trace.read_text()


def test_text_that_is_none_is_refused_by_name(tmp_path):
    file = tmp_path / "application.yaml"
    file.write_bytes(b"application: \xff")
    done = tenure("apply", str(file), "--json", home=tmp_path / "home")
    assert (done.returncode, json.loads(done.stderr)["code"]) == (1, "not-text")


def test_a_refusal_is_1_and_says_what_to_do(tmp_path):
    done = tenure("down", home=tmp_path)
    assert done.returncode == 1
    assert "tenure up" in done.stderr
    problem = json.loads(tenure("down", "--json", home=tmp_path).stderr)
    assert (problem["code"], problem["status"]) == ("no-supervisor", 503)


def test_a_tenure_that_does_not_answer_is_a_refusal_that_names_it(tmp_path):
    done = tenure("whoami", "--json", home=tmp_path, TENURE_URL="http://127.0.0.1:9", TENURE_TOKEN="t")
    assert done.returncode == 1
    assert json.loads(done.stderr)["code"] == "unreachable"


def test_a_host_beyond_this_machine_is_refused_without_a_proxy(tmp_path):
    done = tenure("up", "--host", "0.0.0.0", "--port", "0", "--json", home=tmp_path)
    assert done.returncode == 1
    assert json.loads(done.stderr)["code"] == "unsafe-host"


def test_the_light_installation_says_what_it_lacks(tmp_path):
    (tmp_path / "block").mkdir()
    (tmp_path / "block" / "sitecustomize.py").write_text("import sys\nsys.modules['sqlalchemy'] = None\n")
    done = tenure("whoami", "--json", home=tmp_path / "h", PYTHONPATH=str(tmp_path / "block"))
    assert done.returncode == 1
    assert json.loads(done.stderr)["code"] == "needs-server-libraries"


def test_a_refused_definition_is_told_with_the_name_of_its_file(tmp_path):
    file = tmp_path / "application.yaml"
    file.write_text("application: a\nownr: me\nrequest: {x: float}\ndefault: {answer: {ok: true}}\n")
    done = ran(["apply", str(file), "--dry-run", "--json"], {"TENURE_HOME": str(tmp_path / "home")})
    problem = json.loads(done.stderr)
    assert (done.returncode, problem["file"], problem["problems"][0]["line"]) == (1, str(file), 2)
    assert problem["detail"].startswith(f"{file} is refused:\n  line 2, column 1: ownr")


@pytest.mark.parametrize(
    "command",
    [["show", "nobody"], ["show", "nobody/2"], ["history", "nobody"], ["rollback", "nobody", "--reason", "x"]],
)
def test_a_name_of_neither_life_is_said_to_be_of_neither(tmp_path, command):
    problem = json.loads(ran([*command, "--json"], {"TENURE_HOME": str(tmp_path)}).stderr)
    assert (problem["code"], problem["name"]) == ("nothing-called-so", "nobody")


@pytest.mark.parametrize("group", ALONE)
def test_what_a_group_does_alone_it_does_not_do_before_one_of_its_commands(group, monkeypatch, capsys):
    monkeypatch.setenv("TENURE_URL", "http://127.0.0.1:9")  # where nobody answers: whoever asks would fail
    for command in GROUPS[group][2]:
        assert run([group, command, "--help"]) == 0
        assert f" {group} {command} " in capsys.readouterr().out
