"""Bringing a control database to this Tenure's tables: backed up first, migrated in one transaction, never a newer one."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import inspect, text

from tenure.adapters.sql.engine import Database
from tenure.adapters.sql.rows import fill
from tenure.adapters.sqlite import turns_file
from tenure.kit.errors import Kind, TenureError

if TYPE_CHECKING:
    from alembic.config import Config
    from alembic.script import ScriptDirectory
    from sqlalchemy import Connection

#: the newest migration; a test holds it to the chain
HEAD = "0013"


class NewerHome(TenureError):
    """The home was used by a newer Tenure, whose tables this one does not know."""

    code = "newer-home"
    kind = Kind.REFUSED
    message = "{file} is at revision {found}, which this Tenure does not know; it knows up to {known}"
    next_step = "use the newer Tenure again, or another home (TENURE_HOME)"


class UnknownMigration(TenureError):
    """There is no such migration to go down to."""

    code = "unknown-migration"
    kind = Kind.BAD_INPUT
    message = "there is no migration {revision} below {found}"
    next_step = "name one of: {known}"


class _Rehearsed(Exception):
    """Takes a transaction back in which all went well."""


def upgrade(database: Database, backups: Path, now: int) -> Path | None:
    """Bring the tables to `HEAD` and return the backup made before, None if nothing was there or nothing to do.

    A crash leaves the database as it was: the whole chain runs in one transaction.
    """
    found = revision(database)
    if found == HEAD:
        return None
    if found is not None:
        _refuse_newer(database, found)
    copy = _backup(database, backups, found, now) if found is not None else None
    with database.writing() as connection:
        _run(connection)
    return copy


def rehearse(database: Database) -> list[str]:
    """Run the migrations that are due and take them back; return what each does. What would fail fails here."""
    found = revision(database)
    if found == HEAD:
        return []
    if found is not None:
        _refuse_newer(database, found)
    try:
        with database.writing() as connection:
            _run(connection)
            raise _Rehearsed
    except _Rehearsed:
        return due(found)


def due(found: str | None) -> list[str]:
    """Return the migrations after `found`, oldest first, each with what it does."""
    scripts = list(_scripts().walk_revisions())
    after = [one for one in reversed(scripts) if found is None or str(one.revision) > found]
    return [f"{one.revision} {(one.doc or '').splitlines()[0]}" for one in after]


def downgrade(database: Database, to: str, backups: Path, now: int) -> Path:
    """Take the tables back to an earlier revision, for an earlier Tenure; return the backup made before."""
    found = revision(database)
    known = sorted(str(one.revision) for one in _scripts().walk_revisions())
    if found is None or to not in known or to > found:
        raise UnknownMigration(revision=to, found=found, known=", ".join(one for one in known if one <= (found or "")))
    copy = _backup(database, backups, found, now)
    with database.writing() as connection:
        from alembic import command

        command.downgrade(_at(connection), to)
    return copy


def revision(database: Database) -> str | None:
    """Return the revision of the database's tables, None for an empty one."""
    with database.reading() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def move_in(database: Database, file: Path, now: int) -> int:
    """Fill an empty database with what a SQLite file holds, brought to `HEAD` first; return how many rows."""
    source = Database(file)
    try:
        upgrade(source, file.parent / "backups", now)
        # One transaction: tables without their rows would pass for a home that is new.
        with source.reading() as reader, database.writing() as writer:
            upgrade(database, file.parent / "backups", now)
            return fill(reader, writer)
    finally:
        source.close()


def config() -> Config:
    """Return Alembic's configuration of the chain in this package."""
    from alembic.config import Config

    made = Config()
    made.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return made


def _run(connection: Connection, to: str = "head") -> None:
    from alembic import command

    command.upgrade(_at(connection), to)


def _at(connection: Connection) -> Config:
    made = config()
    made.attributes["connection"] = connection
    return made


def _scripts() -> ScriptDirectory:
    from alembic.script import ScriptDirectory

    return ScriptDirectory.from_config(config())


def _refuse_newer(database: Database, found: str) -> None:
    if found not in {script.revision for script in _scripts().walk_revisions()}:
        raise NewerHome(file=database.place, found=found, known=HEAD)


def _backup(database: Database, backups: Path, found: str, now: int) -> Path:
    """Copy the database as it is to a SQLite file, whatever it is itself."""
    backups.mkdir(parents=True, exist_ok=True, mode=0o700)
    copy = backups / f"control-{found}-{now}.db"
    copy_to(database, copy)
    return copy


def copy_to(database: Database, file: Path) -> None:
    """Copy the database as it is at one moment to a SQLite file that does not exist yet."""
    if database.is_file:
        with closing(sqlite3.connect(database.file)) as original, closing(sqlite3.connect(file)) as target:
            original.backup(target)
        return
    copy = Database(file)
    try:
        with database.reading() as source, copy.writing() as into:
            _run(into, revision(database) or "head")
            fill(source, into)
    finally:
        copy.close()
        turns_file(file).unlink(missing_ok=True)
