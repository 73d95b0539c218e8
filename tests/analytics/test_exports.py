"""Exports by the real command: every record exactly once, whatever happens between; training sets know the latest word."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tenure.entrypoints.cli.exporting import (
    Export,
    ExportedAlready,
    NoSuchTarget,
    OtherExport,
    target_of,
)
from tenure.entrypoints.cli.exporting_folder import Folder
from tenure.governance.access import Actor, Forbidden, Role
from tests.analytics.lending import ADA, Lending, do, lending
from tests.commands import ran

TENURE = Path(sys.executable).with_name("tenure")


def tenure(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return ran(arguments, {"TENURE_HOME": str(home), "XDG_CONFIG_HOME": str(home / "config")})


def installed(home: Path, *arguments: str) -> Any:
    """Run the installed command in a process of its own, and return what it answers in JSON."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("TENURE_")}
    environ = {**clean, "TENURE_HOME": str(home), "XDG_CONFIG_HOME": str(home / "config")}
    command = [str(TENURE), *arguments, "--json"]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def answered(home: Path, *arguments: str) -> Any:
    done = tenure(home, *arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


class Asking:
    """A caller in this process that may be made to die at a call, before it is answered or after."""

    def __init__(self, bank: Lending) -> None:
        self.bank = bank
        self.die_at: int | None = None

    def call(self, action: str, /, **given: Any) -> Any:
        import msgspec

        if self.die_at is not None:
            self.die_at -= 1
            if self.die_at < 0:
                raise KeyboardInterrupt
        return msgspec.to_builtins(do(self.bank.control, action, ADA, **given))


def ids(folder: Path, view: str, column: str) -> list[str]:
    tables = [pq.read_table(file) for file in sorted((folder / view).glob("*.parquet"))]
    return [name for table in tables for name in table.column(column).to_pylist()]


def quiet(_: str) -> None:
    pass


def test_an_export_goes_on_where_the_last_one_ended(tmp_path: Path) -> None:
    with lending(tmp_path, portion=3) as bank:
        caller, to = Asking(bank), tmp_path / "lake"
        first = [bank.decide() for _ in range(7)]
        found = Export.into(Folder(to), caller, "", "").views(quiet)
        assert (found["ending"], found["rows"]["decisions"]) == (7, 7)
        second = [bank.decide() for _ in range(5)]
        bank.do("outcomes:import", application="loans", outcomes=[{"decision_id": first[0], "value": True}])
        assert Export.into(Folder(to), caller, "last", "").views(quiet)["rows"]["decisions"] == 5
        assert Export.into(Folder(to), caller, "last", "").views(quiet)["rows"].get("decisions", 0) == 0
    assert ids(to, "decisions", "decision_id") == first + second
    assert ids(to, "outcomes", "decision_id") == [first[0]]
    assert len(ids(to, "reasons", "decision_id")) == 12
    assert (to / "alerts" / "all.parquet").exists()


def test_a_killed_export_is_gone_on_with_and_holds_every_record_once(tmp_path: Path) -> None:
    with lending(tmp_path, portion=3) as bank:
        decided = [bank.decide() for _ in range(10)]
        for dying in range(4):
            caller, to = Asking(bank), tmp_path / f"lake{dying}"
            caller.die_at = dying
            with pytest.raises(KeyboardInterrupt):
                Export.into(Folder(to), caller, "", "").views(quiet)
            for file in to.glob("*/*.parquet"):  # as if killed after a file and before export.json
                later = file.with_name(f"{3 * dying:012d}.parquet")
                if not later.exists():
                    later.write_bytes(file.read_bytes())
            caller.die_at = None
            decided_since = [bank.decide()]
            Export.into(Folder(to), caller, "last" if dying else "", "").views(quiet)
            decided += decided_since
            assert ids(to, "decisions", "decision_id") == decided


def test_a_folder_is_not_written_twice_nor_by_another_export(tmp_path: Path) -> None:
    with lending(tmp_path) as bank:
        caller, to = Asking(bank), tmp_path / "lake"
        bank.decide()
        first = Export.into(Folder(to), caller, "last", "loans").views(quiet)
        assert first["rows"]["decisions"] == 1, "what runs every night begins with all there is"
        with pytest.raises(ExportedAlready):
            Export.into(Folder(to), caller, "", "loans")
        with pytest.raises(OtherExport):
            Export.into(Folder(to), caller, "last", "other")
        Export.into(Folder(to), caller, "last", "loans").views(quiet)
    with pytest.raises(NoSuchTarget, match="mysql"):
        target_of("mysql://user:secret@host/db")


def test_a_training_set_has_one_typed_row_for_each_decision_with_the_latest_outcome(tmp_path: Path) -> None:
    with lending(tmp_path, portion=3) as bank:
        caller, to = Asking(bank), tmp_path / "lake"
        decided = [bank.decide(f"c{number}", income=1500.0 + number) for number in range(8)]
        told = [{"decision_id": decided[n], "value": n % 2 == 0, "observed_at": "2026-10-01T00:00:00Z"} for n in (5, 1)]
        bank.do("outcomes:import", application="loans", outcomes=told)
        run = Export.into(Folder(to), caller, "", "")
        run.views(quiet)
        assert run.training(["features", "outcomes"], quiet) == {"loans": 8}
        bank.do("outcomes:import", application="loans", outcomes=[{"decision_id": decided[1], "value": True}])
        assert Export.into(Folder(to), caller, "last", "").training(["features", "outcomes"], quiet) == {"loans": 8}
        assert Export.into(Folder(tmp_path / "plain"), caller, "", "").training(["outcomes"], quiet) == {"loans": 8}
    tables = [pq.read_table(file) for file in sorted((to / "training" / "loans").glob("*.parquet"))]
    assert len({str(table.schema) for table in tables}) == 1, "every file has the same columns and types"
    rows = [row for table in tables for row in table.to_pylist()]
    assert [row["decision_id"] for row in rows] == decided
    assert [row["outcome.repaid"] for row in rows] == [None, True, None, None, None, False, None, None]
    assert [row["request.income"] for row in rows] == [1500.0 + number for number in range(8)]
    assert [row["history.loans"] for row in rows] == [0, 3, 0, 0, 0, 0, 0, 0]
    assert str(tables[0].schema.field("outcome.repaid").type) == "bool"
    assert not any("email" in name or "customer" in name for name in tables[0].column_names)
    plain = pq.read_table(next((tmp_path / "plain/training/loans").glob("*.parquet")))
    assert not any(name.startswith("history.") for name in plain.column_names)


def test_who_may_export_and_that_it_is_written_down(tmp_path: Path) -> None:
    with lending(tmp_path) as bank:
        bank.decide()
        for role in Role:
            if role in {Role.AUDITOR, Role.ADMIN, Role.BUILDER}:
                do(bank.control, "decisions:export", Actor("t", role))
            else:
                with pytest.raises(Forbidden):
                    do(bank.control, "decisions:export", Actor("t", role))
        scoped = Actor("t", Role.BUILDER, frozenset({"loans"}))
        with pytest.raises(Forbidden):
            do(bank.control, "decisions:export", scoped)
        found = do(bank.control, "decisions:export", scoped, application="loans")
        assert "alerts" not in {table.name for table in found.tables}, "alerts are nobody's application"
        assert bank.do("audit:log")[0].action == "decisions:export"


def test_the_commands_work_from_end_to_end_on_a_home(tmp_path: Path) -> None:
    with lending(tmp_path) as bank:
        home = bank.control.home.root
        waiting, final = bank.decide("c1", income=3.0), bank.decide("c2")
    (review,) = installed(home, "reviews")
    assert (review["decision_id"], review["queue"]) == (waiting, "desk")
    made = answered(home, "resolve", waiting, "--answer", "limit=50", "--code", "OK", "--reason", "has savings")
    assert made["after"] == {"grant": True, "limit": 50}
    whole = '{"grant": false}'
    answered(home, "resolve", final, "--answer", whole, "--code", "FRAUD", "--reason", "forged papers")
    shown = answered(home, "decision", final)
    assert (shown["answer"], shown["decided_by"], shown["logged"]["decided_by"]) == ({"grant": False}, "person", "rule")
    assert answered(home, "reviews") == []
    rates = answered(home, "overrides", "--from", "3650d")
    assert (rates["changed"], [one["name"] for one in rates["by_code"]]) == (2, ["FRAUD", "OK"])
    assert len(answered(home, "decisions", "--decided-by", "person")["decisions"]) == 2

    found = answered(home, "sql", "SELECT count(*) AS n FROM decisions")
    assert (found["columns"][0]["name"], found["rows"]) == ("n", [[2]])
    # What was written about a person lies under the person's key: the decision shows it to those who may, tables do not.
    assert [one["note"] for one in shown["resolutions"]] == ["forged papers"]
    assert answered(home, "sql", "SELECT code, note FROM resolutions WHERE NOT pending")["rows"] == [
        ["OK", ""],
        ["FRAUD", ""],
    ]
    refused = tenure(home, "sql", "SELECT * FROM read_csv('/etc/passwd')", "--json")
    assert (refused.returncode, json.loads(refused.stderr)["code"]) == (1, "bad-query")

    outcomes = tmp_path / "outcomes.csv"
    outcomes.write_text(f"decision_id,value\n{final},true\n")
    assert answered(home, "outcomes", "import", str(outcomes), "--application", "loans")["recorded"] == 1
    to = tmp_path / "lake"
    done = answered(home, "decisions", "export", "--to", str(to), "--with", "features,outcomes")
    assert (done["rows"]["decisions"], done["training"]) == (2, {"loans": 2})
    again = answered(home, "decisions", "export", "--to", str(to), "--since", "last")
    assert not any(rows for view, rows in again["rows"].items() if view != "alerts")
    assert tenure(home, "decisions", "export", "--to", "mysql://x/y").returncode == 1
    assert tenure(home, "resolve", final, "--reason", "no code").returncode == 1
    assert tenure(home, "resolve", final, "--answer", "nonsense", "--reason", "x").returncode == 2
