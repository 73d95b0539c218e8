"""The way back from a backup, for `tenure up --from`: before there is a home, so no action of the table."""

from __future__ import annotations

from tenure.adapters.backup import read_manifest, restore

__all__ = ["read_manifest", "restore"]
