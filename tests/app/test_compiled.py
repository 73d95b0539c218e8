"""What was made ready of a revision serves the next generation too, for as long as it is made of the same."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from tenure.app.compiled import Compiled
from tenure.application.revisions.problems import BrokenDefinition
from tenure.contract.schema import Field

PLAIN: dict[str, object] = {
    "application": "offers",
    "request": [{"name": "age", "type": "int"}],
    "rules": [{"id": "young", "when": "request.age < 18", "answer": {"offer": "'none'"}}],
    "default": {"answer": {"offer": "'all'"}},
}
INPUTS = (Field(name="age", type="int"),)
OUTPUTS = (Field(name="score", type="float"),)


def link(number: int, digest: str) -> Any:
    return cast(
        "Any",
        SimpleNamespace(model="m", version=number, digest=digest, inputs=INPUTS, outputs=OUTPUTS, explain=None),
    )


@pytest.fixture
def compiled() -> Compiled:
    one = Compiled()
    one.turn()
    return one


def test_a_revision_that_stays_as_it_was_is_not_made_ready_again(compiled: Compiled) -> None:
    definition = compiled.definition("offers", 1, PLAIN)
    decider = compiled.decider(definition, 1, None)
    for _ in range(3):
        compiled.turn()
        assert compiled.definition("offers", 1, dict(PLAIN)) is definition
        assert compiled.decider(definition, 1, None) is decider


def test_another_text_under_the_same_number_is_another_revision(compiled: Compiled) -> None:
    definition = compiled.definition("offers", 1, PLAIN)
    decider = compiled.decider(definition, 1, None)
    compiled.turn()
    other = compiled.definition("offers", 1, {**PLAIN, "rules": []})
    assert not other.rules
    assert compiled.decider(other, 1, None) is not decider


def test_each_version_and_each_package_of_it_has_a_decider_of_its_own(compiled: Compiled) -> None:
    definition = compiled.definition("offers", 1, PLAIN)
    first, second = (compiled.decider(definition, 1, link(number, f"sha256:{number}")) for number in (1, 2))
    assert first is not second
    compiled.turn()
    assert compiled.decider(definition, 1, link(1, "sha256:1")) is first
    assert compiled.decider(definition, 1, link(2, "sha256:another")) is not second


def test_going_back_finds_the_version_of_before_and_no_older_one(compiled: Compiled) -> None:
    definition = compiled.definition("offers", 1, PLAIN)
    first = compiled.decider(definition, 1, link(1, "sha256:1"))
    compiled.turn()
    second = compiled.decider(definition, 1, link(2, "sha256:2"))
    compiled.turn()
    assert compiled.decider(definition, 1, link(1, "sha256:1")) is not first, "two generations ago"
    assert compiled.decider(definition, 1, link(2, "sha256:2")) is second


def test_what_does_not_fit_is_refused_each_time(compiled: Compiled) -> None:
    broken = compiled.definition("offers", 1, {**PLAIN, "rules": [{"id": "r", "when": "request.no > 1", "answer": {}}]})
    for _ in range(2):
        with pytest.raises(BrokenDefinition):
            compiled.decider(broken, 1, None)
