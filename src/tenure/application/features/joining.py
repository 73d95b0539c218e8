"""What a training set is joined with: which views, by which columns of the rows, and what stands in for a missing value."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tenure.application.features.view import UnknownView
from tenure.kit.errors import Kind, TenureError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tenure.application.features.view import View
    from tenure.application.revisions.terms import FeatureUse


class NoViews(TenureError):
    """Nothing was named to join with."""

    code = "no-views"
    kind = Kind.BAD_INPUT
    message = "no feature view was named to join with"
    next_step = (
        "name views (--view NAME, or NAME:COLUMN for another key column), or an application (--application NAME)"
    )


class BadJoin(TenureError):
    """The rows cannot be joined."""

    code = "bad-join"
    kind = Kind.BAD_INPUT
    message = "{why}"
    next_step = "each row needs its keys and its moment: --at COLUMN with dates, times or RFC 3339 text"


@dataclass(frozen=True, slots=True)
class Joining:
    """One view to be joined by the rows' column `key`; `fills` stand in for what is missing."""

    view: View
    key: str
    fills: Mapping[str, Any] = field(default_factory=dict)


def by_name(views: Mapping[str, View], asked: Mapping[str, str]) -> list[Joining]:
    """Return the views asked for (name → key column of the rows, empty: the view's own); raise `UnknownView`."""
    for name in asked:
        if name not in views:
            raise UnknownView(view=name)
    return [Joining(views[name], column or views[name].key) for name, column in asked.items()]


def as_used(views: Mapping[str, View], uses: Sequence[FeatureUse]) -> list[Joining]:
    """Return the views as an application reads them: its key fields, and its defaults where it says `on_missing: default`."""
    return [
        Joining(views[use.view], use.key, dict(use.defaults) if use.on_missing == "default" else {})
        for use in uses
        if use.view in views and not use.each
    ]
