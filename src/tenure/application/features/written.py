"""A feature view as people write it: the text of a `view.yaml` to a view, or every problem with its line and column."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from tenure.application.features.view import Aggregate, Feed, View
from tenure.application.revisions.problems import located
from tenure.application.revisions.reading import Reader
from tenure.application.revisions.source import Source
from tenure.application.rules.kinds import nearest
from tenure.contract.schema import ANY_LENGTH, Field
from tenure.kit.errors import Kind, TenureError

if TYPE_CHECKING:
    from tenure.contract.schema import FieldType

KEYS = ("view", "entity", "key", "owner", "description", "ttl", "from", "columns", "defaults")
_HOWS = ("count", "sum", "mean", "last", "list")


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
        feed = self._feed()
        view = View(
            name=read.name(found, "view", ()),
            key=read.text(found, "key", (), ""),
            columns=self._written() if feed is None else tuple(_computed(column, feed) for column in feed.columns),
            owner=read.text(found, "owner", (), ""),
            ttl_us=read.duration(found, "ttl", (), None),
            defaults=read.of_type(found, "defaults", dict, (), {}),
            entity=read.text(found, "entity", (), ""),
            description=read.text(found, "description", (), ""),
            feed=feed,
        )
        self._check(view)
        return view

    def _written(self) -> tuple[Field, ...]:
        return tuple(_column(field) for field in self._read.fields(self._found, "columns", ()))

    def _feed(self) -> Feed | None:
        """Return the events that the columns are computed from, None where rows are written into the view."""
        if "from" not in self._found:
            return None
        read, path, needed = self._read, ("from",), ("application", "event", "fields")
        found = read.mapping(self._found["from"], path, needed, needed)
        fields = read.fields(found, "fields", path)
        key = read.text(self._found, "key", (), "")
        if key and key not in {field.name for field in fields}:
            read.refuse((*path, "fields"), f"the event has no field {key!r}, by which the view is kept")
        written = read.of_type(self._found, "columns", dict, (), {})
        return Feed(
            application=read.name(found, "application", path),
            event=read.name(found, "event", path),
            fields=fields,
            columns=tuple(self._aggregate(name, value, fields) for name, value in written.items()),
        )

    def _aggregate(self, name: str, value: Any, fields: tuple[Field, ...]) -> Aggregate:
        read, path = self._read, ("columns", name)
        found = read.mapping(value, path, ("aggregate", "of", "window"), ("aggregate",))
        how = read.one_of(found, "aggregate", _HOWS, path, "count")
        of = read.text(found, "of", path, "") or ""
        kinds = {field.name: field.type for field in fields}
        if of and of not in kinds:
            read.refuse((*path, "of"), f"the event has no field {of!r}{nearest(of, kinds)}")
        elif not of and how != "count":
            read.refuse(path, f"a {how} is of a field of the event: of: FIELD")
        elif how in {"sum", "mean"} and kinds[of] not in {"int", "float"}:
            read.refuse((*path, "of"), f"{of} is {kinds[of]}; a {how} is of numbers")
        return Aggregate(name, how, of, read.duration(found, "window", path, None))

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


def _computed(column: Aggregate, feed: Feed) -> Field:
    """Return the column that an aggregate gives: a mean or a last of nothing is missing, a list of nothing is empty."""
    kinds = {field.name: field.type for field in feed.fields}
    fixed: dict[str, FieldType] = {"count": "int", "mean": "float"}
    kind = fixed.get(column.how) or kinds.get(column.of, "float")
    shape = (ANY_LENGTH,) if column.how == "list" else ()
    return Field(column.name, kind, nullable=column.how in {"mean", "last"}, shape=shape)


def _column(field: Field) -> Field:
    """Return the column; `required: false` says, as in a request, that a value may be missing."""
    return msgspec.structs.replace(field, required=True, nullable=not field.required)
