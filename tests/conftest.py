"""What all tests share: the gate draws the same examples at every run, so that a landing never hangs on luck.

It runs in three processes side by side on two cores, since most tests wait for processes of their own.

`make soak` draws new ones (`HYPOTHESIS_PROFILE=random`); what it finds becomes a test of its own.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadScopeScheduling

from tenure.app.workbench import Workbench
from tenure.settings import Workshop
from tests.numeric import numeric_environment
from tests.postgres import Postgres, running
from tests.sharing import made_once, of_this_run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xdist.remote import Producer

# How long drawing takes is the machine's affair: on a new one the tables of characters alone are made for seconds.
settings.register_profile("gate", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("random", derandomize=False)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "gate"))

#: folders whose tests share what is dear to make (sealed packages, homes, a browser); elsewhere a module keeps together
_TOGETHER = frozenset({"api", "console", "packaging", "worker"})


class Sharing(LoadScopeScheduling):  # type: ignore[misc]  # the plugin has no types
    """Says which tests one process runs when `make test` shares them among several."""

    def _split_scope(self, nodeid: str) -> str:
        module = nodeid.partition("::")[0]
        folder = module.split("/")[1]
        return folder if folder in _TOGETHER else module


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Sharing:
    """Give the plugin that shares the tests out our scheduler."""
    return Sharing(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put first what takes longest: where it comes last, the other process waits for it."""
    items.sort(key=lambda item: _place(item.path.relative_to(Path(__file__).parent).parts[0]))


def _place(folder: str) -> int:
    return 0 if folder == "docs" else 1 if folder in _TOGETHER else 2


@pytest.fixture(scope="session", autouse=True)
def _own_state(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep what commands remember of files (entrypoints/cli/remembered.py) out of the developer's own home."""
    os.environ["XDG_STATE_HOME"] = str(of_this_run(tmp_path_factory) / "state")


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A real PostgreSQL server for the whole run."""
    with running() as server:
        yield server


@pytest.fixture(scope="session")
def numeric_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An interpreter whose environment has scikit-learn, pandas, XGBoost and LightGBM, for all processes of the run."""
    return made_once(of_this_run(tmp_path_factory) / "numeric", numeric_environment) / "env" / "bin" / "python"


@pytest.fixture(scope="session")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    """An author's workshop for all processes of the run: capturing an interpreter takes longer than most tests."""
    place = of_this_run(tmp_path_factory) / "workshop"
    shared = Workshop(place / "cache", place / "keys")
    made_once(place / "python", lambda _: Workbench(shared, lambda _: None).environments.make((), "3.11"))
    return shared
