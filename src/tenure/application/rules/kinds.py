"""The kinds of value that an expression can have, and the scope that says which names it may read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tenure.kit.words import nearest as closest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tenure.contract.schema import Field


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of value; a list says the kind of its items."""

    name: str
    words: str
    item: Kind | None = None

    def __str__(self) -> str:
        return self.words


INT = Kind("int", "a whole number")
FLOAT = Kind("float", "a number with decimals")
BOOL = Kind("bool", "true or false")
STRING = Kind("string", "text")
TIMESTAMP = Kind("timestamp", "a moment")
DATE = Kind("date", "a day")
KINDS = {kind.name: kind for kind in (INT, FLOAT, BOOL, STRING, TIMESTAMP, DATE)}


def list_of(item: Kind) -> Kind:
    """Return the kind of a list of `item`."""
    return Kind("list", f"a list of which each is {item}", item)


def kind_of(column: Field) -> Kind:
    """Return the kind of one value of a column; a column with a shape is a list of lists, one level for each side."""
    kind = KINDS[column.type]
    for _ in column.shape:
        kind = list_of(kind)
    return kind


@dataclass(frozen=True, slots=True)
class Known:
    """A name that can be read: `key` is its place in the facts; the door lets in only `values`, or from `minimum` on.

    `length` is that of a list of single values whose length is fixed.
    """

    key: str
    kind: Kind
    nullable: bool
    personal: bool = False
    values: tuple[str, ...] | None = None
    minimum: float | None = None
    maximum: float | None = None
    length: int | None = None


@dataclass(frozen=True, slots=True)
class Scope:
    """What an expression may read: by its own name, or by the name of its place (`request`, a view, `output`) and a dot.

    `hints` says of a name that cannot be read here why that is so. `each` has the views that are read for every item of
    a list, by the list's key and the view's name: only what looks at single items can read them.
    """

    names: Mapping[str, Known]
    places: Mapping[str, Mapping[str, Known]]
    hints: Mapping[str, str] = field(default_factory=dict)
    each: Mapping[str, Mapping[str, Mapping[str, Known]]] = field(default_factory=dict)

    def everything(self) -> list[str]:
        """Return every name that may be written, for suggestions."""
        return [*self.names, *self.places, *(f"{place}.{name}" for place, of in self.places.items() for name in of)]


def scope_of(places: Mapping[str, Iterable[Known]], hints: Mapping[str, str] | None = None) -> Scope:
    """Return the scope of some places; names of `request` and views stand alone too where only one place has them."""
    by_place = {place: {known.key.removeprefix(f"{place}."): known for known in of} for place, of in places.items()}
    owners: dict[str, list[str]] = {}
    for place, of in by_place.items():
        for name in of if place != "output" else ():
            owners.setdefault(name, []).append(place)
    alone = {name: by_place[places[0]][name] for name, places in owners.items() if len(places) == 1}
    twice = {
        name: f"write {' or '.join(f'{place}.{name}' for place in places)}"
        for name, places in owners.items()
        if len(places) > 1
    }
    return Scope(alone, by_place, twice | dict(hints or {}))


def nearest(word: str, among: Iterable[str]) -> str:
    """Return `; did you mean X?` for the nearest of the words, or an empty string when none is near."""
    near = closest(word, among)
    return f"; did you mean {near!r}?" if near else ""
