"""Processes by pid and start time, and the facts that the supervisor waits for."""

import asyncio
import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from tenure.serving.supervisor.changes import Changes
from tenure.serving.supervisor.kept import Kept, State
from tenure.serving.supervisor.process import Process, Recipe, start_time

pytestmark = pytest.mark.processes


def recipe(folder: Path, code: str) -> Recipe:
    return Recipe("one", [sys.executable, "-S", "-c", code], None, folder / "one.log")


def test_the_last_words_of_a_process_are_its_last_lines_and_how_it_ended(tmp_path: Path) -> None:
    async def run() -> str:
        process = Process.start(recipe(tmp_path, "import sys; print('first'); sys.exit('no weights')"))
        await asyncio.wait_for(process.gone.wait(), 10)
        return process.last_words()

    assert asyncio.run(run()).endswith("no weights | exit 1")


def test_a_process_is_adopted_only_with_its_own_start_time(tmp_path: Path) -> None:
    async def run(child: subprocess.Popen[bytes]) -> None:
        started = start_time(child.pid)
        assert started is not None
        assert Process.adopt(child.pid, started + 1, tmp_path / "log") is None
        adopted = Process.adopt(child.pid, started, tmp_path / "log")
        assert adopted is not None
        await adopted.stop(5)
        assert adopted.gone.is_set()
        assert child.wait(60) == -signal.SIGTERM
        assert Process.adopt(child.pid, started, tmp_path / "log") is None

    with subprocess.Popen([sys.executable, "-S", "-c", "input()"], stdin=subprocess.PIPE) as child:
        asyncio.run(run(child))


def test_a_place_is_filled_again_after_each_death_and_stays_empty_once_stopped(tmp_path: Path) -> None:
    async def run() -> None:
        changes = Changes()

        async def at_once(_: Process) -> None:
            return

        kept = Kept(
            lambda: recipe(tmp_path, "import time; time.sleep(60)"), at_once, changes, lambda: None, load_seconds=10
        )
        for deaths in range(3):
            assert await changes.until(lambda: kept.state is State.READY, 10)
            pid = kept.pid
            assert pid is not None
            assert kept.restarts.total == deaths
            os.kill(pid, signal.SIGKILL)
            assert await changes.until(partial(lambda old: kept.pid not in {old, None}, pid), 10)
        await kept.stop(5)
        assert (kept.state, kept.pid) == (State.STOPPED, None)

    asyncio.run(run())


def test_a_process_that_does_not_become_ready_in_time_is_ended_and_says_so(tmp_path: Path) -> None:
    async def run() -> None:
        changes = Changes()

        async def never(_: Process) -> None:
            await asyncio.Event().wait()

        sleeper = recipe(tmp_path, "import time; print('loading', flush=True); time.sleep(60)")
        kept = Kept(lambda: sleeper, never, changes, lambda: None, load_seconds=0.5)
        assert await changes.until(lambda: kept.settled, 10)
        assert kept.verdict.startswith("failed: not ready within 0.5 s: loading")
        await kept.stop(5)

    asyncio.run(run())


def test_a_process_that_hangs_is_killed_and_its_place_filled_again_and_says_why(tmp_path: Path) -> None:
    async def run() -> None:
        changes, first = Changes(), list[int]()

        async def at_once(_: Process) -> None:
            return

        async def hangs(process: Process) -> str:
            first.append(process.pid)
            await asyncio.sleep(0.1 if len(first) == 1 else 60)
            return "it sleeps"

        # It would not hear a request to end.
        deaf = recipe(tmp_path, "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)")
        kept = Kept(lambda: deaf, at_once, changes, lambda: None, load_seconds=10, must_end=hangs)
        assert await changes.until(lambda: len(first) == 1 and kept.pid not in {first[0], None}, 10)
        assert await changes.until(lambda: kept.state is State.READY, 10)
        assert kept.last_end == "killed, for it sleeps"
        assert kept.restarts.total == 1
        await kept.stop(0.1)

    asyncio.run(run())


def test_a_place_whose_process_is_dead_is_not_ready_at_any_moment(tmp_path: Path) -> None:
    async def run() -> None:
        changes = Changes()

        async def at_once(_: Process) -> None:
            return

        kept = Kept(
            lambda: recipe(tmp_path, "import time; time.sleep(60)"), at_once, changes, lambda: None, load_seconds=10
        )
        assert await changes.until(lambda: kept.state is State.READY, 10)
        process = kept.process
        assert process is not None
        process.signal(signal.SIGKILL)
        # Looked at in every turn of the loop, the one included between the death and whoever deals with it.
        while process.alive:  # noqa: ASYNC110 - this looks at every turn on purpose
            await asyncio.sleep(0)
        assert (kept.state, kept.pid) == (State.STARTING, None)
        await kept.stop(0.1)

    asyncio.run(run())


def test_whoever_waits_for_a_fact_hears_of_it_or_of_its_absence() -> None:
    async def run() -> None:
        changes, facts = Changes(), set[str]()
        waiting = asyncio.create_task(changes.until(lambda: "now" in facts, 5))
        await asyncio.sleep(0)
        facts.add("now")
        changes.happened()
        assert await waiting
        assert not await changes.until(lambda: "never" in facts, 0.01)

    asyncio.run(run())
