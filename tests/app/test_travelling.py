"""A version goes from one home to another as one file, with its history, and any changed byte of the file is named."""

from __future__ import annotations

import random
import shutil
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from tenure.app import packaging
from tenure.app.actions import named
from tenure.app.control import Control
from tenure.governance.access import Actor, Forbidden, Role, local_actor
from tenure.kit.clock import SECOND, FixedClock
from tenure.model.lifecycle import Stage
from tenure.model.travelling import DamagedExport
from tenure.settings import Home, Workshop
from tests.app.plain_model import packaged

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.processes
ADA = local_actor("ada")


class Desk:
    """A home and somebody at it."""

    def __init__(self, root: Path, at: int = 0) -> None:
        self.clock = FixedClock(FixedClock().at + at)
        self.control = Control.open(Home(root), self.clock)

    def do(self, action: str, actor: Actor = ADA, /, **given: Any) -> Any:
        self.clock.advance(SECOND)
        return self.control.perform(action, actor, msgspec.convert(given, named(action).input))

    def exported(self, file: Path, version: str) -> Path:
        found = self.do("versions:export", model="plain", version=version)

        def content(digest: str) -> bytes:
            pieces, more = [b""], True
            while more:
                start = sum(map(len, pieces))
                part = self.do("versions:content", model="plain", version=version, digest=digest, start=start)
                pieces.append(part.content)
                more = part.more
            return b"".join(pieces)

        packaging.write_export(file, found.history, found.signature, content)
        return file

    def imported(self, file: Path, scratch: Path) -> Any:
        return self.do("versions:import", package=str(packaging.unpack_export(file, scratch)), reason="moved")


@pytest.fixture(scope="module")
def here(workshop: Workshop, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A home with three versions: the second is archived, the third registered."""
    desk = Desk(tmp_path_factory.mktemp("travels") / "home")
    for number in (1, 2, 3):
        desk.do("versions:register", package=str(packaged(workshop, float(number))))
    for action in ("versions:approve", "versions:decommission", "versions:archive"):
        desk.do(action, model="plain", version="2", reason="because")
    yield desk
    desk.control.close()


@pytest.fixture(scope="module")
def files(here: Desk, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    place = tmp_path_factory.mktemp("exports")
    return {number: here.exported(place / f"plain-{number}.tenure", number) for number in ("2", "3")}


@pytest.fixture
def there(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path / "there", at=1000 * SECOND)
    yield desk
    desk.control.close()


def test_an_archived_version_stays_archived_and_keeps_number_period_and_history(
    here: Desk, there: Desk, files: dict[str, Path], tmp_path: Path
) -> None:
    found = there.imported(files["2"], tmp_path / "scratch")
    assert (found.ref, found.was, found.stage, found.again) == ("plain/2", "plain/2", "archived", False)
    (kept,) = there.do("retention:list").versions
    (period,) = [one for one in here.do("retention:list").versions if one.ref == "plain/2"]
    assert kept.since == period.since
    assert kept.until >= period.until
    detail = there.do("versions:show", model="plain", version="2")
    assert detail.digest == here.do("versions:show", model="plain", version="2").digest
    (told,) = [one for one in detail.attestations if one["kind"] == "imported"]
    assert {one["kind"] for one in told["history"]["attestations"]} == {"seal", "approval", "tombstone", "archive"}
    assert "versions:archive" in [event["action"] for event in told["history"]["events"]]
    assert told["history"]["decisions"] == {"applications": []}
    assert there.do("verify").problems == []
    rows = [{"a": 1.0, "b": 2.0}]
    assert (
        there.do("versions:run", model="plain", version="2", rows=rows).outputs
        == here.do("versions:run", model="plain", version="2", rows=rows).outputs
    )


def test_what_another_home_approved_is_not_approved_here_and_the_same_file_twice_is_one_version(
    there: Desk, files: dict[str, Path], tmp_path: Path
) -> None:
    found = there.imported(files["3"], tmp_path / "one")
    assert (found.ref, found.stage, found.trusted) == ("plain/3", "registered", False)
    again = there.imported(files["3"], tmp_path / "two")
    assert (again.ref, again.again) == ("plain/3", True)
    events = [event.action for event in there.do("audit:log", target="plain/3")]
    assert events.count("versions:import") == 1


def test_a_number_that_is_taken_gives_way_to_the_next(there: Desk, files: dict[str, Path], tmp_path: Path) -> None:
    there.imported(files["3"], tmp_path / "one")
    assert there.imported(files["2"], tmp_path / "two").ref == "plain/4"
    assert there.control.registry.get(there.control.registry.versions("plain")[-1].ref).stage is Stage.ARCHIVED


def test_any_changed_byte_is_refused_by_name(files: dict[str, Path], tmp_path: Path) -> None:
    content = bytearray(files["3"].read_bytes())
    dice = random.Random(20261125)
    # The last bytes are the padding of the tar, where nothing stands; a few of every other kind of place besides.
    places = [0, 100, 130, 512, 1100, len(content) - 1, *(dice.randrange(len(content)) for _ in range(12))]
    for nth, at in enumerate(places):
        changed = content.copy()
        changed[at] ^= 1 << dice.randrange(8)
        file = tmp_path / "changed.tenure"
        file.write_bytes(changed)
        with pytest.raises(DamagedExport) as refusal:
            packaging.unpack_export(file, tmp_path / str(nth))
        assert refusal.value.facts["file"], at
        shutil.rmtree(tmp_path / str(nth))


def test_a_file_that_was_cut_or_grew_is_refused(files: dict[str, Path], tmp_path: Path) -> None:
    content = files["3"].read_bytes()
    for nth, changed in enumerate((content[:-1024], content[: len(content) // 2], content + b"\0", b"")):
        (tmp_path / "changed").write_bytes(changed)
        with pytest.raises(DamagedExport):
            packaging.unpack_export(tmp_path / "changed", tmp_path / str(nth))


def test_who_may_not_is_refused_before_anything_is_read(here: Desk) -> None:
    caller = Actor("t1", Role.CALLER)
    for action, given in (
        ("versions:export", {"model": "plain", "version": "3"}),
        ("versions:content", {"model": "plain", "version": "3", "digest": "sha256:" + "0" * 64}),
        ("versions:import", {"package": "nowhere"}),
    ):
        with pytest.raises(Forbidden):
            here.do(action, caller, **given)
    with pytest.raises(Exception, match="no part of plain/3"):
        here.do("versions:content", model="plain", version="3", digest="sha256:" + "0" * 64)
