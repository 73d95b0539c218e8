"""The route whose answer goes on until somebody leaves, as gateway and control must both know it."""

from __future__ import annotations

#: `entrypoints/api/changes.py` answers it; the relay counts who listens apart from who waits for an answer
CHANGES = "/api/v1/changes"
