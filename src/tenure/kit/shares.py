"""A stable share: the same names are in it each time, and a larger share holds the smaller one."""

from __future__ import annotations

from hashlib import blake2b

_WHOLE = 1 << 64


def in_share(name: str, key: str, share: float) -> bool:
    """Return whether the name is among the `share` of all names that this key picks.

    A keyed hash decides (BLAKE2b, RFC 7693), so shares under different keys are independent: who is in one canary is no
    likelier to be in the next. Widening a share keeps those who are in it.
    """
    digest = blake2b(name.encode(), digest_size=8, key=key.encode()[:64]).digest()
    return int.from_bytes(digest, "big") < share * _WHOLE
