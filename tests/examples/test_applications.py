"""The examples' applications are written correctly, and the credit model's new feature comes in two independent steps."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from tenure.application.revisions.definition import parse
from tenure.model.monitoring.observation import facts_of

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.mark.parametrize("file", sorted(EXAMPLES.glob("*/application*.yaml")), ids=lambda file: f"{file.parent.name}")
def test_an_examples_application_can_be_read_and_has_tests_of_its_own(file: Path) -> None:
    definition = parse(file.read_text())
    assert definition.application == file.parent.name
    assert definition.tests
    assert facts_of(msgspec.to_builtins(definition)).outcome


def test_the_second_revision_of_credit_adds_one_optional_field_and_changes_nothing_else() -> None:
    first, second = (
        parse((EXAMPLES / "credit" / name).read_text()) for name in ("application.yaml", "application-2.yaml")
    )
    assert {field.name for field in second.request} - {field.name for field in first.request} == {"int_rate"}
    assert not next(field for field in second.request if field.name == "int_rate").required
    assert msgspec.structs.replace(second, request=first.request) == first


def test_the_popular_movies_of_the_rule_are_those_of_the_fallback() -> None:
    definition = parse((EXAMPLES / "movies" / "application.yaml").read_text())
    assert definition.fallback is not None
    assert definition.rules[0].answer == definition.fallback.answer
