"""The one base of every error that a person may read: a stable code, the facts, and the next step."""

from __future__ import annotations

import enum
from typing import Any, ClassVar


class Kind(enum.StrEnum):
    """What sort of refusal an error is; the entry points turn it into a status or an exit code."""

    BAD_INPUT = "bad_input"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    REFUSED = "refused"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    UNAVAILABLE = "unavailable"
    OVERLOADED = "overloaded"
    CORRUPT = "corrupt"
    TOO_LARGE = "too_large"


class TenureError(Exception):
    """Base of all own errors: `message` is filled from the facts, `next_step` says what to do about it.

    A subclass states `code` (stable, kebab-case), `kind`, `message` and `next_step`, the last two with
    `{fact}` places; raising it passes the facts: `raise UnknownModel(model="churn")`.
    """

    code: ClassVar[str] = "error"
    kind: ClassVar[Kind] = Kind.REFUSED
    message: ClassVar[str] = "{detail}"
    next_step: ClassVar[str] = ""

    def __init__(self, **facts: Any) -> None:
        self.facts = facts
        super().__init__(self.message.format(**facts))

    @property
    def hint(self) -> str:
        """Return the next step with the facts filled in, or an empty string."""
        return self.next_step.format(**self.facts)
