"""Who may write in a home: one process at a time."""

from __future__ import annotations

import fcntl
import os
from typing import TYPE_CHECKING

from tenure.kit.errors import Kind, TenureError

if TYPE_CHECKING:
    from tenure.settings import Home


class HomeInUse(TenureError):
    """Another process writes in this home."""

    code = "home-in-use"
    kind = Kind.UNAVAILABLE
    message = "{home} is in use by {holder}"
    next_step = "wait for it, or ask the running Tenure: `tenure status`"


class HomeLock:
    """The exclusive lock of whoever writes in a home; it ends with the process, however that ends."""

    def __init__(self, home: Home) -> None:
        home.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._file = os.open(home.lock, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(self._file, 200, 0).decode(errors="replace").strip()
            os.close(self._file)
            raise HomeInUse(home=home.root, holder=holder or "another process") from error
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, f"process {os.getpid()}\n".encode(), 0)

    def close(self) -> None:
        """Let another process write; to close what is closed does nothing."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
