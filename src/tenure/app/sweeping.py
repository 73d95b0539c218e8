"""What in a home's stores is still needed, and the removal of all that is not."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import msgspec

from tenure.adapters.environments import bytecode
from tenure.adapters.sql.holds import digests_in, digests_named
from tenure.model.archiving.findings import Swept
from tenure.model.lifecycle import Stage
from tenure.model.package import Manifest, blob_digests

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from tenure.adapters.decision_log.reader import LogReader
    from tenure.adapters.sql.engine import Database
    from tenure.adapters.sql.registry import SqlRegistry
    from tenure.model.registry.record import VersionRecord
    from tenure.settings import Home

_NAME = 64


class Sweeper:
    """Decides what may go: a file that is not named by anything in use, and was not touched for a while.

    The while is for registrations under way, whose files come before their version does.
    """

    def __init__(
        self,
        home: Home,
        database: Database,
        registry: SqlRegistry,
        log: LogReader,
        drop: Callable[[Path], None],
    ) -> None:
        self._home, self._database, self._registry, self._log, self._drop = home, database, registry, log, drop

    def sweep(self, before: int, *, dry_run: bool, only: Iterable[str] | None = None) -> Swept:
        """Remove what is not needed and older than `before` (UTC microseconds); `only` limits it to these digests."""
        living, dead = self._versions()
        needed = {digest for record in living for digest in made_of(record.digest, record.manifest)}
        needed |= digests_named(self._database)
        stray = [path for path in self._stored(only) if _digest(path) not in needed and _is_older(path, before)]
        if stray:
            stray = self._unlogged(stray, {digest for record in dead for digest in [record.digest]})
        leftovers = [] if only is not None else [path for path in self._leftovers(living) if _is_older(path, before)]
        return self._removed([*self._notes(stray, living), *stray, *leftovers], dry_run=dry_run)

    def _versions(self) -> tuple[list[VersionRecord], list[VersionRecord]]:
        records = [record for model in self._registry.models() for record in self._registry.versions(model.name)]
        living = [record for record in records if record.stage is not Stage.DESTROYED]
        return living, [record for record in records if record.stage is Stage.DESTROYED]

    def _stored(self, only: Iterable[str] | None) -> Iterator[Path]:
        names = None if only is None else {digest.removeprefix("sha256:") for digest in only}
        for store in (self._home.blobs, self._home.second_copy):
            for path in sorted(store.glob("*/*")):
                if len(path.name) == _NAME and (names is None or path.name in names):
                    yield path

    def _unlogged(self, stray: list[Path], dead: set[str]) -> list[Path]:
        """Return those that no logged decision names. The log is read only when there is anything to be removed.

        A decision of a destroyed version names its package, which was meant to go.
        """
        named: set[str] = set()
        for group in self._log.scan():
            named |= digests_in(msgspec.json.encode(group).decode())
        named -= dead
        return [path for path in stray if _digest(path) not in named]

    def _leftovers(self, living: list[VersionRecord]) -> Iterator[Path]:
        """Return what was begun and never finished (uploads, blobs half added, folders half made or half removed), and old bytecode."""
        home = self._home
        for store in (home.blobs, home.second_copy):
            yield from store.glob("*/.adding-*")
        yield from (home.root / "uploads").glob("*")
        yield from home.attestations.glob(".*")
        yield from home.drafts.glob(".*")
        for cache in (home.packages, home.environments):
            yield from cache.glob(".*")
        yield from (home.root / "cache").glob("proof-*")
        yield from (home.root / "cache").glob("priming-*")
        used = {found.digest.removeprefix("sha256:") for one in living if (found := one.manifest.environment)}
        kept = bytecode.folder_beside(home.environments).glob("*")
        yield from (path for path in kept if path.name.split(".")[0] not in used)

    def _notes(self, stray: list[Path], living: list[VersionRecord]) -> list[Path]:
        """Return what says of removed packages that they were proven here: it goes first, or they could not come back."""
        gone = {path.name for path in stray} - {record.digest.removeprefix("sha256:") for record in living}
        notes = [path for path in self._home.attestations.glob("*") if path.name in gone]
        drafts = [path for path in self._home.drafts.glob("*") if path.name[0] != "." and _target(path) in gone]
        cached = [path for path in self._home.packages.glob("*") if path.name in gone]
        return [*notes, *drafts, *cached]

    def _removed(self, paths: list[Path], *, dry_run: bool) -> Swept:
        size = sum(_size(path) for path in paths)
        if not dry_run:
            for path in paths:
                self._remove(path)
        return Swept(tuple(str(path.relative_to(self._home.root)) for path in paths), size)

    def _remove(self, path: Path) -> None:
        if path.is_dir() and path.parent in {self._home.packages, self._home.environments}:
            self._drop(path)
        elif path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def made_of(digest: str, manifest: Manifest) -> list[str]:
    """Return the digests of everything that a package is made of, its manifest first."""
    return list(dict.fromkeys([digest, *(file.digest for file in manifest.files.values()), *blob_digests(manifest)]))


def _digest(path: Path) -> str:
    return f"sha256:{path.name}"


def _target(note: Path) -> str:
    return note.read_text(errors="replace").removeprefix("sha256:")


def _is_older(path: Path, before: int) -> bool:
    return path.lstat().st_mtime_ns // 1000 < before


def _size(path: Path) -> int:
    inside = path.rglob("*") if path.is_dir() else [path]
    return sum(each.lstat().st_size for each in inside if not each.is_dir())
