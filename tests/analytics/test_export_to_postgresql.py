"""An export into a real PostgreSQL: every record exactly once, whatever happens between, and a training set made anew."""

from pathlib import Path
from typing import Any

import psycopg
import pytest

from tenure.entrypoints.cli.exporting import Export, ExportedAlready
from tenure.entrypoints.cli.exporting_sql import DatabaseFailed, TableInTheWay
from tenure.entrypoints.cli.exporting_sql import Postgres as Target
from tests.analytics.lending import lending
from tests.analytics.test_exports import Asking, quiet
from tests.postgres import Postgres


@pytest.fixture
def url(postgres: Postgres) -> str:
    return postgres.fresh().replace("postgresql+psycopg://", "postgresql://")


def rows(url: str, query: str) -> list[Any]:
    with psycopg.connect(url) as connection:
        return connection.execute(query).fetchall()


def test_every_view_goes_on_where_it_ended_and_a_killed_run_leaves_nothing_half(tmp_path: Path, url: str) -> None:
    with lending(tmp_path, portion=3) as bank:
        decided = [bank.decide(customer="c\0x" if n == 4 else "c1", age=10 + n) for n in range(10)]
        for dying in range(3):
            caller = Asking(bank)
            caller.die_at = dying
            with pytest.raises(KeyboardInterrupt):
                Export.into(Target(url), caller, "last" if dying > 1 else "", "").views(quiet)
        found = Export.into(Target(url), Asking(bank), "last", "").views(quiet)
        assert "secret" not in found["to"]
        assert [name for (name,) in rows(url, "SELECT decision_id FROM decisions ORDER BY decision_id")] == decided
        bank.do("outcomes:import", application="loans", outcomes=[{"decision_id": decided[0], "value": True}])
        decided.append(bank.decide())
        assert Export.into(Target(url), Asking(bank), "last", "").views(quiet)["rows"]["decisions"] == 1
        with pytest.raises(ExportedAlready):
            Export.into(Target(url), Asking(bank), "", "")
    assert rows(url, "SELECT count(*), count(DISTINCT decision_id) FROM decisions") == [(11, 11)]
    assert rows(url, "SELECT answer->>'grant', request->>'age' FROM decisions ORDER BY decision_id LIMIT 1") == [
        ("false", "10")
    ]
    assert rows(url, "SELECT decision_id, value::boolean, told_at > '2020-01-01' FROM outcomes") == [
        (decided[0], True, True)
    ]
    assert rows(url, "SELECT count(*) FROM alerts") == [(0,)]
    assert rows(url, "SELECT count(DISTINCT feature) FROM features_used WHERE known_at IS NOT NULL") == [(1,)]


def test_a_training_set_is_made_anew_and_one_that_dies_leaves_the_former(tmp_path: Path, url: str) -> None:
    with lending(tmp_path, portion=3) as bank:
        decided = [bank.decide() for _ in range(7)]
        caller = Asking(bank)
        export = Export.into(Target(url), caller, "", "")
        assert export.training(["features", "outcomes"], quiet) == {"loans": 7}
        bank.do("outcomes:import", application="loans", outcomes=[{"decision_id": decided[2], "value": False}])
        caller.die_at = 1
        with pytest.raises(KeyboardInterrupt):
            export.training(["features", "outcomes"], quiet)
        query = 'SELECT "request.age", "history.loans", "outcome.repaid" FROM training_loans ORDER BY decision_id'
        assert rows(url, query) == [(40, 3, None)] * 7
        caller.die_at = None
        export.training(["features", "outcomes"], quiet)
        assert [outcome for _, _, outcome in rows(url, query)] == [None, None, False, None, None, None, None]


def test_tables_of_somebody_else_are_left_alone_and_what_fails_is_named_without_the_password(
    tmp_path: Path, url: str
) -> None:
    with lending(tmp_path) as bank:
        bank.decide()
        with psycopg.connect(url) as connection:
            connection.execute("CREATE TABLE outcomes (mine text)")
        for since in ("", "last"):
            with pytest.raises(TableInTheWay, match="a table outcomes"):
                Export.into(Target(url), Asking(bank), since, "").views(quiet)
        assert rows(url, "SELECT to_regclass('decisions'), to_regclass('tenure_export')") == [(None, None)]
        own = f"{url}&options=-csearch_path%3Dlake"
        with psycopg.connect(url) as connection:
            connection.execute("CREATE SCHEMA lake")
        assert Export.into(Target(own), Asking(bank), "", "").views(quiet)["rows"]["decisions"] == 1
    with pytest.raises(DatabaseFailed) as failed:
        Target("postgresql://me:secret@127.0.0.1:1/x").read()
    assert "secret" not in str(failed.value)
