"""The home's own secrets."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from tenure.adapters.secret_files import kept_secret

if TYPE_CHECKING:
    from tenure.settings import Home

_KEY_BYTES = 32


def persons_key(home: Home) -> bytes:
    """Return the master key under which persons get their pseudonyms: 32 bytes, the same for ever.

    Losing it is losing the way from an entity to its decisions; a backup of the home holds it.
    """
    return kept_secret(home.keys / "persons.key", lambda: os.urandom(_KEY_BYTES))


def answers_key(home: Home) -> bytes:
    """Return the home's half of the keys under which answers are kept to be given again (adapters/answers.py)."""
    return kept_secret(home.keys / "answers.key", lambda: os.urandom(_KEY_BYTES))
