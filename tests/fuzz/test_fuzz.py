"""A few hundred inputs for each target in every run, a minute each in the soak."""

import time

import pytest

from tests.fuzz.run import fuzz
from tests.fuzz.targets import TARGETS

TIMES = {"http": 60, "answers": 150}


@pytest.mark.parametrize("name", TARGETS)
def test_what_is_good_is_taken_and_what_is_not_breaks_nothing(name: str) -> None:
    target, samples = TARGETS[name]
    for content in samples:
        target(content)
    assert fuzz(name, seed=4711, times=TIMES.get(name, 500)) == TIMES.get(name, 500)


@pytest.mark.soak
@pytest.mark.parametrize("name", TARGETS)
def test_a_minute_of_strange_inputs_breaks_nothing(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    seed = time.time_ns() % 1_000_000
    tried = fuzz(name, seed, seconds=60)
    with capsys.disabled():
        print(f"\nsoak: fuzzed {name} with {tried} inputs, seed {seed}", flush=True)
    assert tried
