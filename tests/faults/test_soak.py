"""Kills at random and changes without end, under load: a short form in every run, the long one by `make soak`."""

import os
import random
import signal
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path

import pytest

from tenure.serving import announce
from tests.faults.house import Answers, House, Load, running
from tests.faults.test_kills import assert_log_holds

pytestmark = pytest.mark.processes

KINDS = {"gateway": 7, "worker": 6, "supervisor": 5, "control": 2}
#: a place that died eight times in a row is tried once a minute, so that long may it take until all is whole again
BACK_SECONDS = 100.0
Report = Callable[["Numbers"], None]


@dataclass(frozen=True)
class Numbers:
    """What one run did and what it cost."""

    seed: int
    kills: dict[str, int]
    switches: int
    replacements: int
    answered: int
    fallbacks: int
    broken: int
    refused: int
    lost: int
    doubled: int
    longest_until_whole: float
    seconds: float
    #: the p99 of decisions that no change touched and of those that a switch did, and how long a switch takes
    milliseconds: dict[str, float] = field(default_factory=dict)


@pytest.fixture
def report(capsys: pytest.CaptureFixture[str]) -> Report:
    """Print a run's numbers past pytest's capture: who soaks wants to read them."""

    def say(numbers: Numbers) -> None:
        with capsys.disabled():
            print("\nsoak:", ", ".join(f"{name} {value}" for name, value in asdict(numbers).items()), flush=True)

    return say


@pytest.fixture
def whole_house(tmp_path: Path) -> Iterator[House]:
    """Give a house with two gateways, a worker, a supervisor with its standby, and a stand-in for control."""
    with running(tmp_path / "home", stand_in=True) as house:
        yield house


def test_a_few_kills_at_random_lose_no_decision(whole_house: House, report: Report) -> None:
    kill_at_random(whole_house, kills=8, seed=9, report=report)


def test_a_few_switches_and_replacements_fail_no_request(house: House, report: Report) -> None:
    change_without_end(house, switches=5, replacements=1, clients=16, report=report)


@pytest.mark.soak
def test_two_hundred_kills_at_random_lose_no_decision(whole_house: House, report: Report) -> None:
    seed = int(os.environ.get("SOAK_SEED", time.time_ns() % 1_000_000))
    kill_at_random(whole_house, kills=200, seed=seed, report=report)


@pytest.mark.soak
def test_hundreds_of_switches_and_twenty_replacements_fail_no_request(house: House, report: Report) -> None:
    change_without_end(house, switches=400, replacements=20, clients=32, report=report)


def kill_at_random(house: House, kills: int, seed: int, report: Report) -> None:
    """Kill one process after the other, each when all is whole again; only a dead gateway may cost requests."""
    dice, done, longest, began = random.Random(seed), Counter[str](), 0.0, time.monotonic()
    clients = 8
    with Load(house.port, clients, pause=0.02) as load:
        for _ in range(kills):
            time.sleep(dice.uniform(0.0, 0.3))
            kind = dice.choices(list(KINDS), list(KINDS.values()))[0]
            longest = max(longest, _kill_one(house, kind, dice))
            done[kind] += 1
        back_from = load.answers.by("model")
        house.wait_until(lambda: load.answers.by("model") > back_from + 20, 90)
    report(_numbers(house, load.answers, seed, dict(done), 0, 0, longest, began))
    assert done.total() == kills
    assert not load.answers.refused
    assert len(load.answers.broken) <= done["gateway"] * clients
    assert_log_holds(house, load.answers)


def _kill_one(house: House, kind: str, dice: random.Random) -> float:
    """Kill one process of a kind and return the seconds until everything is whole, with another in its place."""
    # On a machine that is busy with others a process may just have been found too slow and be on its way back.
    house.wait_until(lambda: bool(_pids(house, kind)), BACK_SECONDS)
    victim = dice.choice(_pids(house, kind))
    began = time.monotonic()
    os.kill(victim, signal.SIGKILL)
    house.wait_until(lambda: house.is_whole() and victim not in _pids(house, kind), BACK_SECONDS)
    return time.monotonic() - began


