"""The revision that a file was edited from, as its first line says: `base: 12`. It is of the file, never of the revision."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tenure.application.revisions.source import Source

KEY = "base"
_LINE = re.compile(r"^base:[^\n]*(?:\n|\Z)", re.MULTILINE)
_WRITTEN = "base: {number}  # the revision this file was edited from; apply refuses it when another is in force\n"


def base_of(source: Source) -> int | None:
    """Return the number of the revision that the file says it was edited from."""
    number = source.data.get(KEY)
    return number if isinstance(number, int) and not isinstance(number, bool) else None


def without_base(text: str) -> str:
    """Return the text as it is kept: without the line that names the base."""
    return _LINE.sub("", text)


def with_base(text: str, number: int) -> str:
    """Return the text as it is given to be edited: with a line that names the base."""
    line = _WRITTEN.format(number=number)
    return _LINE.sub(line, text, count=1) if _LINE.search(text) else line + text
