"""What a verification looked at and found."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@dataclass(frozen=True, slots=True)
class Findings:
    """How many things of each kind were looked at, and one sentence per thing that is not as it was written."""

    checked: Mapping[str, int] = field(default_factory=dict)
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Repaired:
    """Which files were healed from their other copy, and which are damaged in every copy there is."""

    healed: tuple[str, ...]
    lost: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Swept:
    """Files that nothing needs, as paths below the home, and their bytes."""

    files: tuple[str, ...]
    size: int


def joined(parts: Iterable[Findings]) -> Findings:
    """Return all findings as one."""
    checked: Counter[str] = Counter()
    problems: list[str] = []
    for part in parts:
        checked.update(part.checked)
        problems += part.problems
    return Findings(dict(checked), tuple(problems))
