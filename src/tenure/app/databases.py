"""Which control database a home has: its own SQLite file, or the PostgreSQL that TENURE_DATABASE names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenure.adapters.sql.engine import Database, place_of
from tenure.adapters.sql.upgrade import downgrade, due, move_in, rehearse, revision, upgrade
from tenure.kit.errors import Kind, TenureError

if TYPE_CHECKING:
    from pathlib import Path

    from tenure.settings import Home

__all__ = ["downgrade", "due", "opened", "rehearse", "revision", "upgrade"]


class OtherDatabase(TenureError):
    """The home's tables are elsewhere than TENURE_DATABASE says."""

    code = "other-database"
    kind = Kind.REFUSED
    message = "the tables of {home} are in {kept}, and TENURE_DATABASE says {given}"
    next_step = "set TENURE_DATABASE to where they are; to move them, `tenure backup` and `tenure up --from` a new home"


def opened(home: Home, url: str | None, now: int) -> Database:
    """Return the home's control database, where it has been before.

    An empty PostgreSQL is filled from the home's own file, if there is one (a home that moves, or a restored backup).
    """
    note = home.root / "database"
    given = place_of(url) if url else ""
    kept = note.read_text(encoding="utf-8").strip() if note.exists() else ""
    if kept and kept != given:
        raise OtherDatabase(home=home.root, kept=kept, given=given or "nothing")
    database = Database(home.control_db, url or "")
    if url and not kept:
        if revision(database) is None and home.control_db.exists():
            move_in(database, home.control_db, now)
            _set_aside(home.control_db, home.root / "backups", now)
        note.write_text(given + "\n", encoding="utf-8")
    return database


def _set_aside(file: Path, backups: Path, now: int) -> None:
    """Keep the file that was moved from, where nobody takes it for the present one."""
    backups.mkdir(parents=True, exist_ok=True, mode=0o700)
    for suffix in ("-wal", "-shm", ".turns"):
        file.with_name(file.name + suffix).unlink(missing_ok=True)
    file.rename(backups / f"control-moved-{now}.db")
