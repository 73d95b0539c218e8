"""Content addresses: sha256 written as `sha256:<64 hex>`, and the canonical JSON that they are taken of."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

_CHUNK = 1 << 20


def digest_of(content: bytes | memoryview) -> str:
    """Return the digest of bytes."""
    return "sha256:" + hashlib.sha256(content).hexdigest()


def digest_of_file(path: Path) -> str:
    """Return the digest of a file's bytes, read in pieces."""
    seen = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_CHUNK):
            seen.update(piece)
    return "sha256:" + seen.hexdigest()


def canonical(document: Any) -> bytes:
    """Return JSON with sorted keys, no spaces, UTF-8 and no NaN: equal documents give equal bytes.

    Numbers are written as Python's `repr` writes them. A digest is always taken of the bytes as stored, so a
    reader in another language never needs to write a number again to check it.
    """
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()
