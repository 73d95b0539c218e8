"""What a person is told who puts another answer in force."""

from __future__ import annotations

import pytest

from tenure.entrypoints.cli.people import parts_gone


@pytest.mark.parametrize(
    ("before", "after", "gone"),
    [
        ({"decision": "approve", "band": "C"}, {"decision": "decline"}, ["band"]),
        ({"decision": "approve"}, {"decision": "decline", "band": "C"}, []),
        ({"decision": "approve"}, None, []),
    ],
)
def test_what_a_new_answer_leaves_out_is_told(before: object, after: object, gone: list[str]) -> None:
    assert parts_gone(before, after) == gone
