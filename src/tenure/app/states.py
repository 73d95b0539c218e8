"""States of records told apart: the short text that is another as soon as anything in a record is."""

from __future__ import annotations

import hashlib

import msgspec


def etag_of(tag: str) -> str:
    """Return the strong ETag of a state."""
    return f'"{tag}"'


def etag(record: object) -> str:
    """Return the ETag of a record's state, to be sent back as If-Match by who decides on what a list shows; empty for none."""
    tag = state(record)
    return "" if tag is None else etag_of(tag)


def state(record: object) -> str | None:
    """Return what tells one state of a record from another, None where there is none; it says nothing of what is in it."""
    if record is None:
        return None
    return hashlib.sha256(msgspec.json.encode(record, order="deterministic")).hexdigest()[:16]
