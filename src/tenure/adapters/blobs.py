"""Content-addressed files: `sha256/ab/<64 hex>`. Added by anyone, changed by no one, found by what they contain."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import BinaryIO

from tenure.kit.digests import digest_of, digest_of_file
from tenure.kit.errors import Kind, TenureError
from tenure.model.package import File


class MissingBlob(TenureError):
    """Nothing with this content is stored."""

    code = "missing-blob"
    kind = Kind.NOT_FOUND
    message = "no blob {digest}"
    next_step = "register the package again, or restore the home from a backup"


class DamagedBlob(TenureError):
    """A stored file no longer has the content it is named after."""

    code = "damaged-blob"
    kind = Kind.CORRUPT
    message = "{file} is not {digest} any more: found {found}"
    next_step = "register the package again, or restore the home from a backup"


class Blobs:
    """A store of files by digest, healed from a second copy where there is one."""

    def __init__(self, root: Path, second: Path | None = None) -> None:
        self._root = root
        self._second = second

    def add(self, content: bytes | Path) -> File:
        """Store bytes, or a file's bytes, durably and return their address; storing them twice changes nothing."""
        if isinstance(content, bytes):
            return self._add(digest_of(content), len(content), lambda file: file.write(content))
        with content.open("rb") as source:
            return self._add(
                digest_of_file(content), content.stat().st_size, lambda file: shutil.copyfileobj(source, file)
            )

    def path(self, digest: str) -> Path:
        """Return where the blob lies, unchecked; from the second copy if the first lost it; else `MissingBlob`."""
        path = self._place(self._root, digest)
        if path.is_file() or self._heal(digest):
            return path
        raise MissingBlob(digest=digest)

    def has(self, digest: str) -> bool:
        """Return whether the blob is stored."""
        return self._place(self._root, digest).is_file()

    def open(self, digest: str) -> BinaryIO:
        """Return the blob opened for reading, unchecked."""
        return self.path(digest).open("rb")

    def verify(self, digest: str) -> Path:
        """Return where the blob lies after reading it whole; a damaged one is healed or raises `DamagedBlob`."""
        path = self.path(digest)
        found = digest_of_file(path)
        if found == digest or self._heal(digest):
            return path
        raise DamagedBlob(file=path, digest=digest, found=found)

    def is_intact(self, digest: str) -> bool | None:
        """Return whether the stored file has its content; None when there is none."""
        path = self._place(self._root, digest)
        return digest_of_file(path) == digest if path.is_file() else None

    def mend(self, digest: str, content: Path) -> None:
        """Write the blob anew from a file that has its content, unless it is intact."""
        if not self.is_intact(digest):
            with content.open("rb") as source:
                self._write(self._place(self._root, digest), digest, lambda file: shutil.copyfileobj(source, file))

    def replace(self, digest: str, source: Blobs) -> Path:
        """Write the blob anew from another store's intact one, whatever stands here; return where it lies."""
        path = self._place(self._root, digest)
        with source.open(digest) as content:
            self._write(path, digest, lambda file: shutil.copyfileobj(content, file))
        return path

    def take(self, digest: str, source: Blobs) -> None:
        """Store another store's blob too, reading it once; raise `DamagedBlob` naming the source's file."""
        final = self._place(self._root, digest)
        if final.is_file():
            source.verify(digest)
            os.utime(final)
            return
        try:
            self.replace(digest, source)
        except DamagedBlob:
            # What was copied is not what it should be: the source can be healed only by a copy, and this is the first.
            source.verify(digest)
            raise

    def _add(self, digest: str, size: int, write: object) -> File:
        final = self._place(self._root, digest)
        if final.is_file():
            # Whoever adds it again needs it from now on: `tenure gc` leaves alone what was touched a moment ago.
            os.utime(final)
        else:
            self._write(final, digest, write)
        return File(digest, size)

    def _write(self, final: Path, digest: str, write: object) -> None:
        final.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=final.parent, prefix=".adding-")
        draft = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as file:
                write(file)  # type: ignore[operator]
                file.flush()
                os.fsync(file.fileno())
            found = digest_of_file(draft)
            if found != digest:  # the source changed while it was read
                raise DamagedBlob(file=final, digest=digest, found=found)
            draft.chmod(0o444)
            draft.rename(final)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise

    def _heal(self, digest: str) -> bool:
        copy = self._place(self._second, digest) if self._second else None
        if copy is None or not copy.is_file() or digest_of_file(copy) != digest:
            return False
        with copy.open("rb") as source:
            self._write(self._place(self._root, digest), digest, lambda file: shutil.copyfileobj(source, file))
        return True

    @staticmethod
    def _place(root: Path, digest: str) -> Path:
        name = digest.removeprefix("sha256:")
        return root / name[:2] / name
