"""What somebody meant who wrote a word that does not exist."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def nearest(word: str, among: Iterable[str]) -> str:
    """Return the nearest of the words that do exist, or an empty string when none is near."""
    near = difflib.get_close_matches(word, list(among), n=1, cutoff=0.6)
    return near[0] if near else ""


def advice(near: str, among: Iterable[str]) -> str:
    """Return the next step for somebody who wrote a word that does not exist: the nearest, and all there are."""
    names = ", ".join(among)
    if not names:
        return "leave it out; nothing can be said here"
    return f"did you mean {near!r}? Use one of: {names}" if near else f"use one of: {names}"
