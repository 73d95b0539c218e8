"""A copy of a whole home at one point, made while it serves, and the way back.

The log is copied first, while nothing can be sealed; then what it speaks of, which only grows: persons, features, the
control database, blobs. So everything that a copied record names is there. Format: docs/formats/backup.md.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tenure.adapters.decision_log.sealer import sealer_lock
from tenure.kit.clock import SystemClock, iso
from tenure.kit.errors import Kind, TenureError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tenure.settings import Home

FORMAT = 1
MANIFEST = "backup.json"
_PIECE = 1 << 20
#: of the log: what is made anew, and what belongs to a process
_NOT_OF_THE_LOG = ("index.db", "index.db-wal", "index.db-shm", "sealer.lock", "writer.lock")
#: folders that hold nothing but whole files, in this order; blobs last, because everything else names them
_FOLDERS = ("keys", "attestations", "drafts", "archive", "sha256")
#: what `Home` has and a backup leaves out: it is made anew, or belongs to the machine
LEFT_OUT = ("run", "cache", "logs", "backups", "uploads", "home.lock")


class NotEmpty(TenureError):
    """The folder holds something already."""

    code = "not-empty"
    kind = Kind.CONFLICT
    message = "{folder} is not empty"
    next_step = "name a folder that does not exist yet"


class NoBackup(TenureError):
    """The folder is no backup."""

    code = "no-backup"
    kind = Kind.BAD_INPUT
    message = "{folder} is no backup: {why}"
    next_step = "name a folder that `tenure backup` made"


class DamagedBackup(TenureError):
    """The backup is not as it was written."""

    code = "damaged-backup"
    kind = Kind.CORRUPT
    message = "{file} of the backup {why}"
    next_step = "take another backup; nothing was restored"


@dataclass(frozen=True, slots=True)
class Copied:
    """What a backup holds."""

    folder: str
    files: int
    size: int


def back_up(
    home: Home, folder: Path, now: Callable[[], int], control: Callable[[Path], None], facts: dict[str, Any]
) -> Copied:
    """Copy the home into the new folder; `control` copies the control database to a path. Durable when it returns."""
    if folder.exists() and any(folder.iterdir()):
        raise NotEmpty(folder=folder)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    # Read before the chain is copied: the chain may grow meanwhile, and must be at least as long as the note says.
    _copy_if_there(home.audit_head, folder / home.audit_head.name)
    home.decisions.mkdir(parents=True, exist_ok=True)
    with sealer_lock(home.decisions):
        began = now()
        ignored = shutil.ignore_patterns(*_NOT_OF_THE_LOG)
        shutil.copytree(home.decisions, folder / home.decisions.name, ignore=ignored, copy_function=shutil.copyfile)
    if home.claims_db.exists():
        copy_database(home.claims_db, folder / home.claims_db.name)
        _open_again(folder / home.claims_db.name, began)
    for database in (home.persons_db, home.features_db):
        if database.exists():
            copy_database(database, folder / database.name)
    control(folder / home.control_db.name)
    for name in _FOLDERS:
        if (home.root / name).exists():
            shutil.copytree(home.root / name, folder / name, copy_function=shutil.copyfile)
    (folder / "keys").mkdir(exist_ok=True, mode=0o700)
    files = {str(path.relative_to(folder)): _measured(path) for path in _files(folder)}
    _write(folder / MANIFEST, {"tenure_backup": FORMAT, "at": began, **facts, "files": files})
    os.sync()
    return Copied(str(folder), len(files), sum(int(size) for size, _ in files.values()))


def restore(folder: Path, home: Home) -> int:
    """Make the home that a backup holds, every file checked first; return how many there are. The home must be new."""
    manifest = read_manifest(folder)
    if home.root.exists() and any(home.root.iterdir()):
        raise NotEmpty(folder=home.root)
    draft = home.root.with_name(f".{home.root.name}.restoring")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True, mode=0o700)
    for name, (size, digest) in manifest["files"].items():
        target = draft / name
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        _copy_checked(folder / name, target, int(size), digest)
    for key in (draft / "keys").glob("*"):
        key.chmod(0o600)
    # Whatever runs here is run again before it takes traffic: this may be another machine.
    (draft / home.made_from.name).write_text(iso(SystemClock().now()), encoding="utf-8")
    os.sync()
    if home.root.exists():
        home.root.rmdir()
    draft.rename(home.root)
    return len(manifest["files"])


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return what a backup says of itself; raise `NoBackup`."""
    try:
        found: dict[str, Any] = json.loads((folder / MANIFEST).read_bytes())
    except FileNotFoundError as error:
        raise NoBackup(folder=folder, why=f"it has no {MANIFEST}, which is written last") from error
    except ValueError as error:
        raise NoBackup(folder=folder, why=f"its {MANIFEST} cannot be read") from error
    if found.get("tenure_backup") != FORMAT:
        raise NoBackup(folder=folder, why=f"its format is {found.get('tenure_backup')}, this Tenure reads {FORMAT}")
    if strange := [name for name in found["files"] if name.startswith("/") or ".." in name.split("/")]:
        raise NoBackup(folder=folder, why=f"it names a file outside of itself: {strange[0]}")
    return found


def copy_database(source: Path, target: Path) -> None:
    """Copy a SQLite database as it is at one moment, write-ahead log included, while others write in it."""
    with closing(sqlite3.connect(source)) as original, closing(sqlite3.connect(target)) as copy:
        original.backup(copy)


def _open_again(claims: Path, since: int) -> None:
    """Take back answers given after the log was copied: a starting gateway finds in the log which of them count."""
    with closing(sqlite3.connect(claims)) as connection, connection:
        connection.execute("UPDATE claims SET response = NULL WHERE at >= ?", (since,))


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file())


def _measured(path: Path) -> tuple[int, str]:
    with path.open("rb") as file:
        return path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest()


def _copy_if_there(source: Path, target: Path) -> None:
    if source.exists():
        shutil.copyfile(source, target)


def _copy_checked(source: Path, target: Path, size: int, digest: str) -> None:
    try:
        shutil.copyfile(source, target)
    except FileNotFoundError as error:
        raise DamagedBackup(file=source, why="is missing") from error
    if _measured(target) != (size, digest):
        raise DamagedBackup(file=source, why="has changed since it was written")


def _write(file: Path, document: dict[str, Any]) -> None:
    draft = file.with_suffix(".draft")
    draft.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    draft.rename(file)
