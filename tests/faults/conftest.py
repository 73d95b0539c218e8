from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.house import House, running


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with running(tmp_path / "home") as one:
        yield one
