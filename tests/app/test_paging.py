"""Lists in pages: whatever comes and goes between two pages, no row comes twice and none that stayed is missing."""

from __future__ import annotations

from typing import get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenure.app import wire
from tenure.app.actions import ACTIONS, named
from tenure.app.paging import LISTS, Listed, is_list, link_to, listed, page_of
from tenure.client.client import next_cursor
from tenure.kit.cursors import UnusableCursor, closed, opened

LIST = "tokens:list"


class Row(msgspec.Struct, frozen=True):
    at: str
    number: int


ROWS = st.builds(Row, st.sampled_from("abc"), st.integers(0, 9))


@given(
    first=st.sets(ROWS),
    changes=st.lists(st.tuples(st.sets(ROWS), st.sets(ROWS)), max_size=12),
    limit=st.integers(1, 4),
    newest_first=st.booleans(),
)
def test_rows_that_come_and_go_between_two_pages_neither_repeat_nor_hide_others(
    first: set[Row], changes: list[tuple[set[Row], set[Row]]], limit: int, newest_first: bool
) -> None:
    known = Listed(("at", "number"), newest_first=newest_first)
    rows, stayed = set(first), set(first)
    seen: list[Row] = []
    cursor = ""
    pending = iter(changes)
    while True:
        page = page_of(LIST, known, list(rows), limit, opened(LIST, cursor, 2))
        seen += page.rows
        assert len(page.rows) <= limit
        cursor = page.next_cursor
        if not cursor:
            break
        more, less = next(pending, (set(), set()))
        rows = (rows | more) - less
        stayed -= less
    assert len(seen) == len(set(seen)), "a row came twice"
    assert stayed <= set(seen), "a row that was there all the time is missing"
    assert seen == sorted(seen, key=known.place, reverse=newest_first)


def test_a_cursor_of_something_else_is_refused() -> None:
    known = Listed(("at", "number"))
    strange = [closed(LIST, ("a",)), closed("users:list", ("a", 1)), "!", "bm9uZQ", "e30", closed(LIST, ())]
    for cursor in strange:
        with pytest.raises(UnusableCursor):
            opened(LIST, cursor, 2)
    with pytest.raises(UnusableCursor):
        page_of(LIST, known, [Row("a", 1)], 1, (1, "a"))
    assert next_cursor(link_to("/x", "a=1&cursor=old", closed("ü", (1,)))) == closed("ü", (1,))


def test_every_list_says_how_it_is_ordered_and_takes_a_limit_and_a_cursor() -> None:
    lists = {action.name: action for action in ACTIONS if is_list(action.output)}
    assert lists.keys() == LISTS.keys()
    for name, known in LISTS.items():
        (row,) = get_args(lists[name].output)
        fields = {field.name for field in msgspec.structs.fields(row)}
        assert issubclass(lists[name].input, wire.Listing), name
        asked = {field.name for field in msgspec.structs.fields(lists[name].input)}
        assert {*known.key, *known.equal, *([known.name] if known.name else [])} <= fields, name
        assert {*known.equal, *(["name"] if known.name else [])} <= asked, name


def test_a_list_is_filtered_before_it_is_cut() -> None:
    rows = [model(name) for name in ("churn", "Churn-2", "sales", "old-churn")]
    action = named("models:list")
    page = listed(action, wire.ListModels(name="CHURN", limit=2), lambda _: rows)
    assert [one.model for one in page.rows] == ["Churn-2", "churn"]
    rest = listed(action, wire.ListModels(name="CHURN", limit=2, cursor=page.next_cursor), lambda _: rows)
    assert ([one.model for one in rest.rows], rest.next_cursor) == (["old-churn"], "")


def model(name: str) -> wire.ModelAnswer:
    return wire.ModelAnswer(model=name, champion=None, aliases={}, versions=0, url="")
