"""A version and the trusted keys, read with nothing but SQLite: SQLAlchemy takes longer to import than this to answer."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tenure.model.lifecycle import Stage
from tenure.model.version import AliasRef, VersionRef

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Glance:
    """What the control database says of a version whose files are kept, and which keys are trusted."""

    ref: VersionRef
    digest: str
    trusted: frozenset[str]


_NUMBER = "SELECT number FROM model_alias WHERE model = ? AND alias = ?"
_DIGEST = "SELECT digest FROM model_version WHERE model = ? AND number = ? AND stage != ?"
_TRUSTED = "SELECT key FROM governance_trusted_key WHERE removed_at IS NULL"


def glance(file: Path, ref: VersionRef | AliasRef) -> Glance | None:
    """Return what a SQLite control database says, None where it does not tell; the stores say what is wrong then."""
    try:
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as database:
            if isinstance(ref, AliasRef):
                row = database.execute(_NUMBER, (ref.model, ref.alias)).fetchone()
                ref = VersionRef(ref.model, row[0] if row else 0)
            row = database.execute(_DIGEST, (ref.model, ref.number, Stage.DESTROYED.value)).fetchone()
            trusted = frozenset(key for (key,) in database.execute(_TRUSTED))
    except sqlite3.Error:
        return None
    return Glance(ref, row[0], trusted) if row else None
