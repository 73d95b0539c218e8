"""Bringing a control database to this Tenure's tables: backed up first, migrated in one transaction, never a newer one."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import inspect, text

from tenure.kit.errors import Kind, TenureError

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy import Connection

    from tenure.adapters.sql.engine import Database

#: the newest migration; a test holds it to the chain
HEAD = "0010"


class NewerHome(TenureError):
    """The home was used by a newer Tenure, whose tables this one does not know."""

    code = "newer-home"
    kind = Kind.REFUSED
    message = "{file} is at revision {found}, which this Tenure does not know; it knows up to {known}"
    next_step = "use the newer Tenure again, or another home (TENURE_HOME)"


def upgrade(database: Database, backups: Path, now: int) -> Path | None:
    """Bring the tables to `HEAD` and return the backup made before, None if nothing was there or nothing to do.

    A crash leaves the database as it was: the whole chain runs in one transaction.
    """
    found = revision(database)
    if found == HEAD:
        return None
    if found is not None:
        _refuse_newer(database, found)
    copy = _backup(database.file, backups, found, now) if found is not None else None
    with database.writing() as connection:
        _run(connection)
    return copy


def revision(database: Database) -> str | None:
    """Return the revision of the database's tables, None for an empty one."""
    with database.reading() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def config() -> Config:
    """Return Alembic's configuration of the chain in this package."""
    from alembic.config import Config

    made = Config()
    made.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return made


def _run(connection: Connection) -> None:
    from alembic import command

    made = config()
    made.attributes["connection"] = connection
    command.upgrade(made, "head")


def _refuse_newer(database: Database, found: str) -> None:
    from alembic.script import ScriptDirectory

    if found not in {script.revision for script in ScriptDirectory.from_config(config()).walk_revisions()}:
        raise NewerHome(file=database.file, found=found, known=HEAD)


def _backup(file: Path, backups: Path, found: str, now: int) -> Path:
    """Copy the database as it is, write-ahead log included, through SQLite's own backup."""
    backups.mkdir(parents=True, exist_ok=True)
    copy = backups / f"{file.stem}-{found}-{now}{file.suffix}"
    with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    return copy
