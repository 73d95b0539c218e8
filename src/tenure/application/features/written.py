"""A feature view as people write it: the text of a `view.yaml` to a view, or every problem with its line and column."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from tenure.application.features.view import View
from tenure.application.revisions.problems import located
from tenure.application.revisions.reading import Reader
from tenure.application.revisions.source import Source
from tenure.application.rules.kinds import nearest
from tenure.kit.errors import Kind, TenureError

if TYPE_CHECKING:
    from tenure.contract.schema import Field

KEYS = ("view", "entity", "key", "owner", "description", "ttl", "columns", "defaults")


class BrokenView(TenureError):
    """The definition of a view is refused; `problems` lists everything that was found."""

    code = "broken-view"
    kind = Kind.BAD_INPUT
    message = "the feature view is refused:\n{listed}"
    next_step = "correct the file and apply it again; docs/features.md says what may stand in it"


def parse_view(text: str) -> View:
    """Return the view that the text says; raise `BrokenView` with all problems."""
    source = Source(text)
    problems = list(source.problems)
    view = _View(Reader(problems, source.keys), source.data).whole()
    if problems:
        placed = [problem for problem in problems if problem.line]
        placed += located([problem for problem in problems if not problem.line], source.places)
        placed.sort(key=lambda problem: (problem.line, problem.column))
        listed = "\n".join(f"  {problem}" for problem in placed)
        raise BrokenView(listed=listed, problems=[problem.facts() for problem in placed])
    return view


class _View:
    """Reads the top level."""

    def __init__(self, reader: Reader, data: Any) -> None:
        self._read = reader
        self._found = reader.mapping(data, (), KEYS, ("view", "key", "columns"))

    def whole(self) -> View:
        read, found = self._read, self._found
        view = View(
            name=read.name(found, "view", ()),
            key=read.text(found, "key", (), ""),
            columns=tuple(_column(field) for field in read.fields(found, "columns", ())),
            owner=read.text(found, "owner", (), ""),
            ttl_us=read.duration(found, "ttl", (), None),
            defaults=read.of_type(found, "defaults", dict, (), {}),
            entity=read.text(found, "entity", (), ""),
            description=read.text(found, "description", (), ""),
        )
        self._check(view)
        return view

    def _check(self, view: View) -> None:
        names = {column.name for column in view.columns}
        if view.key in names:
            self._read.refuse(("columns", view.key), "the key is no column: it says whose the columns are")
        if not names and "columns" in self._found:
            self._read.refuse(("columns",), "a view has at least one column")
        for name in view.defaults:
            if name not in names:
                why = f"a default for a column that the view does not have{nearest(name, names)}"
                self._read.refuse(("defaults", name), why, at_key=True)


def _column(field: Field) -> Field:
    """Return the column; `required: false` says, as in a request, that a value may be missing."""
    return msgspec.structs.replace(field, required=True, nullable=not field.required)
