"""The home's own secrets, made on first use by whoever needs them first, readable to the owner alone."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from tenure.settings import Home

_KEY_BYTES = 32


def persons_key(home: Home) -> bytes:
    """Return the master key under which persons get their pseudonyms: 32 bytes, the same for ever.

    Losing it is losing the way from an entity to its decisions; a backup of the home holds it.
    """
    file = home.keys / "persons.key"
    if not file.exists():
        home.keys.mkdir(parents=True, exist_ok=True, mode=0o700)
        _make(file)
    return file.read_bytes()


def _make(file: Path) -> None:
    """Make the file whole or not at all; of two processes that try at once, one wins and both read the same."""
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.write(descriptor, os.urandom(_KEY_BYTES))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    try:
        os.link(draft, file)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
