"""Feature views by their commands: defined in a file, filled from files and queries that go on where they ended, joined."""

from __future__ import annotations

import sqlite3

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tenure.app.actions import named
from tenure.app.control import Control
from tenure.application.features.written import BrokenView
from tenure.entrypoints.cli.joining import joined
from tenure.entrypoints.cli.querying import NoWatermark, Querying, SourceFailed
from tenure.governance.access import local_actor
from tenure.settings import Home

VIEW = """
view: customers
entity: customer
key: id
owner: crm@example.com
description: what a customer has ordered
ttl: 30d
columns:
  orders: int
  mean: {type: float, required: false}
defaults: {orders: "0"}
"""


class Dies(BaseException):
    """A kill, which no handler hides."""


class Asking:
    """The actions of a home in this process; `die_at` kills the caller at its nth call."""

    def __init__(self, control):
        self._control = control
        self.die_at = None

    def call(self, action, **given):
        if self.die_at is not None and action == "features:ingest":
            self.die_at -= 1
            if self.die_at < 0:
                raise Dies
        rest = {name: value for name, value in given.items() if value is not None}
        found = self._control.perform(action, local_actor("ada"), msgspec.convert(rest, named(action).input))
        return msgspec.to_builtins(found)


@pytest.fixture
def tenure(tmp_path):
    with Control.open(Home(tmp_path / "home")) as control:
        yield Asking(control)


def quiet(_):
    pass


def test_a_view_is_defined_by_its_file_once_and_may_only_be_widened(tenure):
    found = tenure.call("features:apply", text=VIEW)
    assert (found["changed"], found["ttl"], found["defaults"], found["entity"]) == (
        True,
        30 * 86400.0,
        {"orders": 0},
        "customer",
    )
    assert not tenure.call("features:apply", text=VIEW)["changed"]
    assert tenure.call("features:apply", text=VIEW.replace("defaults:", "  last: date\ndefaults:"))["changed"]
    with pytest.raises(Exception, match="'last' would be lost"):
        tenure.call("features:apply", text=VIEW)


def test_everything_that_is_wrong_with_a_view_is_told_with_its_line():
    from tenure.application.features.written import parse_view

    broken = "view: Customers\nkey: id\nowners: x\nttl: soon\ncolumns: {orders: int, id: string, mean: number}\ndefaults: {order: 0}\n"
    with pytest.raises(BrokenView) as refused:
        parse_view(broken)
    told = str(refused.value)
    for part in ("line 1, column 7: view: 'Customers' cannot be a name", "line 3, column 1: owners: there is no key 'owners'",
                 "line 4", "the key is no column", "'number' is not one of", "line 6, column 12: defaults.order: a default for a column"):  # fmt: skip
        assert part in told, told


def test_show_tells_freshness_what_is_missing_and_who_uses_it(tenure):
    tenure.call("features:apply", text=VIEW)
    rows = [{"id": 1, "orders": 3, "mean": 2.5}, {"id": 2, "orders": 1}]
    tenure.call("features:ingest", view="customers", rows=rows)
    tenure.call("features:ingest", view="customers", rows=[{"id": 9, "orders": None}], known_at="2020-01-01")
    found = tenure.call("features:show", view="customers")
    assert (found["keys"], found["stale"], found["used_by"]) == (3, 1, [])
    assert found["missing"] == {"orders": pytest.approx(1 / 3), "mean": pytest.approx(2 / 3)}
    assert 0 <= found["age"] < 600


