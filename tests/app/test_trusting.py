"""A home and the keys it trusts: own ones by themselves, others' by somebody's word, none from a package."""

from __future__ import annotations

import json
import pickle
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from tenure.app import ahead, packaging
from tenure.app.actions import named
from tenure.app.control import Control
from tenure.app.packaging import PackageSource
from tenure.governance.access import local_actor
from tenure.governance.trust import KeyInUse, UnknownKey
from tenure.kit.clock import FixedClock
from tenure.model.package import UntrustedPackage
from tenure.model.version import VersionRef
from tenure.settings import Home, Workshop

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.processes
ADA = local_actor("ada")

MODULE = """
class Doubling:
    def __init__(self): self.scale = 2.0
    def predict(self, rows): return [row["x"] * self.scale for row in rows]
"""


@pytest.fixture(scope="module")
def package(workshop: Workshop, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pickle of a class of its author's own, signed with the author's key."""
    place = tmp_path_factory.mktemp("pickled")
    (place / "doubling.py").write_text(MODULE)
    scope: dict[str, Any] = {"__name__": "doubling"}
    exec(MODULE, scope)
    saved = pickle.dumps({"scale": 2.0}, protocol=2)
    # Written by hand, so that this process need not import the class: doubling.Doubling with its state.
    (place / "model.pkl").write_bytes(b"\x80\x02cdoubling\nDoubling\n)\x81" + saved[2:-1] + b"b.")
    source = PackageSource(
        place / "model.pkl", name="doubling", inputs=[{"x": 1.0}, {"x": 2.5}], code=(place / "doubling.py",),
        requirements=(), python="3.11", created=1, author="ada", commit="c",
    )  # fmt: skip
    return packaging.package(source, workshop=workshop).folder


@pytest.fixture
def control(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Control]:
    monkeypatch.setenv("TENURE_KEYS", str(tmp_path / "own"))
    with Control.open(Home(tmp_path / "home"), FixedClock()) as opened:
        yield opened


def do(control: Control, action: str, /, **given: Any) -> Any:
    return control.perform(action, ADA, msgspec.convert(given, named(action).input))


def is_begun(control: Control) -> bool:
    with ahead.begun(control.home, VersionRef("doubling", 1)) as begun:
        return begun is not None


def key_of(package: Path) -> str:
    (file,) = (package / "signatures").glob("*.json")
    return str(json.loads(file.read_text())["public"])


def test_a_strangers_pickle_is_refused_until_somebody_trusts_the_key(control: Control, package: Path) -> None:
    with pytest.raises(UntrustedPackage, match="doubling is a pickle"):
        do(control, "versions:register", package=str(package))
    added = do(control, "trust:add", key=key_of(package), name="ada's laptop", reason="met her")
    assert do(control, "versions:register", package=str(package)).ref == "doubling/1"
    assert do(control, "versions:run", model="doubling", version="1", rows=[{"x": 4.0}]).outputs == [{"score": 8.0}]
    assert [one.key for one in do(control, "trust:list")] == [added.key]

    assert is_begun(control)
    do(control, "trust:remove", key="ada's laptop", reason="she left")
    assert do(control, "trust:list") == []
    assert not is_begun(control)
    with pytest.raises(UntrustedPackage):
        do(control, "versions:run", model="doubling", version="1", rows=[{"x": 4.0}])
    with pytest.raises(UnknownKey):
        do(control, "trust:remove", key="ada's laptop")
    told = [event.action for event in do(control, "audit:log", target=f"key:{added.key}")]
    assert sorted(told) == ["trust:add", "trust:remove"]


def test_ones_own_key_is_trusted_and_written_down(
    tmp_path: Path, workshop: Workshop, package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TENURE_KEYS", str(workshop.keys))
    home = Home(tmp_path / "home")
    with Control.open(home, FixedClock()) as control:
        assert do(control, "versions:register", package=str(package)).ref == "doubling/1"
    monkeypatch.setenv("TENURE_KEYS", str(tmp_path / "another person"))
    with Control.open(home, FixedClock()) as moved:
        assert do(moved, "versions:run", model="doubling", version="1", rows=[{"x": 1.0}]).outputs == [{"score": 2.0}]
        assert [one.public for one in do(moved, "trust:list")] == [key_of(package)]


def test_a_key_that_something_in_service_needs_stays_trusted(
    control: Control, package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    added = do(control, "trust:add", key=key_of(package), name="ada")
    monkeypatch.setattr(control.trusted, "signers", lambda _: {"doubling/1": frozenset({added.key})})
    with pytest.raises(KeyInUse, match="doubling/1"):
        do(control, "trust:remove", key="ada")
