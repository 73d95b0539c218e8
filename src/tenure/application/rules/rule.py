"""One business rule, as its author wrote it."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import msgspec

Phase: TypeAlias = Literal["before", "after"]
OnMissing: TypeAlias = Literal["error", "skip"]

#: the condition of a rule that is all table
ALWAYS = "true"


class Table(msgspec.Struct, frozen=True, omit_defaults=True):
    """A decision table: what its cells say, as text, so that a decision can be made again without the file.

    Columns are conditions (any expression), `answer.KEY`, `reason`, `review` and `note`. `unique`: at most one row may
    hold; `first`: the first that holds counts. `gaps: refused`: some row holds for every value there can be. `lines`
    are the rows' lines in `file`, the CSV file that the table was read from.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    hit: Literal["unique", "first"] = "unique"
    gaps: Literal["refused", "allowed"] = "refused"
    file: str = ""
    lines: tuple[int, ...] = ()


class Bound(msgspec.Struct, frozen=True, omit_defaults=True):
    """The least and the most that an output may be from here on."""

    minimum: float | None = None
    maximum: float | None = None


class Filter(msgspec.Struct, frozen=True, omit_defaults=True):
    """What stays of the list that the output `of` is: the items for which `keep` is true, at most `most` of them.

    With `per` at most `most` for each value of that expression, as for each genre. Outputs of the same length go along.
    """

    of: str
    keep: str | None = None
    per: str | None = None
    most: int | None = None


class Rerank(msgspec.Struct, frozen=True, omit_defaults=True):
    """A new order of the list that the output `of` is: by the value of `by`, the greatest first if `falling`."""

    of: str
    by: str
    order: Literal["falling", "rising"] = "falling"


class Rule(msgspec.Struct, frozen=True, omit_defaults=True):
    """When `when` is true, the rule fires: with an `answer` it settles the decision, everything else goes on.

    `review` asks for a person, a `reason` is added; `set`, `bound`, `filter` and `rerank` change outputs, in this order,
    for all that comes after. `model` is one of the definition's `models`: it is asked in the place of the usual one, unless
    a rule before chose already. With a `table` the rule fires if one of its rows holds, and that row says the answer, the reason and the review.

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
    model: str | None = None
    table: Table | None = None
    set: dict[str, Any] | None = None
    bound: dict[str, Bound] | None = None
    filter: Filter | None = None
    rerank: Rerank | None = None
