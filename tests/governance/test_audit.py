"""The audit chain: written with the change or not at all, and no edit of it goes unnoticed."""

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tenure.adapters.sql.audit import SqlAudit
from tenure.adapters.sql.engine import Database
from tenure.adapters.sql.tokens import SqlPolicy
from tenure.governance.access import Permission, local_actor
from tenure.governance.approvals import Policy
from tenure.governance.audit import GENESIS, Entry, Event, Head, chained, problems

ACTOR = local_actor("ada")


def _event(target: str = "churn/1", reason: str = "because") -> Event:
    return Event(Permission.VERSIONS_PROMOTE, ACTOR, 7, target, reason, {"champion": 1}, {"champion": 2})


def _written(audit: SqlAudit, count: int) -> None:
    for number in range(1, count + 1):
        with audit.transaction():
            audit.write(_event(f"churn/{number}"))


def _found(audit: SqlAudit) -> list[str]:
    return problems(audit.entries(), audit.witness())


def _tampered(audit: SqlAudit, statement: str) -> None:
    with audit._database.writing() as connection:
        connection.exec_driver_sql(statement)


def test_an_untouched_chain_is_intact_and_names_who_what_and_why(audit: SqlAudit) -> None:
    _written(audit, 5)
    assert _found(audit) == []
    newest = audit.newest(1)[0]
    assert (newest.sequence, newest.actor, newest.action) == (5, "local:ada", "versions:promote")
    assert (json.loads(newest.before), json.loads(newest.after)) == ({"champion": 1}, {"champion": 2})


def test_a_change_that_fails_leaves_neither_change_nor_event(audit: SqlAudit, database: Database) -> None:
    policy = SqlPolicy(database)

    def fail() -> None:
        with audit.transaction():
            policy.set(Policy.FOUR_EYES)
            audit.write(_event())
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert policy.get() is Policy.OPEN
    assert list(audit.entries()) == []


COLUMNS = [name for name in Entry.__dataclass_fields__ if name != "sequence"]


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("row", [1, 3, 5])
def test_an_edited_column_of_any_row_is_found_and_the_row_named(audit: SqlAudit, column: str, row: int) -> None:
    _written(audit, 5)
    value = "9" if column == "at" else "'forged'"
    _tampered(audit, f"UPDATE governance_audit SET {column} = {value} WHERE sequence = {row}")  # noqa: S608
    assert any(f"row {row} " in problem for problem in _found(audit))


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("DELETE FROM governance_audit WHERE sequence = 3", "rows 3 to 3 were removed"),
        ("DELETE FROM governance_audit WHERE sequence = 1", "rows 1 to 1 were removed"),
        ("DELETE FROM governance_audit WHERE sequence >= 4", "rows 4 to 5 were removed from the end"),
        ("DELETE FROM governance_audit", "rows 1 to 5 were removed from the end"),
        (
            "UPDATE governance_audit SET sequence = CASE sequence WHEN 2 THEN 30 WHEN 3 THEN 2 ELSE sequence END",
            "row 2 does not follow row 1",
        ),
    ],
)
def test_removed_and_reordered_rows_are_found(audit: SqlAudit, statement: str, told: str) -> None:
    _written(audit, 5)
    _tampered(audit, statement)
    assert any(told in problem for problem in _found(audit)), _found(audit)


def test_a_chain_written_anew_does_not_meet_the_note_outside_the_database(audit: SqlAudit, tmp_path: Path) -> None:
    _written(audit, 3)
    _tampered(audit, "DELETE FROM governance_audit")
    forger = SqlAudit(audit._database, tmp_path / "elsewhere")
    for number in range(1, 4):
        with forger.transaction():
            forger.write(_event(f"other/{number}"))
    assert _found(audit) == ["row 3 is not the one noted in audit.head: the chain was written anew"]


def test_a_crash_between_commit_and_note_is_no_tampering(audit: SqlAudit, database: Database) -> None:
    _written(audit, 2)
    with database.writing():
        audit.write(_event())
    assert audit.witness() == Head(2, list(audit.entries())[1].digest)
    assert _found(audit) == []


def _chain(targets: list[str]) -> list[Entry]:
    entries: list[Entry] = []
    head = Head(0, GENESIS)
    for target in targets:
        entries.append(chained(_event(target), head))
        head = Head(entries[-1].sequence, entries[-1].digest)
    return entries


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.text(max_size=8), min_size=2, max_size=8), st.data())
def test_no_subset_or_order_of_rows_but_the_whole_verifies(targets: list[str], data: st.DataObject) -> None:
    entries = _chain(targets)
    witness = Head(len(entries), entries[-1].digest)
    assert problems(entries, witness) == []
    chosen = data.draw(st.lists(st.sampled_from(entries), max_size=len(entries), unique_by=lambda one: one.sequence))
    assert bool(problems(chosen, witness)) == (chosen != entries)
