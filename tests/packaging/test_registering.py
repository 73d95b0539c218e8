"""What a home accepts, what it refuses, and what it can do again from blobs alone."""

from __future__ import annotations

import io
import shutil
import tarfile
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tenure.adapters import packages
from tenure.adapters.blobs import Blobs, DamagedBlob
from tenure.app import packaging
from tenure.app.workbench import Workbench
from tenure.kit.errors import TenureError
from tenure.model.package import DamagedPackage, decode_manifest, encode_manifest
from tenure.model.packaging.source import BadSource
from tenure.settings import Home
from tenure.worker import install
from tests.packaging.conftest import plain_source

if TYPE_CHECKING:
    from tenure.settings import Workshop

pytestmark = pytest.mark.processes


@pytest.fixture
def copied(plain: packaging.Packaged, tmp_path: Path) -> Path:
    """The plain package as a folder that may be damaged."""
    return Path(shutil.copytree(plain.folder, tmp_path / "package"))


def test_one_changed_byte_anywhere_is_refused_and_the_file_is_named(copied: Path, tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    for path in sorted(path for path in copied.rglob("*") if path.is_file() and path.stat().st_size):
        content = path.read_bytes()
        for place in (0, len(content) // 2, len(content) - 1):
            path.chmod(0o644)
            path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
            with pytest.raises(TenureError) as refusal:
                packaging.register(home, copied)
            assert _names(path, copied, str(refusal.value)), f"{path}: {refusal.value}"
        path.write_bytes(content)
    assert not home.attestations.exists()
    assert packaging.register(home, copied).verdict == "BIT"


def _names(path: Path, folder: Path, told: str) -> bool:
    name = path.relative_to(folder).as_posix()
    if path.parent.name == "blobs":
        return "the interpreter" in told or "worker.pyz" in told
    return name in told or (path.parent.name == "signatures" and "signatures/" in told) or name == "manifest.json"


def test_a_missing_a_strange_and_a_linked_file_are_refused_by_name(copied: Path, tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    (copied / "code/.hidden.py").write_text("x = 1")
    with pytest.raises(DamagedPackage, match=r"code/\.hidden\.py"):
        packaging.register(home, copied)
    (copied / "code/.hidden.py").unlink()
    (copied / "model/films.json").rename(tmp_path / "films.json")
    with pytest.raises(DamagedPackage, match=r"model/films\.json.*missing"):
        packaging.register(home, copied)
    (copied / "model/films.json").symlink_to(tmp_path / "films.json")
    with pytest.raises(DamagedPackage, match=r"model/films\.json"):
        packaging.register(home, copied)


def test_an_unsigned_package_is_refused(copied: Path, tmp_path: Path) -> None:
    shutil.rmtree(copied / "signatures")
    with pytest.raises(DamagedPackage, match="not signed"):
        packaging.register(Home(tmp_path / "home"), copied)


def test_a_registered_version_runs_again_after_every_cache_was_deleted(copied: Path, tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    digest = packaging.register(home, copied).digest
    shutil.rmtree(home.root / "cache")
    shutil.rmtree(copied)
    worker, version = packaging.ensure_runnable(home, digest)
    assert Path(worker.python).exists()
    assert worker.digest == version.digest == digest


def test_a_file_changed_in_the_cache_is_refused_at_load_by_name(copied: Path, tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    worker = packaging.register(home, copied).worker
    Path(worker.package, "model/films.json").write_text("{}")
    with pytest.raises(DamagedPackage, match=r"films\.json"):
        packaging.ensure_runnable(home, worker.digest)


def test_of_a_package_that_is_handed_in_again_what_was_damaged_or_lost_is_mended(copied: Path, tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    registered = packaging.register(home, copied)
    blobs, manifest = Blobs(home.blobs), (copied / "manifest.json").read_bytes()
    assert packaging.missing(home, manifest) == []
    changed, lost = registered.manifest.worker, registered.manifest.files["model/films.json"].digest
    blobs.path(changed).chmod(0o644)
    blobs.path(changed).write_text("{}")
    blobs.path(lost).unlink()
    assert packaging.missing(home, manifest) == [changed], "the files of the package always come with it"
    packaging.mend(home, copied)
    assert (blobs.is_intact(changed), blobs.is_intact(lost)) == (True, True)


def test_a_damaged_blob_is_healed_from_the_second_copy_and_refused_without_one(copied: Path, tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    registered = packaging.register(home, copied)
    digest = registered.manifest.files["model/films.json"].digest
    Blobs(home.second_copy).add(Blobs(home.blobs).path(digest))
    blob = Blobs(home.blobs).path(digest)
    blob.chmod(0o644)
    blob.write_text("{}")
    shutil.rmtree(registered.worker.package)
    packaging.ensure_runnable(home, registered.digest)
    shutil.rmtree(home.second_copy)
    blob.chmod(0o644)
    blob.write_text("{}")
    shutil.rmtree(registered.worker.package)
    with pytest.raises(DamagedBlob):
        packaging.ensure_runnable(home, registered.digest)


def test_a_draft_is_completed_and_twice_the_same_draft_is_the_same_version(
    plain_folder: Path, workshop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform.system", lambda: "Darwin")
    draft = packaging.package(plain_source(plain_folder), workshop=workshop)
    monkeypatch.undo()
    assert not draft.sealed
    home = Home(tmp_path / "home")
    first, again = packaging.register(home, draft.folder), packaging.register(home, draft.folder)
    assert first.digest == again.digest != draft.digest
    assert first.manifest.draft == draft.digest
    assert first.manifest.environment is not None
    assert first.manifest.golden is not None
    assert first.manifest.golden.outputs


def test_an_upload_leaves_out_what_the_home_has_and_is_registered(
    plain: packaging.Packaged, copied: Path, tmp_path: Path
) -> None:
    home = Home(tmp_path / "home")
    manifest = (copied / "manifest.json").read_bytes()
    everything = packaging.missing(home, manifest)
    assert len(everything) == 2, "the interpreter and the worker"
    packaging.register(home, copied)
    assert packaging.missing(home, manifest) == []
    shutil.rmtree(home.attestations)
    archive = packaging.pack(copied, packaging.missing(home, manifest))
    folder = packaging.unpack(archive, tmp_path / "received")
    archive.unlink()
    assert not (folder / "blobs").exists()
    assert packaging.register(home, folder).digest == plain.digest


@pytest.mark.parametrize("name", ["../outside", "/absolute", "a/../../outside"])
def test_an_upload_that_would_write_elsewhere_is_refused(name: str, tmp_path: Path) -> None:
    archive = tmp_path / "evil.tar"
    with tarfile.open(archive, "w") as tar:
        member = tarfile.TarInfo(name)
        member.size = 1
        tar.addfile(member, io.BytesIO(b"x"))
    with pytest.raises(TenureError, match="outside"):
        packaging.unpack(archive, tmp_path / "received")
    assert not (tmp_path / "outside").exists()


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_in_an_upload_are_refused(kind: bytes, tmp_path: Path) -> None:
    archive = tmp_path / "evil.tar"
    with tarfile.open(archive, "w") as tar:
        member = tarfile.TarInfo("innocent")
        member.type, member.linkname = kind, "/etc/passwd"
        tar.addfile(member)
    with pytest.raises(TenureError, match="link or a device"):
        packaging.unpack(archive, tmp_path / "received")


def test_an_upload_larger_than_allowed_is_refused(copied: Path, tmp_path: Path) -> None:
    archive = packaging.pack(copied)
    with pytest.raises(packages.TooLarge):
        packaging.unpack(archive, tmp_path / "received", most=1000)
    archive.unlink()


@pytest.mark.parametrize("form", ["w:gz", "w:bz2", "w:xz"])
def test_a_compressed_upload_is_refused_before_it_is_unpacked(form: str, tmp_path: Path) -> None:
    archive = tmp_path / "bomb.tar"
    with tarfile.open(str(archive), form) as tar:  # type: ignore[call-overload]
        member = tarfile.TarInfo("zeros")
        member.size = 32 << 20
        tar.addfile(member, io.BytesIO(bytes(member.size)))
    with pytest.raises(TenureError, match="no readable tar"):
        packaging.unpack(archive, tmp_path / "received")
    assert not list((tmp_path / "received").iterdir())


def test_an_upload_of_holes_is_refused_by_what_it_would_unpack_to(tmp_path: Path) -> None:
    archive = tmp_path / "bomb.tar"
    header = tarfile.TarInfo("holes")
    header.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": str(1 << 40)}
    with tarfile.open(archive, "w", format=tarfile.PAX_FORMAT) as tar:
        header.size = 512
        tar.addfile(header, io.BytesIO(b"0\n".ljust(512, b"\0")))
    with pytest.raises(TenureError, match="which is too much for it"):
        packaging.unpack(archive, tmp_path / "received")


def test_an_upload_of_very_many_files_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(install, "_MOST_FILES", 100)
    archive = tmp_path / "bomb.tar"
    with tarfile.open(archive, "w") as tar:
        for nth in range(101):
            tar.addfile(tarfile.TarInfo(f"empty-{nth}"))
    with pytest.raises(TenureError, match="more than 100 files"):
        packaging.unpack(archive, tmp_path / "received")


def test_an_archive_within_an_upload_stays_a_file_that_nothing_vouches_for(copied: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(copied / "model" / "nested.zip", "w", zipfile.ZIP_DEFLATED) as nested:
        nested.writestr("zeros", bytes(8 << 20))
    archive = packaging.pack(copied)
    folder = packaging.unpack(archive, tmp_path / "received")
    archive.unlink()
    assert (folder / "model" / "nested.zip").stat().st_size < 1 << 20
    with pytest.raises(DamagedPackage, match=r"model/nested\.zip of the package: the manifest does not know it"):
        packages.open_folder(folder)


def test_an_output_folder_that_is_no_package_is_left_alone(
    plain_folder: Path, workshop: Workshop, tmp_path: Path
) -> None:
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious/work.txt").write_text("mine")
    with pytest.raises(packages.Occupied):
        packaging.package(plain_source(plain_folder), tmp_path / "precious", workshop=workshop)
    assert (tmp_path / "precious/work.txt").read_text() == "mine"


def test_the_golden_manifest_of_format_1_is_read_for_ever() -> None:
    content = Path("tests/golden/manifest-v1.json").read_bytes()
    manifest = decode_manifest(content)
    assert manifest.name == "churn"
    assert manifest.environment is not None
    assert encode_manifest(manifest) == content


def test_a_python_that_is_not_here_makes_a_draft(plain_folder: Path, workshop: Workshop) -> None:
    heard: list[str] = []
    draft = packaging.package(plain_source(plain_folder, "3.99"), workshop=workshop, progress=heard.append)
    assert not draft.sealed
    assert any("no CPython 3.99" in line for line in heard)


def test_a_folder_without_model_toml_is_refused(tmp_path: Path, workshop: Workshop) -> None:
    with pytest.raises(BadSource, match=r"neither model\.toml nor MLmodel"):
        packaging.package(plain_source(tmp_path), workshop=workshop)


def test_a_killed_build_leaves_nothing_half_made(plain: packaging.Packaged, workshop: Workshop, tmp_path: Path) -> None:
    bench = Workbench(workshop, lambda _: None)
    environment = plain.manifest.environment
    assert environment is not None
    folder = tmp_path / "environments"
    (folder / f".{environment.digest.removeprefix('sha256:')[:12]}.killed").mkdir(parents=True)
    built = replace(bench.environments, folder=folder).rebuild(environment)
    assert built.python.exists()
    left = {path.name for path in folder.iterdir()}
    assert left == {built.folder.name, built.folder.name + ".lock"}
