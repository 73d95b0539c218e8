"""The examples' applications are written correctly, and the credit model's new feature comes in two independent steps."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from tenure.app.table_files import source_of
from tenure.application.revisions.definition import Definition, parse
from tenure.model.monitoring.observation import facts_of

EXAMPLES = Path(__file__).parents[2] / "examples"


def parsed(file: Path) -> Definition:
    sent = source_of(file)
    return parse(sent["text"], sent["files"])


@pytest.mark.parametrize("file", sorted(EXAMPLES.glob("*/application*.yaml")), ids=lambda file: f"{file.parent.name}")
def test_an_examples_application_can_be_read_and_has_tests_of_its_own(file: Path) -> None:
    definition = parsed(file)
    assert definition.application == file.parent.name
    assert definition.tests
    assert facts_of(msgspec.to_builtins(definition)).outcome


def test_the_second_revision_of_credit_adds_one_optional_field_and_changes_nothing_else() -> None:
    first, second = (parsed(EXAMPLES / "credit" / name) for name in ("application.yaml", "application-2.yaml"))
    assert {field.name for field in second.request} - {field.name for field in first.request} == {"int_rate"}
    assert not next(field for field in second.request if field.name == "int_rate").required
    assert msgspec.structs.replace(second, request=first.request) == first


def test_the_popular_movies_of_the_rule_are_those_of_the_fallback() -> None:
    definition = parsed(EXAMPLES / "movies" / "application.yaml")
    assert definition.fallback is not None
    for rule in definition.rules[:2]:
        assert rule.answer == definition.fallback.answer
