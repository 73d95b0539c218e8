"""Lists that a model gives, filtered and put into another order by rules: what its items are, kept and ranked by whom.

Outputs of the same length belong together: `item` is one of the list that the rule names, `item.score` what stands at its
place in the output `score`, and `movies.genre` what a view that is read for each item says of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

from tenure.application.rules.errors import BrokenExpression
from tenure.application.rules.expressions import compile_condition, compile_expression
from tenure.application.rules.kinds import Known, nearest
from tenure.application.rules.typed import refuse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tenure.application.rules.kinds import Scope
    from tenure.application.rules.operators import Run
    from tenure.application.rules.rule import Filter, Rerank

ITEM = "item"
#: facts that are kept by item: `each.VIEW` has the columns of the view by the item's key
EACH = "each."

#: the facts as each item sees them → the places that stay, in their order
Chosen: TypeAlias = Callable[[Iterator[dict[str, Any]]], list[int]]


@dataclass(frozen=True, slots=True)
class Together:
    """The outputs that belong to a list: their keys, and the scope in which an expression looks at one item."""

    key: str
    outputs: Mapping[str, str]
    views: Mapping[str, Mapping[str, str]]
    scope: Scope


def together(of: str, scope: Scope) -> Together:
    """Return the list that an output is with all that goes along; raise `BrokenExpression`."""
    outputs = scope.places.get("output", {})
    if not outputs:
        refuse("only a rule after the model can change what the model said; write `after: model`", 0)
    if of not in outputs:
        refuse(f"the model has no output {of!r}{nearest(of, outputs)}", 0)
    known = outputs[of]
    if known.length is None or known.kind.item is None:
        refuse(f"output.{of} is {known.kind}, no list of single values", 0)
    beside = {name: one for name, one in outputs.items() if one.length == known.length}
    items = {name: _item(name, one) for name, one in beside.items()}
    views = scope.each.get(known.key, {})
    return Together(
        key=known.key,
        outputs={f"{ITEM}.{name}": one.key for name, one in beside.items()},
        views={
            f"{EACH}{view}": {column.key.removeprefix(f"{view}."): column.key for column in of_view.values()}
            for view, of_view in views.items()
        },
        scope=replace(
            scope,
            names={**scope.names, ITEM: items[of]},
            places={**scope.places, ITEM: items, **views},
        ),
    )


def _item(name: str, known: Known) -> Known:
    assert known.kind.item is not None, "a list has items"
    return Known(f"{ITEM}.{name}", known.kind.item, known.nullable)


def filtering(filter: Filter, scope: Scope) -> Callable[[dict[str, Any]], None]:  # noqa: A002 - the rule's own word
    """Return what takes items out of a list in the facts; raise `BrokenExpression`."""
    list_ = together(filter.of, scope)
    with _part("keep"):
        keep = None if filter.keep is None else compile_condition(filter.keep, list_.scope).run
    with _part("per"):
        per = None if filter.per is None else _single(filter.per, list_.scope)
    most = filter.most

    def chosen(items: Iterator[dict[str, Any]]) -> list[int]:
        kept: list[int] = []
        counts: dict[Any, int] = {}
        for place, item in enumerate(items):
            if keep is not None and not keep(item):
                continue
            group = None if per is None else per(item)
            counts[group] = counts.get(group, 0) + 1
            if most is None or counts[group] <= most:
                kept.append(place)
        return kept

    return _changing(list_, chosen)


def reranking(rerank: Rerank, scope: Scope) -> Callable[[dict[str, Any]], None]:
    """Return what puts a list in the facts into another order; equal items stay as they were. Raise `BrokenExpression`."""
    list_ = together(rerank.of, scope)
    with _part("by"):
        by = _single(rerank.by, list_.scope)
    falling = rerank.order == "falling"

    def chosen(items: Iterator[dict[str, Any]]) -> list[int]:
        values = [by(item) for item in items]
        # NaN compares with nothing; it stands last in either order.
        keys = [(value == value, value) if value == value else (False, 0) for value in values]  # noqa: PLR0124
        if not falling:
            keys = [(not there, value) for there, value in keys]
        return sorted(range(len(values)), key=lambda place: keys[place], reverse=falling)

    return _changing(list_, chosen)


@contextmanager
def _part(name: str) -> Iterator[None]:
    """Say of a broken expression which part of the action it is."""
    try:
        yield
    except BrokenExpression as error:
        raise BrokenExpression(why=str(error), at=error.facts["at"], part=name) from error


def _single(text: str, scope: Scope) -> Run:
    typed = compile_expression(text, scope)
    if typed.kind.item is not None:
        refuse(f"this must be a single value; it is {typed.kind}", 0)
    if typed.is_constant:
        refuse("this is the same for every item", 0)
    return typed.run


def _changing(list_: Together, chosen: Chosen) -> Callable[[dict[str, Any]], None]:
    def change(facts: dict[str, Any]) -> None:
        if facts[list_.key] is None:  # the model may leave the list out
            return
        places = chosen(_items(list_, facts))
        for key in list_.outputs.values():
            if facts[key] is not None:
                whole = facts[key]
                facts[key] = [whole[place] for place in places]

    return change


def _items(list_: Together, facts: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Give the facts as each item sees them: one dictionary, written anew for the next."""
    item = dict(facts)
    lists = [(name, facts[key]) for name, key in list_.outputs.items()]
    views = [(facts.get(name, {}), columns) for name, columns in list_.views.items()]
    for place, value in enumerate(facts[list_.key]):
        for name, values in lists:
            item[name] = None if values is None else values[place]
        for by_key, columns in views:
            of_item = by_key.get(str(value), {})
            for column, key in columns.items():
                item[key] = of_item.get(column)
        yield item
