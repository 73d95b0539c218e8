"""Real packages in the vault: restored from the second copy alone, and every flipped byte named."""

import random
import shutil
from pathlib import Path

import pytest

from tenure.adapters.blobs import DamagedBlob, MissingBlob
from tenure.adapters.sql.audit import SqlAudit
from tenure.app import packaging
from tenure.app.vault import HomeChecks, HomeVault, Ways, files_of
from tenure.kit.errors import TenureError
from tenure.model.archiving.proof import Kept
from tenure.model.lifecycle import Stage
from tenure.model.version import VersionRef
from tenure.settings import Home, Workshop
from tests.app.plain_model import packaged
from tests.namespaces import WHOLE
from tests.registry.shelf import Shelf

pytestmark = pytest.mark.processes


@pytest.fixture(scope="module")
def package(workshop: Workshop) -> Path:
    return packaged(workshop, 1.0)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture
def kept(home: Home, package: Path) -> Kept:
    return Kept(VersionRef("plain", 1), 1, Stage.ARCHIVED, packaging.register(home, package).digest)


@pytest.fixture
def vault(home: Home) -> HomeVault:
    return HomeVault(home, Ways(packaging.ensure_runnable, packaging.laid_out, packaging.started), lambda _: None)


def test_a_package_comes_back_from_nothing_but_its_second_copy(home: Home, kept: Kept, vault: HomeVault) -> None:
    count = vault.copy(kept)
    assert count == len(files_of(kept.digest, vault._blobs))
    shutil.rmtree(home.blobs)
    shutil.rmtree(home.root / "cache")
    proof = vault.prove(kept)
    assert (proof.verdict, proof.rows, proof.source) == ("BIT", 5, "second copy")
    assert proof.seal.level == WHOLE, proof.seal
    hidden = " ".join(proof.seal.hidden)
    assert ("python" in hidden or "pyenv" in hidden) == (WHOLE == "S3"), "interpreters were not there"
    assert not list((home.root / "cache").iterdir()), "the proof leaves nothing behind"


def test_cooling_drops_what_nobody_shares_and_running_brings_it_back(home: Home, kept: Kept, vault: HomeVault) -> None:
    vault.cool(kept, frozenset({kept.digest}))
    assert _folders(home.environments)
    vault.cool(kept, frozenset())
    assert not _folders(home.environments)
    assert not _folders(home.packages)
    ran = vault.run(kept, [{"a": 1.0, "b": 2.0}])
    (prediction,) = ran.predictions
    assert ran.way == "process"
    assert 0 < ran.libraries <= ran.load
    assert ran.restore > 0
    assert prediction.output == {"score": 3.0}


def _folders(place: Path) -> list[Path]:
    return [path for path in place.iterdir() if path.is_dir()]


def test_any_flipped_byte_of_either_copy_is_found_and_the_file_named(
    home: Home, kept: Kept, vault: HomeVault, tmp_path: Path
) -> None:
    vault.copy(kept)
    shelf = Shelf(tmp_path)
    checks = HomeChecks(home, SqlAudit(shelf.database, tmp_path / "audit.head"))
    whole = checks.version(kept)
    assert whole.problems == ()
    assert whole.checked["files"] == 2 * len(files_of(kept.digest, vault._blobs))
    assert whole.checked["signatures"] == 1
    dice = random.Random(7)
    for root in (home.blobs, home.second_copy):
        for digest in files_of(kept.digest, vault._blobs):
            name = digest.removeprefix("sha256:")
            file = root / name[:2] / name
            _flip(file, dice.randrange(file.stat().st_size) if file.stat().st_size else None)
            problems = checks.version(kept).problems
            assert any(name in problem for problem in problems), (root, digest, problems)
            _flip(file, None, back=True)
    shelf.close()


_SAVED: dict[Path, bytes] = {}


def _flip(file: Path, place: int | None, *, back: bool = False) -> None:
    file.chmod(0o644)
    content = _SAVED.pop(file) if back else _SAVED.setdefault(file, file.read_bytes())
    if back or place is None:
        file.write_bytes(content if back else content + b"x")
    else:
        file.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])


def test_a_damaged_second_copy_proves_nothing(home: Home, kept: Kept, vault: HomeVault) -> None:
    vault.copy(kept)
    name = kept.digest.removeprefix("sha256:")
    (home.second_copy / name[:2] / name).chmod(0o644)
    (home.second_copy / name[:2] / name).write_bytes(b"{}")
    with pytest.raises(TenureError) as refusal:
        vault.prove(kept)
    assert isinstance(refusal.value, (DamagedBlob, MissingBlob))
    assert name in str(refusal.value)


def test_a_signature_that_was_changed_or_removed_is_found(
    home: Home, kept: Kept, vault: HomeVault, tmp_path: Path
) -> None:
    vault.copy(kept)
    shelf = Shelf(tmp_path)
    checks = HomeChecks(home, SqlAudit(shelf.database, tmp_path / "audit.head"))
    (file,) = (home.attestations / kept.digest.removeprefix("sha256:")).glob("*.json")
    content = file.read_text()
    file.write_text(content.replace('"signature":"', '"signature":"AAAA', 1))
    assert any("signature" in problem for problem in checks.version(kept).problems)
    file.unlink()
    assert any("signatures are gone" in problem for problem in checks.version(kept).problems)
    shelf.close()
