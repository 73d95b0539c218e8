"""Comparing outputs: the same bits, or how far apart."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from tenure.kit.errors import Kind, TenureError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tenure.contract.schema import Schema


#: smaller numbers are compared as if they were this large: a probability of 1e-30 is as good as one of 1e-40
_SMALL = 1e-6


class GoldenMismatch(TenureError):
    """The rebuilt environment does not give the outputs that were recorded."""

    code = "golden-mismatch"
    kind = Kind.REFUSED
    message = "golden row {row} gave {found}, recorded was {expected} (CPU: {cpu}; recorded on {recorded})"
    next_step = (
        "the environment is not the one the package was sealed with; package the model again on this kind of machine"
    )


class GoldenFailed(TenureError):
    """The model raised on a golden row."""

    code = "golden-failed"
    kind = Kind.BAD_INPUT
    message = "the model failed on golden row {row}: {error}"
    next_step = "check that --inputs are rows as the model takes them, and that the requirements fit the saved model"


class AuthorDiffers(TenureError):
    """The sealed environment gives other outputs than the author's own process."""

    code = "author-differs"
    kind = Kind.REFUSED
    message = (
        "the sealed environment differs from the author's outputs by {difference:g} (relative), more than {tolerance:g}"
    )
    next_step = "pin the versions the model was fitted with in the requirements, or state a larger tolerance"


def tolerance_of(stated: float, outputs: Schema) -> float:
    """Return the stated tolerance, or where none was: 1e-6, for single precision 1e-4."""
    return stated or (1e-4 if any(field.wire_dtype == "float32" for field in outputs) else 1e-6)


def difference(expected: Sequence[dict[str, Any]], found: Sequence[dict[str, Any]]) -> float:
    """Return the largest relative difference between two tables' numbers; infinite where anything else differs."""
    if len(expected) != len(found):
        return math.inf
    pairs = zip(expected, found, strict=True)
    return max((_apart(a.get(name), b.get(name)) for a, b in pairs for name in a.keys() | b.keys()), default=0.0)


def _apart(a: Any, b: Any) -> float:
    if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)) and len(a) == len(b):
        return max((_apart(one, other) for one, other in zip(a, b, strict=True)), default=0.0)
    if not _is_number(a) or not _is_number(b):
        return 0.0 if a == b else math.inf
    if a == b or (a != a and b != b):  # noqa: PLR0124 - NaN is the one number unequal to itself
        return 0.0
    apart = abs(a - b) / max(abs(a), abs(b), _SMALL)
    return apart if math.isfinite(apart) else math.inf


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
