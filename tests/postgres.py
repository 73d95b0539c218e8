"""A real PostgreSQL of the tests' own: Debian's programs, a folder and a socket of its own, no port."""

from __future__ import annotations

import contextlib
import itertools
import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql

if TYPE_CHECKING:
    from collections.abc import Iterator

_OPTIONS = "-c listen_addresses= -c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=60"


class MissingPostgres(Exception):
    """The suite runs on PostgreSQL too, and there is none on this machine."""


class Postgres:
    """One running server; every database it makes is empty and nobody else's."""

    def __init__(self, socket: Path, user: str) -> None:
        self._socket, self._user = socket, user
        self._numbers = itertools.count(1)

    def url(self, name: str = "postgres") -> str:
        """Return the URL of a database, as SQLAlchemy takes it."""
        return f"postgresql+psycopg://{self._user}@/{name}?host={self._socket}"

    def fresh(self) -> str:
        """Return the URL of a new, empty database."""
        name = f"test_{next(self._numbers)}"
        with self._administering() as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return self.url(name)

    def _administering(self) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(host=str(self._socket), user=self._user, dbname="postgres", autocommit=True)


@contextlib.contextmanager
def running() -> Iterator[Postgres]:
    """Start a server and end it; it refuses to run as root, so that then the package's own user runs it."""
    programs = _programs()
    # A socket's path must be short.
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))  # noqa: S108 - a new folder with a name of its own
    user = pwd.getpwuid(os.getuid()).pw_name if os.getuid() else "postgres"
    if not os.getuid():
        shutil.chown(folder, user)
    try:
        data = folder / "data"
        _run(user, programs / "initdb", "-D", data, "-U", user, "-A", "trust", "-E", "UTF8", "--no-sync")
        server = [programs / "pg_ctl", "-D", data, "-w", "-t", "120", "-l", folder / "log"]
        _run(user, *server, "-o", f"{_OPTIONS} -k {folder}", "start")
        try:
            yield Postgres(folder, user)
        finally:
            _run(user, *server, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _programs() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name))
    if on_path := shutil.which("initdb"):
        found.append(Path(on_path).parent)
    if not found:
        raise MissingPostgres("there is no PostgreSQL on this machine; as root: apt-get install postgresql")
    return found[-1]


def _run(user: str, *command: object) -> None:
    as_user = user if not os.getuid() else None
    arguments = [str(part) for part in command]
    # Closed: a server that kept the pipe would keep the test run waiting for its end.
    done = subprocess.run(
        arguments, user=as_user, cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=False, timeout=180
    )
    assert done.returncode == 0, arguments
