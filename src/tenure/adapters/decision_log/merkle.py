"""The Merkle tree over the log's leaves: RFC 9162, section 2.1, with SHA-256. Pure; entries are the 32-byte leaves.

A tree of n entries is kept as its `Frontier`: the roots of its whole subtrees, one for each bit of n that is set. That
is all that is needed to go on, so a checkpoint costs only the leaves that came since the last.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

SIZE = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()


def leaf_hash(entry: bytes) -> bytes:
    """Return the hash of one entry."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash over two subtrees."""
    return hashlib.sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True, slots=True)
class Frontier:
    """A tree of `size` entries: the roots of its whole subtrees, the largest first."""

    size: int = 0
    peaks: tuple[bytes, ...] = ()

    def extended(self, entries: Iterable[bytes]) -> Frontier:
        """Return the tree with more entries."""
        size, peaks = self.size, list(self.peaks)
        for entry in entries:
            peak, rest = leaf_hash(entry), size
            while rest & 1:
                peak, rest = node_hash(peaks.pop(), peak), rest >> 1
            peaks.append(peak)
            size += 1
        return Frontier(size, tuple(peaks))

    @property
    def root(self) -> bytes:
        """Return the tree's root."""
        if not self.peaks:
            return EMPTY_ROOT
        root = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            root = node_hash(peak, root)
        return root


def entries_of(leaves: bytes, first: int, end: int) -> Iterable[bytes]:
    """Return the entries [first, end) of a leaves file's bytes."""
    return (leaves[at : at + SIZE] for at in range(first * SIZE, end * SIZE, SIZE))


def inclusion(leaves: bytes, index: int, size: int) -> list[bytes]:
    """Return the path from entry `index` to the root of the first `size` entries (section 2.1.3.1)."""
    path: list[bytes] = []
    first, end = 0, size
    while end - first > 1:
        middle = first + _split(end - first)
        if index < middle:
            path.append(_root(leaves, middle, end))
            end = middle
        else:
            path.append(_root(leaves, first, middle))
            first = middle
    return path[::-1]


def consistency(leaves: bytes, old: int, size: int) -> list[bytes]:
    """Return the proof that the first `old` of `size` entries are a beginning of them all (section 2.1.4.1).

    `old` is at least 1 and at most `size`; for equal sizes the proof is empty.
    """
    path: list[bytes] = []
    first, end, whole = 0, size, True
    while first + (rest := old - first) < end:
        middle = first + _split(end - first)
        if rest <= middle - first:
            path.append(_root(leaves, middle, end))
            end = middle
        else:
            path.append(_root(leaves, first, middle))
            first, whole = middle, False
    if not whole:
        path.append(_root(leaves, first, end))
    return path[::-1]


def _split(count: int) -> int:
    """Return the largest power of two below `count`, which is at least 2."""
    return 1 << ((count - 1).bit_length() - 1)


def _root(leaves: bytes, first: int, end: int) -> bytes:
    return Frontier().extended(entries_of(leaves, first, end)).root
