"""Secrets in files of their own, made on first use by whoever needs them first, readable to the owner alone."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def kept_secret(file: Path, make: Callable[[], bytes]) -> bytes:
    """Return the file's content, made by `make` when there is none: whole and durable, or not at all.

    Of two processes that make it at once, one wins and both return the same.
    """
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        _write(file, make())
    return file.read_bytes()


def _write(file: Path, secret: bytes) -> None:
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        out.write(secret)
        out.flush()
        os.fsync(out.fileno())
    try:
        os.link(draft, file)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
