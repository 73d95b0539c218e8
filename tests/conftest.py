"""What all tests share: the gate draws the same examples at every run, so that a landing never hangs on luck.

It runs in two processes side by side, since most tests wait for processes of their own.

`make soak` draws new ones (`HYPOTHESIS_PROFILE=random`); what it finds becomes a test of its own.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from tests.postgres import Postgres, running

if TYPE_CHECKING:
    from collections.abc import Iterator

# How long drawing takes is the machine's affair: on a new one the tables of characters alone are made for seconds.
settings.register_profile("gate", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("random", derandomize=False)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "gate"))

#: folders whose tests share what is dear to make (sealed packages, homes, a browser); elsewhere a module keeps together
_TOGETHER = frozenset({"api", "console", "packaging", "worker"})


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Say which tests one process runs when `make test` shares them among two, the longest first."""
    for item in items:
        folder = item.path.relative_to(Path(__file__).parent).parts[0]
        item.add_marker(pytest.mark.xdist_group(folder if folder in _TOGETHER else item.nodeid.partition("::")[0]))
    items.sort(key=lambda item: _place(item.path.relative_to(Path(__file__).parent)))


def _place(path: Path) -> int:
    """Return the rank of a file: whoever is long and comes last lets the other process wait."""
    if path.parts[0] == "docs":
        return 0
    return 1 if path.parts[0] in _TOGETHER else 2


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A real PostgreSQL server for the whole run."""
    with running() as server:
        yield server