def test_a_query_over_files_and_one_over_a_database_go_on_where_they_ended_whatever_happens(tenure, tmp_path):
    file = tmp_path / "orders.db"
    with sqlite3.connect(file) as orders:
        orders.execute("CREATE TABLE o (id TEXT, orders INTEGER, changed TEXT)")
        orders.executemany(
            "INSERT INTO o VALUES (?, ?, ?)", [(f"c{n}", n, f"2026-01-{n // 3 + 1:02d}") for n in range(30)]
        )
    tenure.call("features:apply", text=VIEW.replace("30d", "9999d"))
    given = {"at_column": "changed"}

    def run():
        return Querying(
            tenure,
            "customers",
            "SELECT id, orders, changed FROM o WHERE changed <> '12:30 :x';",
            f"sqlite:///{file}",
            "changed",
            portion=4,
        ).run(given, quiet)

    for dying in (0, 2, 3):
        tenure.die_at = dying
        with pytest.raises(Dies):
            run()
    tenure.die_at = None
    run()
    assert tenure.call("features:show", view="customers")["keys"] == 30
    # Nothing new: only the rows of the last value are looked at again, and none is kept twice.
    again = run()
    assert (again["rows"], again["new"], again["watermark"]) == (3, 0, "2026-01-10")
    with sqlite3.connect(file) as orders:
        orders.executemany("INSERT INTO o VALUES (?, ?, ?)", [("c1", 99, "2026-01-10"), ("c2", 98, "2026-02-01")])
    assert run()["new"] == 2
    assert tenure.call("features:get", view="customers", key="c1")["values"]["orders"] == 99
    assert tenure.call("features:get", view="customers", key="c1", as_of="2026-01-09")["values"]["orders"] == 1
    with sqlite3.connect(tmp_path / "home" / "features.db") as kept:
        assert kept.execute("SELECT count(*) FROM feature_history").fetchone() == (32,)


def test_moments_of_arrow_files_are_watermarks_too(tenure, tmp_path):
    moments = pa.array([1_700_000_000_000_000 + n for n in range(5)], pa.timestamp("us"))
    pq.write_table(
        pa.table({"id": ["a", "b", "c", "d", "e"], "n": [1, 2, 3, 4, 5], "at": moments}), tmp_path / "x.parquet"
    )
    query = f"SELECT * FROM '{tmp_path}/x.parquet'"  # noqa: S608
    given = {"key": "id", "at_column": "at"}
    found = Querying(tenure, "letters", query, "", "at", portion=2).run(given, quiet)
    assert (found["rows"], found["watermark"]) == (5, {"timestamp": "2023-11-14T22:13:20.000004"})
    assert Querying(tenure, "letters", query, "", "at").run(given, quiet)["rows"] == 1
    with pytest.raises(NoWatermark, match="'n2'"):
        Querying(tenure, "letters", f"SELECT *, NULL AS n2 FROM '{tmp_path}/x.parquet'", "", "n2").run(given, quiet)  # noqa: S608
    with pytest.raises(SourceFailed, match="DuckDB"):
        Querying(tenure, "letters", "SELECT * FROM nothing", "", "").run(given, quiet)
    with pytest.raises(SourceFailed, match=r"postgresql://u:\*\*\*@"):
        Querying(tenure, "letters", "SELECT 1", "postgresql://u:secret@127.0.0.1:1/x", "").run(given, quiet)
    with pytest.raises(SourceFailed, match="there is no such file"):
        Querying(tenure, "letters", "SELECT 1", f"sqlite:///{tmp_path}/mistyped.db", "").run(given, quiet)
    assert not (tmp_path / "mistyped.db").exists()
    with pytest.raises(SourceFailed, match="its driver MySQLdb is not installed here"):
        Querying(tenure, "letters", "SELECT 1", "mysql://u:secret@h/x", "").run(given, quiet)


def test_a_training_set_is_the_same_however_it_is_cut_into_portions(tenure, tmp_path):
    tenure.call("features:apply", text=VIEW.replace("ttl: 30d", ""))
    rows = [{"id": n % 5, "orders": n, "at": f"2026-01-{n + 1:02d}"} for n in range(20)]
    tenure.call("features:ingest", view="customers", rows=rows, at_column="at")
    file = tmp_path / "asked.csv"
    file.write_text("id,event_time,label\n" + "".join(f"{n % 7},2026-01-{n % 25 + 1:02d},{n % 2}\n" for n in range(50)))
    given = {"at": "event_time", "views": {"customers": ""}, "application": ""}
    for name, portion in (("a.parquet", 50_000), ("b.parquet", 7)):
        assert joined(tenure, file, tmp_path / name, given, quiet, portion) == 50
    whole = pq.read_table(tmp_path / "a.parquet")
    assert whole.equals(pq.read_table(tmp_path / "b.parquet"))
    assert whole.column_names == [
        "id",
        "event_time",
        "label",
        "customers.orders",
        "customers.mean",
        "customers.known_at",
    ]
    assert whole.column("customers.orders").to_pylist()[:7] == [0, 1, 2, 3, 4, None, None]
