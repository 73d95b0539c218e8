"""What a full disk is called, whether the log meets it or a database beside it."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from tenure.kit.errors import Kind, TenureError

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

#: SQLite says either, depending on what the system said
_CODES = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR}


class DiskFull(TenureError):
    """There is no space for records; nothing acknowledged is lost, and appending works again when space returns."""

    code = "disk-full"
    kind = Kind.UNAVAILABLE
    message = "the decision log cannot grow: the disk with {folder} is full"
    next_step = "free space on that disk; the log goes on by itself"


class Space:
    """A context that raises `DiskFull` where a database finds no space."""

    def __init__(self, database: Path) -> None:
        self._folder = database.parent

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        # The extended codes have the plain one in their lowest byte.
        if isinstance(error, sqlite3.OperationalError) and error.sqlite_errorcode & 0xFF in _CODES:
            raise DiskFull(folder=self._folder) from error
