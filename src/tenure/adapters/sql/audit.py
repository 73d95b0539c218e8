"""The audit chain in the control database, and the note of its head in a file beside it."""

from __future__ import annotations

import json
import os
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from tenure.adapters.sql.people_tables import governance_request
from tenure.adapters.sql.tables import governance_audit
from tenure.governance.audit import GENESIS, Entry, Head, chained
from tenure.governance.repeating import UNDER_WAY
from tenure.kit.errors import Kind, TenureError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from sqlalchemy import Connection, Row

    from tenure.adapters.sql.engine import Database
    from tenure.governance.audit import Event


class DamagedNote(TenureError):
    """The note of the audit chain's head was changed."""

    code = "damaged-audit-head"
    kind = Kind.CORRUPT
    message = "{file} was changed: it is not what was noted"
    next_step = "compare with a backup; once the chain itself verifies, remove the file and it is written anew"


class SqlAudit:
    """The one transaction of the control database, with the audit trail inside it (governance/ports.py)."""

    def __init__(self, database: Database, note: Path) -> None:
        self._database = database
        self._note = note
        self._noting = threading.Lock()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Begin or join the write transaction; note the head of the chain once the outermost has committed."""
        with self._database.writing():
            yield
        if not self._database.is_writing():
            self.note_head()

    def write(self, event: Event) -> None:
        """Append the event to the chain, in the transaction of the change itself."""
        with self._database.writing() as connection:
            entry = chained(event, _head(connection))
            columns = {name: getattr(entry, name) for name in Entry.__dataclass_fields__}
            connection.execute(governance_audit.insert().values(**columns))
            if (named := UNDER_WAY.get()) is not None:
                # The effect and that this request had it are committed together.
                mine = (governance_request.c.actor == named.actor) & (governance_request.c.key == named.key)
                connection.execute(governance_request.update().where(mine).values(event=entry.sequence))

    def entries(self) -> Iterator[Entry]:
        """Return all rows in the order of their sequence."""
        with self._database.reading() as connection:
            for row in connection.execute(select(governance_audit).order_by(governance_audit.c.sequence)):
                yield _entry(row)

    def newest(
        self, limit: int, target: str = "", before: int = 0, *, actors: Sequence[str] = (), action: str = ""
    ) -> list[Entry]:
        """Return the newest rows first; `before` keeps those below a sequence, the others those with these values."""
        query = select(governance_audit).order_by(governance_audit.c.sequence.desc()).limit(limit)
        for name, value in (("target", target), ("action", action)):
            if value:
                query = query.where(governance_audit.c[name] == value)
        if actors:
            query = query.where(governance_audit.c.actor.in_(actors))
        if before:
            query = query.where(governance_audit.c.sequence < before)
        with self._database.reading() as connection:
            return [_entry(row) for row in connection.execute(query)]

    def witness(self) -> Head | None:
        """Return the head last noted beside the database, None when there is no note; raise `DamagedNote`."""
        try:
            content = self._note.read_bytes()
        except FileNotFoundError:
            return None
        try:
            noted = json.loads(content)
            head = Head(noted["count"], noted["digest"])
        except (ValueError, KeyError, TypeError) as error:
            raise DamagedNote(file=self._note) from error
        if content != _note_of(head):
            raise DamagedNote(file=self._note)
        return head

    def note_head(self) -> None:
        """Write the chain's length and last digest to the file, all of it or nothing.

        Written after the commit: a crash between leaves a note that is true of a shorter chain, which still verifies.
        A note that is not true of this chain is evidence, and stays as it is until somebody has looked at it.
        """
        with self._noting:
            with self._database.reading() as connection:
                head = _head(connection)
                if not self._is_true(connection):
                    return
            draft = self._note.with_name(self._note.name + ".new")
            with draft.open("wb") as file:
                file.write(_note_of(head))
                file.flush()
                os.fsync(file.fileno())
            draft.replace(self._note)

    def _is_true(self, connection: Connection) -> bool:
        """Return whether the chain still goes through the head that was noted last."""
        try:
            noted = self.witness()
        except DamagedNote:
            return False
        if noted is None or noted.count == 0:
            return True
        query = select(governance_audit.c.digest).where(governance_audit.c.sequence == noted.count)
        return connection.execute(query).scalar() == noted.digest


def _note_of(head: Head) -> bytes:
    return json.dumps({"count": head.count, "digest": head.digest}).encode()


def _head(connection: Connection) -> Head:
    columns = governance_audit.c
    query = select(columns.sequence, columns.digest).order_by(columns.sequence.desc()).limit(1)
    row = connection.execute(query).first()
    return Head(row.sequence, row.digest) if row else Head(0, GENESIS)


def _entry(row: Row[Any]) -> Entry:
    return Entry(**row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for the row as a mapping
