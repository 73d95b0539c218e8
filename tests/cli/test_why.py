"""What `tenure why` shows of lists: it stays one screen, however long they are."""

from typing import Any

from tenure.entrypoints.cli.why import _changes, _inputs


def test_a_filtered_list_is_told_by_what_it_lost_and_those_beside_it_are_not_told_again() -> None:
    outputs: list[dict[str, Any]] = [
        {"name": "output.items", "before": list(range(40)), "after": list(range(2, 40))},
        {"name": "output.score", "before": [1.0] * 40, "after": [1.0] * 38},
        {"name": "output.limit", "before": 9.5, "after": 3.25},
    ]
    assert _changes(outputs) == ["output.limit 9.5 → 3.25", "output.items 40 → 38 items, without 0, 1"]


def test_a_list_in_another_order_is_told_by_its_beginning() -> None:
    (line,) = _changes([{"name": "output.items", "before": list(range(40)), "after": list(range(39, -1, -1))}])
    assert line == "output.items 40 → 40 items, now 39, 38, 37, 36, 35, 34, 33, 32, 31, 30 … 40 in all"


def test_what_views_said_of_single_items_is_one_line_a_view_and_a_long_list_is_cut() -> None:
    def known(name: str, value: object, source: str) -> dict[str, object]:
        return {"name": name, "value": value, "source": source, "age": 1.0, "defaulted": False}

    found: dict[str, Any] = {
        "inputs": [
            known("ratings.seen", list(range(30)), "ratings"),
            *(known(f"facts[{item}].genre", "Drama", "facts") for item in range(40)),
        ],
        "features": [{"view": "ratings"}, *({"view": "facts"} for _ in range(40))],
    }
    lines = [(one["name"], one["value"]) for one in _inputs(found)]
    assert lines == [("ratings.seen", "0, 1, 2, 3, 4, 5, 6, 7, 8, 9 … 30 in all"), ("facts[…]", "of 40 items")]
