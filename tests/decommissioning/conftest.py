from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.databases import opened
from tests.registry.shelf import Shelf


@pytest.fixture(params=["sqlite", "postgresql"])
def shelf(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shelf]:
    shelf = Shelf(tmp_path, opened(request, tmp_path))
    yield shelf
    shelf.close()
