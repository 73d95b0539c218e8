"""One business rule, as its author wrote it."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import msgspec

Phase: TypeAlias = Literal["before", "after"]
OnMissing: TypeAlias = Literal["error", "skip"]


class Rule(msgspec.Struct, frozen=True, omit_defaults=True):
    """When `when` is true, the rule fires: with an `answer` it settles the decision, with `review` it asks for a person.

    `before` or `after` the model is asked. `on_missing` says what follows when a value that the condition needs is
    missing: `error` refuses the request naming the field, `skip` goes on to the next rule; None means that the check
    has shown that nothing can be missing. An answer may hold `{expr: "…"}` in any place (answers.py).
    """

    id: str
    when: str
    phase: Phase = "before"
    on_missing: OnMissing | None = None
    answer: dict[str, Any] | None = None
    reason: str | None = None
    review: str | None = None
