"""Every step by which the log changes a file, as one small port, so that a test can die or lie at each of them."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_ZEROS = bytes(1 << 20)


class Disk:
    """The machine's own file system."""

    def create(self, path: Path, size: int) -> int:
        """Return a descriptor of a new file of `size` zero bytes, durable with its name; leave nothing on failure.

        The zeros are really written: an fdatasync into a zero-filled file has no metadata to write (measured: a
        fifth faster than appending, and no failure for lack of space in the middle of a commit).
        """
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            for start in range(0, size, len(_ZEROS)):
                _write_all(descriptor, _ZEROS[: min(len(_ZEROS), size - start)], start)
            os.fsync(descriptor)
            sync_folder(path.parent)
        except OSError:
            os.close(descriptor)
            with contextlib.suppress(OSError):
                path.unlink()
            raise
        return descriptor

    def write(self, descriptor: int, content: bytes, offset: int) -> None:
        """Write all of `content` at `offset`."""
        _write_all(descriptor, content, offset)

    def sync(self, descriptor: int) -> None:
        """Return when everything written through any descriptor of the file is durable."""
        os.fdatasync(descriptor)

    def close(self, descriptor: int) -> None:
        """Close a descriptor."""
        os.close(descriptor)

    def truncate(self, path: Path, size: int) -> None:
        """Cut the file to `size` bytes, durably."""
        descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.ftruncate(descriptor, size)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def append(self, path: Path, content: bytes) -> None:
        """Add `content` at the end of the file, made if missing, and return when it is durable."""
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            _write_all(descriptor, content, os.fstat(descriptor).st_size)
            os.fsync(descriptor)
            sync_folder(path.parent)
        finally:
            os.close(descriptor)

    def publish(self, draft: Path, final: Path) -> None:
        """Give a complete draft its final name, so that it is seen whole or not at all."""
        descriptor = os.open(draft, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        draft.replace(final)
        sync_folder(final.parent)

    def remove(self, path: Path) -> None:
        """Remove a file; one that is gone already is no fault."""
        path.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Return when the names in the folder are durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write_all(descriptor: int, content: bytes, offset: int) -> None:
    view = memoryview(content)
    while view:
        written = os.pwrite(descriptor, view, offset)
        view, offset = view[written:], offset + written
