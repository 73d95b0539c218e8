"""What all tests share: the gate draws the same examples at every run, so that a landing never hangs on luck.

`make soak` draws new ones (`HYPOTHESIS_PROFILE=random`); what it finds becomes a test of its own.
"""

from __future__ import annotations

import os
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


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A real PostgreSQL server for the whole run."""
    with running() as server:
        yield server
