"""How fresh feature views are, as control has counted it: written by control, read by gateways for `/metrics`.

Moments stand there, not ages: what is read while control is away is still right but for what was written since.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class Freshness(msgspec.Struct, frozen=True):
    """One view: how many keys it has, when the newest value became known (UTC microseconds), how many keys are stale."""

    keys: int
    newest: int | None
    stale: int


def write(file: Path, views: Mapping[str, Freshness]) -> None:
    """Put this in the file's place at once: who reads sees all of the old or all of the new."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_suffix(".draft")
    draft.write_bytes(msgspec.json.encode(views))
    os.replace(draft, file)  # noqa: PTH105 - the same, and it says what it does


def read(file: Path) -> dict[str, Freshness]:
    """Return what was counted last, by view; nothing where nobody has counted yet."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=dict[str, Freshness])
    except (OSError, msgspec.DecodeError):
        return {}