def _pids(house: House, kind: str) -> list[int]:
    now = house.status()
    found = {
        "gateway": [one["pid"] for one in now["gateways"].values()],
        "worker": [one["pid"] for one in now["workers"].values()],
        "supervisor": [now["supervisor"]["pid"]],
        "control": [now["control"]["pid"]] if now["control"] else [],
    }
    return [pid for pid in found[kind] if pid]


def change_without_end(house: House, switches: int, replacements: int, clients: int, report: Report) -> None:
    """Switch the version and replace all gateways in turns, under keep-alive connections of which none may fail."""
    began = time.monotonic()
    house.publish(1, running=(1, 2))
    house.announce()
    changes = [*[partial(_switch, house)] * switches, *[partial(_replace, house)] * replacements]
    random.Random(0).shuffle(changes)
    made = []
    with Load(house.port, clients, pause=0.03) as load:
        for change in changes:
            made.append(change())
            time.sleep(0.1)
    numbers = _numbers(house, load.answers, 0, {}, switches, replacements, 0.0, began)
    report(replace(numbers, milliseconds=_in_milliseconds(load.answers, made)))
    assert not load.answers.broken
    assert not load.answers.refused
    assert load.answers.by("fallback") == 0
    assert load.answers.versions() == {1, 2}
    _assert_each_version_was_in_service(load.answers, [one for one in made if one.champion])
    assert_log_holds(house, load.answers)


@dataclass(frozen=True)
class Change:
    """A change and the seconds that it took; `champion` is the version that answers from then on, 0 with a replacement."""

    began: float
    ended: float
    champion: int = 0


def _switch(house: House) -> Change:
    champion = 1 + house.generation % 2
    house.publish(champion, running=(1, 2))
    began = time.monotonic()
    assert set(house.announce().gateways.values()) == {house.generation}
    return Change(began, time.monotonic(), champion)


def _assert_each_version_was_in_service(answers: Answers, switches: list[Change]) -> None:
    """Every answer names a version that was in service at some moment between its asking and its answer."""
    for one, (asked, answered) in answers.times.items():
        before = [switch.champion for switch in switches if switch.ended <= asked]
        meanwhile = [switch.champion for switch in switches if switch.ended > asked and switch.began <= answered]
        model = answers.decisions[one]["model"]
        assert model is None or model["version"] in {*(before[-1:] or [1]), *meanwhile}


def _in_milliseconds(answers: Answers, made: list[Change]) -> dict[str, float]:
    """Return the p99 of decisions asked for while nothing changed and while a version was switched, and a switch's p50.

    What counts is when a decision was asked for: one that takes long for any reason is likelier to meet a change on its way.
    """
    calm, switched = [], []
    for asked, answered in answers.times.values():
        meanwhile = [one for one in made if one.began <= asked <= one.ended]
        if not meanwhile:
            calm.append(answered - asked)
        elif any(one.champion for one in meanwhile):
            switched.append(answered - asked)
    took = [one.ended - one.began for one in made if one.champion]
    found = {
        "p99 calm": sorted(calm)[int(0.99 * len(calm))],
        "p99 switched": sorted(switched)[int(0.99 * len(switched))],
        "switch p50": statistics.median(took),
    }
    return {name: round(1000 * seconds, 2) for name, seconds in found.items()}


def _replace(house: House) -> Change:
    before, began = set(house.gateway_pids()), time.monotonic()
    assert not before & set(announce.upgrade_gateways(house.home.supervisor_socket))
    return Change(began, time.monotonic())


def _numbers(
    house: House,
    answers: Answers,
    seed: int,
    kills: dict[str, int],
    switches: int,
    replacements: int,
    longest: float,
    began: float,
) -> Numbers:
    logged = Counter(one["id"] for one in house.logged())
    return Numbers(
        seed=seed,
        kills=kills,
        switches=switches,
        replacements=replacements,
        answered=len(answers.decisions),
        fallbacks=answers.by("fallback"),
        broken=len(answers.broken),
        refused=len(answers.refused),
        lost=sum(1 for one in answers.decisions if one not in logged),
        doubled=len(answers.doubled) + sum(1 for times in logged.values() if times > 1),
        longest_until_whole=round(longest, 2),
        seconds=round(time.monotonic() - began, 1),
    )
