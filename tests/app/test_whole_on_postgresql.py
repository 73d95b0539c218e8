"""A whole life with the control tables in PostgreSQL, and the way back from a backup into another one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import sqlalchemy

from tests.api.running import brought_up
from tests.console.lived_in import lived_in

if TYPE_CHECKING:
    from pathlib import Path

    from tests.postgres import Postgres

pytestmark = pytest.mark.processes


def versions_in(url: str) -> int:
    engine = sqlalchemy.create_engine(url)
    with engine.connect() as connection:
        found = connection.execute(sqlalchemy.text("SELECT count(*) FROM model_version")).scalar_one()
    engine.dispose()
    return int(found)


@pytest.mark.soak
def test_a_home_lives_in_one_database_and_comes_back_in_another(
    tmp_path: Path, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = postgres.fresh(), postgres.fresh()
    monkeypatch.setenv("TENURE_DATABASE", first)
    with lived_in(tmp_path, decisions=60) as house:
        client = house.client
        made = client.call("decisions:list", application="churn-offers", rule="save", limit=1)["decisions"][0]
        why = client.call("decisions:why", decision=made["decision_id"])
        replayed = client.call("replay", decisions=[made["decision_id"]])
        assert replayed["verdicts"]["BIT"] == 1
        assert client.call("audit:verify")["intact"] is True
        client.call("backup", folder=str(tmp_path / "backup"))
        assert not (house.home.root / "control.db").exists()
    assert versions_in(first) == 3

    copy = tmp_path / "again"
    copy.mkdir()
    with brought_up(copy, "--from", str(tmp_path / "backup"), TENURE_DATABASE=second) as again:
        assert versions_in(second) == 3
        told = again.command("why", made["decision_id"])
        assert (told["answer"], told["rules"]) == (why["answer"], why["rules"])
        assert again.command("audit", "verify")["intact"] is True
        found = again.command("replay", made["decision_id"])
        assert found["verdicts"]["BIT"] == 1
