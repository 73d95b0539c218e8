"""How long a client may keep a connection waiting; pure decisions over loop times."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

#: a body that arrives more slowly than this, once the first seconds are over, is an attack or a broken line
_SLOWEST_BYTES_PER_SECOND = 8192
#: bytes that a client may go on sending after its request was answered, so that it comes to read the answer: twice the
#: largest body, since most clients send all before they read
MOST_EXCESS = 64 << 20


@dataclass(slots=True)
class Patience:
    """The bounds of all connections of one gateway; `leaving` is set once and for all when it drains.

    In `read_seconds` a client must take at least a part of its answer. `cut_off` counts who was not waited for, by why.
    """

    header_seconds: float = 10.0
    read_seconds: float = 30.0
    leaving: bool = False
    cut_off: Counter[str] = field(default_factory=Counter)

    def header_is_late(self, since: float, now: float) -> bool:
        """Return whether a header awaited since `since` (0.0: none is) is overdue."""
        return bool(since) and now - since > self.header_seconds

    def body_is_late(self, since: float, received: int, now: float) -> bool:
        """Return whether a body awaited since `since` (0.0: none is) arrives too slowly."""
        return bool(since) and received < (now - since - self.header_seconds) * _SLOWEST_BYTES_PER_SECOND

    def answer_is_late(self, since: float, now: float) -> bool:
        """Return whether a client that has read nothing since `since` (0.0: it reads) is given up."""
        return bool(since) and now - since > self.read_seconds
