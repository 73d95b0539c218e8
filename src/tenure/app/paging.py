"""Lists in pages: the one place where rows are filtered, ordered and cut, for the API and for commands alike.

Every list has an order in which no two rows are equal. A cursor is the place of the last row in that order, not a count
and not the row itself: what is added or removed meanwhile neither repeats nor hides another row.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, get_origin
from urllib.parse import parse_qsl, urlencode

import msgspec

from tenure.app.calls.choices import one_of
from tenure.application.revisions.life import Stage as RevisionStage
from tenure.governance.access import Role
from tenure.kit.cursors import Page, UnusableCursor, closed, opened
from tenure.model.lifecycle import Stage

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tenure.app import wire
    from tenure.app.actions import Action
    from tenure.kit.cursors import Place


@dataclass(frozen=True, slots=True)
class Listed:
    """How a list is ordered: by the fields in `key`, which together no two rows share.

    `name` is the field that the parameter `name` is looked for in; `equal` are the parameters that a row's field of the
    same name must be, with the words they may be (none: any). `deep`: the action itself reads on after a cursor, since
    there may be more rows than anybody wants to hold; it is given the place in words.
    """

    key: tuple[str, ...]
    newest_first: bool = False
    name: str = ""
    equal: Mapping[str, Sequence[str]] = field(default_factory=dict)
    deep: bool = False

    def place(self, row: Any) -> Place:
        """Return where a row stands."""
        return tuple(getattr(row, name) for name in self.key)

    def matches(self, row: Any, given: Any) -> bool:
        """Return whether a row is among those asked for."""
        if self.name and given.name.casefold() not in getattr(row, self.name).casefold():
            return False
        # Who is shown by the name that people know has an id beside it, which will do as well.
        return all(
            getattr(given, name) in {"", getattr(row, name), getattr(row, f"{name}_id", "")} for name in self.equal
        )


_ROLES = tuple(Role)

#: every list, by the name of its action
LISTS: dict[str, Listed] = {
    "models:list": Listed(("model",), name="model"),
    "versions:list": Listed(("version",), equal={"stage": tuple(Stage)}),
    "applications:list": Listed(("application",), name="application", equal={"owner": (), "project": (), "model": ()}),
    "applications:history": Listed(("at", "ref"), newest_first=True),
    "applications:revisions": Listed(("revision",), newest_first=True, equal={"stage": tuple(RevisionStage)}),
    "projects:list": Listed(("project",), name="project", equal={"owner": ()}),
    "decisions:reviews": Listed(("application", "since", "decision_id"), deep=True),
    "features:list": Listed(("view",), name="view", equal={"owner": ()}),
    "alerts:list": Listed(("opened_at", "id"), newest_first=True, equal={"kind": ()}),
    "webhooks:list": Listed(("webhook",), name="webhook"),
    "audit:log": Listed(("sequence",), newest_first=True, deep=True),
    "tokens:list": Listed(("created_at", "id"), name="name", equal={"role": _ROLES}),
    "users:list": Listed(("user",), name="user", equal={"role": _ROLES}),
    "sessions:list": Listed(("began_at", "session"), equal={"subject": ()}),
    "trust:list": Listed(("added_at", "key"), name="name"),
}


def is_list(output: Any) -> bool:
    """Return whether an action answers with a list of records."""
    return get_origin(output) is list


def is_page(output: Any) -> bool:
    """Return whether an action answers with a page that names the next one itself."""
    return isinstance(output, type) and "next_cursor" in getattr(output, "__struct_fields__", ())


def listed(action: Action, given: wire.Listing, read: Callable[[Any], Sequence[Any]]) -> Page:
    """Return the page of a list that is asked for; `read` performs the action.

    Raises `UnusableCursor`, and `NotOneOf` for a filter that no row can match.
    """
    known = LISTS[action.name]
    for name, words in known.equal.items():
        if words:
            one_of(name, getattr(given, name), words)
    after = opened(action.name, given.cursor, len(known.key))
    asked = given
    if known.deep:
        # One more than asked for tells whether there is a next page.
        cursor = "" if after is None else " ".join(str(part) for part in after)
        asked = msgspec.structs.replace(given, limit=given.limit + 1, cursor=cursor)
    rows = [row for row in read(asked) if known.matches(row, given)]
    return page_of(action.name, known, rows, given.limit, after)


def page_of(name: str, known: Listed, rows: Sequence[Any], limit: int, after: Place | None) -> Page:
    """Return at most `limit` of the rows, in the list's order, from behind the place `after`."""
    ordered = sorted(rows, key=known.place, reverse=known.newest_first)
    try:
        behind = [row for row in ordered if after is None or _is_behind(known, row, after)]
    except TypeError as error:
        raise UnusableCursor from error
    page = behind[:limit]
    return Page(page, closed(name, known.place(page[-1])) if len(behind) > limit else "")


def _is_behind(known: Listed, row: Any, after: Place) -> bool:
    place = known.place(row)
    return place < after if known.newest_first else place > after


def link_to(path: str, query: str, cursor: str) -> str:
    """Return the Link header of the next page: the same question, from the cursor on."""
    asked = [(name, value) for name, value in parse_qsl(query) if name not in {"cursor", "after"}]
    return f'<{path}?{urlencode([*asked, ("cursor", cursor)])}>; rel="next"'
