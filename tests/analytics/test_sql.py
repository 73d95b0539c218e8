"""SQL from outside: the views are the documented ones, and nothing but them can be reached."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tenure.adapters.analytics import asking
from tenure.adapters.analytics.asking import BadQuery, QueryTooLarge, QueryTooSlow
from tenure.adapters.analytics.views import VIEWS
from tenure.governance.access import Actor, Forbidden, Role
from tests.analytics.lending import Lending, do, lending

PAGE = (Path(__file__).parents[2] / "docs" / "data-out.md").read_text()
SECRET = "secret.example"


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lending]:
    """One decision sealed, one after it not; each with an outcome, the first one resolved."""
    with lending(tmp_path_factory.mktemp("sql")) as bank:
        first = bank.decide("c1", income=5.0)
        bank.do("outcomes:import", application="loans", outcomes=[{"decision_id": first, "value": True}])
        bank.do("decisions:resolve", decision=first, answer={"grant": False}, code="A", reason="x")
        bank.seal()
        second = bank.decide("c2", age=3)
        bank.do("outcomes:import", application="loans", outcomes=[{"decision_id": second, "value": None}])
        yield bank


def columns(bank: Lending, view: str) -> list[str]:
    return [column["name"] for column in bank.do("sql", query=f"SELECT * FROM {view}").columns]


def documented() -> dict[str, list[str]]:
    """Return view → columns as the page lists them."""
    parts = re.split(r"(?m)^### `(\w+)`", PAGE)[1:]
    return {name: re.findall(r"(?m)^\| `(\w+)` \|", text) for name, text in zip(parts[::2], parts[1::2], strict=True)}


def test_every_view_has_exactly_the_columns_that_the_page_lists(bank: Lending) -> None:
    found = documented()
    assert set(found) == set(VIEWS)
    for view in VIEWS:
        assert columns(bank, view) == found[view], view


def test_sealed_and_unsealed_records_are_rows_of_the_same_views(bank: Lending) -> None:
    assert bank.sql("SELECT answer->>'grant', status FROM decisions ORDER BY made_at") == [
        ["true", "pending_review"],
        ["false", "final"],
    ]
    assert bank.sql("SELECT position, rule FROM rules_fired ORDER BY rule") == [[1, "grey"], [1, "young"]]
    assert bank.sql("SELECT code, source FROM reasons ORDER BY code") == [["R00", "default"], ["R01", "rule"]]
    assert bank.sql("SELECT view, feature, value, defaulted FROM features_used ORDER BY made_at") == [
        ["history", "loans", 3, False],
        ["history", "loans", 0, True],
    ]
    assert bank.sql("SELECT name, value FROM outcomes ORDER BY told_at") == [["repaid", True], ["repaid", None]]
    assert bank.sql('SELECT who, "after", code, pending FROM resolutions') == [
        ["local:ada", {"grant": False}, "A", False]
    ]
    assert bank.sql("SELECT d.decision_id FROM decisions d JOIN outcomes o USING (decision_id) WHERE o.value = true")


def test_columns_need_no_quotes(bank: Lending) -> None:
    for view, names in documented().items():
        bank.sql(f"SELECT {', '.join(names)} FROM {view} ORDER BY {names[0]}")


@pytest.mark.parametrize("view", list(VIEWS))
def test_no_personal_field_stands_in_any_view(bank: Lending, view: str) -> None:
    shown = str(bank.sql(f"SELECT * FROM {view}"))
    assert SECRET not in shown
    assert "'c1'" not in shown
    assert not {"personal", "email", "customer"} & set(columns(bank, view))


ESCAPES = [
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM read_text('/etc/passwd')",
    "SELECT * FROM read_blob('{home}/keys/persons.key')",
    "SELECT * FROM '{home}/control.db'",
    "SELECT * FROM glob('/*')",
    "SELECT * FROM 'https://example.com/x.parquet'",
    "SELECT * FROM read_parquet('https://example.com/x.parquet')",
    "SELECT * FROM sqlite_scan('{home}/control.db', 'governance_tokens')",
    "SELECT getenv('HOME')",
    "SELECT * FROM connection",
    "SELECT * FROM statements",
    "COPY decisions TO '{home}/out.csv'",
    "ATTACH '{home}/control.db'",
    "INSTALL sqlite",
    "LOAD sqlite",
    "SET enable_external_access = true",
    "SET allowed_paths = ['/etc/passwd']",
    "RESET lock_configuration",
    "CREATE TABLE t AS SELECT 1",
    "DROP VIEW decisions",
    "DELETE FROM decisions",
    "EXPORT DATABASE '{home}/out'",
    "PRAGMA database_list",
    "CALL pragma_version()",
    "SELECT 1; SELECT 2",
    "",
    "SELEC 1",
    "SELECT * FROM nowhere",
    "SELECT 1/'a'::INT",
]


@pytest.mark.parametrize("query", ESCAPES)
def test_nothing_but_the_views_can_be_asked_for(bank: Lending, query: str) -> None:
    with pytest.raises(BadQuery):
        bank.sql(query.format(home=bank.control.home.root))
    assert not (bank.control.home.root / "out.csv").exists()


def test_rows_are_bounded_and_said_to_be_more(bank: Lending) -> None:
    answer = bank.do("sql", query="SELECT * FROM range(1000000000)", limit=10)
    assert (len(answer.rows), answer.more) == (10, True)
    assert not bank.do("sql", query="SELECT * FROM range(10)", limit=10).more


def test_a_query_without_an_end_is_stopped(bank: Lending, monkeypatch: pytest.MonkeyPatch) -> None:
    from tenure.adapters.analytics import analytics

    monkeypatch.setattr(analytics, "_SECONDS", 0.3)
    with pytest.raises(QueryTooSlow):
        bank.sql("SELECT count(*) FROM range(10000000000) a, range(10000000000) b WHERE a.range % 7 = b.range % 11")


def test_a_query_that_needs_too_much_memory_is_refused(bank: Lending) -> None:
    with pytest.raises(QueryTooLarge):
        bank.sql("SELECT count(DISTINCT hash(range)::VARCHAR || repeat('x', 200)) FROM range(30000000)")


def test_values_are_plain_json(bank: Lending) -> None:
    query = (
        "SELECT sum(1), 1.5::DECIMAL(9,2), TIMESTAMP '2026-01-02 03:04:05', TIMESTAMPTZ '2026-01-02 03:04:05+02',"
        " DATE '2026-01-02', 'ab'::BLOB, [1, 2], {'a': 1}, NULL, INTERVAL 1 DAY"
    )
    (row,) = bank.sql(query)
    assert row[:9] == [
        1,
        1.5,
        "2026-01-02T03:04:05.000000Z",
        "2026-01-02T01:04:05.000000Z",
        "2026-01-02",
        "6162",
        [1, 2],
        {"a": 1},
        None,
    ]
    assert asking.plain({"a": b"x"}) == {"a": "78"}


@pytest.mark.parametrize("role", [role for role in Role if role not in {Role.AUDITOR, Role.ADMIN}])
def test_only_auditors_and_admins_ask(bank: Lending, role: Role) -> None:
    with pytest.raises(Forbidden):
        do(bank.control, "sql", Actor("t", role), query="SELECT 1")


def test_an_auditor_asks_all_or_nothing_and_every_query_is_in_the_audit_trail(bank: Lending) -> None:
    assert do(bank.control, "sql", Actor("t9", Role.AUDITOR), query="SELECT 42").rows == [[42]]
    (event,) = [one for one in bank.do("audit:log") if one.actor == "t9"]
    assert (event.action, event.after) == ("sql", {"query": "SELECT 42", "rows": 1})
    with pytest.raises(Forbidden):
        do(bank.control, "sql", Actor("t", Role.AUDITOR, frozenset({"loans"})), query="SELECT 1")


def test_records_that_cannot_be_read_stand_in_no_views_way(bank: Lending) -> None:
    bank._writer.append_all([b"\xff\xfe no json"])
    for sealed in (False, True):
        if sealed:
            bank.seal()
        for view in VIEWS:
            bank.sql(f"SELECT * FROM {view}")
