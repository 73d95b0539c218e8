"""Token buckets that all gateways of a home share: eight bytes in a file per token, changed under its lock.

A lock of the kernel goes with the process that held it, so one that is killed holds up nobody. What is lost with the
machine is a bucket that is not full, and that harms nobody.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import struct
from typing import TYPE_CHECKING

from tenure.governance.rates import Taken, take

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from tenure.governance.rates import Rate

_MOMENT = struct.Struct("<q")


class Buckets:
    """The buckets in one folder, by the token's id."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open: dict[str, int] = {}

    def take(self, token: str, rate: Rate, now: int) -> Taken:
        """Take one request from the token's bucket, and return what becomes of it."""
        descriptor = self._descriptor(token)
        fcntl.lockf(descriptor, fcntl.LOCK_EX)
        try:
            kept = os.pread(descriptor, _MOMENT.size, 0)
            taken = take(_MOMENT.unpack(kept)[0] if len(kept) == _MOMENT.size else 0, now, rate)
            if taken.passes:
                os.pwrite(descriptor, _MOMENT.pack(taken.full_at), 0)
        finally:
            fcntl.lockf(descriptor, fcntl.LOCK_UN)
        return taken

    def keep_only(self, tokens: Collection[str]) -> None:
        """Let go of the buckets of other tokens; their files may still be in another gateway's hands."""
        for token in [one for one in self._open if one not in tokens]:
            os.close(self._open.pop(token))
            with contextlib.suppress(FileNotFoundError):
                (self._folder / token).unlink()

    def close(self) -> None:
        """Let go of all of them."""
        for descriptor in self._open.values():
            os.close(descriptor)
        self._open.clear()

    def _descriptor(self, token: str) -> int:
        if token not in self._open:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._open[token] = os.open(self._folder / token, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        return self._open[token]
