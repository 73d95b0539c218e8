"""Choosing wheels, carrying index settings over, capturing an interpreter."""

from __future__ import annotations

import shutil
import subprocess
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from tenure.adapters.blobs import Blobs
from tenure.adapters.environments import index_settings, interpreter, tags
from tenure.adapters.environments.environments import Environments
from tenure.adapters.environments.lock import NoWheel, Unresolvable
from tenure.model.package import DamagedPackage
from tenure.worker import install


def rank(file: str, minor: str = "3.11") -> int | None:
    return tags.rank(file, minor, "linux-x86_64", "2.36")


def test_the_most_specific_wheel_is_preferred() -> None:
    own = rank("numpy-1-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl")
    stable = rank("numpy-1-cp38-abi3-manylinux_2_17_x86_64.whl")
    pure = rank("numpy-1-py3-none-any.whl")
    assert own is not None
    assert stable is not None
    assert pure is not None
    assert own < stable < pure


@pytest.mark.parametrize(
    "file",
    [
        "a-1-cp312-cp312-manylinux_2_17_x86_64.whl",
        "a-1-cp311-cp311-manylinux_2_99_x86_64.whl",
        "a-1-cp311-cp311-manylinux_2_17_aarch64.whl",
        "a-1-cp311-cp311-musllinux_1_2_x86_64.whl",
        "a-1-py2-none-any.whl",
    ],
)
def test_a_wheel_of_another_python_platform_or_libc_is_not_taken(file: str) -> None:
    assert rank(file) is None


def test_python_37_wheels_carry_the_m_of_their_abi() -> None:
    assert rank("a-1-cp37-cp37m-manylinux1_x86_64.whl", "3.7") is not None


def test_what_pip_was_told_reaches_uv_unless_uv_was_told_itself(tmp_path: Path) -> None:
    (tmp_path / ".config/pip").mkdir(parents=True)
    (tmp_path / ".config/pip/pip.conf").write_text(
        "[global]\nindex-url = https://one.example/simple\nextra-index-url = https://two.example/simple\n"
        "    https://three.example/simple\nfind-links = /wheels\n"
    )
    carried = index_settings.for_uv({}, tmp_path, tmp_path / "venv")
    assert carried["UV_DEFAULT_INDEX"] == "https://one.example/simple"
    assert carried["UV_INDEX"] == "https://two.example/simple https://three.example/simple"
    assert carried["UV_INDEX_STRATEGY"] == "unsafe-best-match"
    assert carried["UV_FIND_LINKS"] == "/wheels"
    told = index_settings.for_uv({"UV_DEFAULT_INDEX": "x", "PIP_FIND_LINKS": "/other"}, tmp_path, tmp_path / "venv")
    assert "UV_DEFAULT_INDEX" not in told
    assert told["UV_FIND_LINKS"] == "/other"


def wheel(folder: Path, name: str, *, record: str | None = None, member: str = "", link: bool = False) -> Path:
    """Return a small wheel; `record` replaces its RECORD, `member` adds one of that name."""
    path = folder / f"{name}-1.0-py3-none-any.whl"
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{name}.py", "value = 1\n")
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        if member:
            entry = zipfile.ZipInfo(member)
            entry.external_attr = (0o120777 if link else 0o100644) << 16
            archive.writestr(entry, "/etc/passwd")
        archive.writestr(f"{info}/RECORD", record if record is not None else f"{name}.py,,\n{info}/RECORD,,\n")
    return path


@pytest.fixture(scope="module")
def blobs(tmp_path_factory: pytest.TempPathFactory) -> Blobs:
    return Blobs(tmp_path_factory.mktemp("blobs"))


@pytest.fixture
def environments(blobs: Blobs, tmp_path: Path) -> Environments:
    environ = {"PATH": "/usr/bin:/bin", "UV_NO_INDEX": "1", "UV_OFFLINE": "1", "PIP_NO_INDEX": "1"}
    captured = tmp_path.parent / "captured"
    return Environments(blobs, tmp_path / "environments", captured, environ, Path.home())


def test_an_interpreter_is_the_same_bytes_each_time_and_captured_once(
    environments: Environments, tmp_path: Path
) -> None:
    found = environments.find("3.11")
    first = interpreter.capture(found, environments.blobs, environments.captured)
    assert interpreter.capture(found, environments.blobs, environments.captured) == first
    assert interpreter.capture(found, environments.blobs, tmp_path / "other notes") == first


def test_a_wheel_from_a_path_is_locked_fetched_and_installed(environments: Environments, tmp_path: Path) -> None:
    environment = environments.make([str(wheel(tmp_path, "mine"))], "3.11")
    assert [(one.name, one.version, one.file) for one in environment.wheels] == [
        ("mine", "1.0", "mine-1.0-py3-none-any.whl")
    ]
    built = environments.rebuild(environment)
    assert list(built.folder.rglob("site-packages/mine.py"))
    assert environments.rebuild(environment) == built


def test_what_an_environment_compiled_is_there_when_it_is_built_again(
    environments: Environments, tmp_path: Path
) -> None:
    environment = environments.make([str(wheel(tmp_path, "mine"))], "3.11")
    built = environments.rebuild(environment)
    subprocess.run([built.python, "-s", "-c", "import mine"], env=built.environ, check=True)
    (compiled,) = built.folder.rglob("mine.*.pyc")
    content, source = compiled.read_bytes(), compiled.parents[1] / "mine.py"
    environments.remember(built)
    shutil.rmtree(built.folder)
    environments.rebuild(environment)
    assert compiled.read_bytes() == content
    assert int.from_bytes(content[8:12], "little") == int(source.stat().st_mtime), "so Python takes it (PEP 552)"

    (kept,) = (tmp_path / "bytecode").iterdir()
    kept.write_bytes(kept.read_bytes()[:-9])
    shutil.rmtree(built.folder)
    environments.rebuild(environment)
    assert source.is_file()
    assert not list(built.folder.rglob("mine.*.pyc")), "what is not whole is not taken"


def test_a_name_that_no_index_knows_is_refused_by_name(environments: Environments) -> None:
    with pytest.raises(Unresolvable, match="nowhere-to-be-found"):
        environments.make(["nowhere-to-be-found==1.0"], "3.11")


BACKEND = """
import shutil
import subprocess
import zipfile

def build_wheel(folder, config_settings=None, metadata_directory=None):
    name = "ours-1.0-py3-none-any.whl"
    with zipfile.ZipFile(folder + "/" + name, "w") as wheel:
        wheel.writestr("ours.py", "value = 1")
        wheel.writestr("ours-1.0.dist-info/METADATA", "Metadata-Version: 2.1\\nName: ours\\nVersion: 1.0\\n")
        wheel.writestr("ours-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr("ours-1.0.dist-info/RECORD", "ours.py,,\\n")
    return name
"""


def test_what_has_no_wheel_is_built_into_one(environments: Environments, tmp_path: Path) -> None:
    project = tmp_path / "ours"
    project.mkdir()
    (project / "backend.py").write_text(BACKEND)
    (project / "pyproject.toml").write_text(
        '[project]\nname = "ours"\nversion = "1.0"\n'
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    )
    environment = environments.make([str(project)], "3.11")
    assert [one.file for one in environment.wheels] == ["ours-1.0-py3-none-any.whl"]
    assert list(environments.rebuild(environment).folder.rglob("site-packages/ours.py"))


def test_a_source_that_cannot_be_built_is_refused_by_name(environments: Environments, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "pyproject.toml").write_text(
        '[project]\nname = "broken"\nversion = "1.0"\n[build-system]\nrequires = []\nbuild-backend = "absent"\n'
    )
    with pytest.raises((NoWheel, Unresolvable), match="broken"):
        environments.make([str(broken)], "3.11")


def test_a_changed_wheel_is_refused_by_its_file_name(environments: Environments, tmp_path: Path) -> None:
    environment = environments.make([str(wheel(tmp_path, "changed"))], "3.11")
    blob = environments.blobs.path(environment.wheels[0].digest)
    content = blob.read_bytes()
    blob.chmod(0o644)
    blob.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(DamagedPackage, match=r"changed-1\.0-py3-none-any\.whl"):
        replace(environments, folder=tmp_path / "fresh").rebuild(environment)
    assert not [path for path in (tmp_path / "fresh").iterdir() if path.suffix != ".lock"]


@pytest.mark.parametrize("member", ["../evil.py", "/evil.py", "a/../../evil.py", "a\\..\\evil.py"])
def test_a_wheel_that_would_write_elsewhere_is_refused(member: str, tmp_path: Path) -> None:
    path = wheel(tmp_path, "evil", member=member)
    with pytest.raises(install.Refused, match="outside"):
        install.unpack_wheel(str(path), path.name, str(tmp_path / "site"), str(tmp_path))


def test_a_link_in_a_wheel_is_refused(tmp_path: Path) -> None:
    path = wheel(tmp_path, "evil", member="passwd", link=True)
    with pytest.raises(install.Refused, match="link or a device"):
        install.unpack_wheel(str(path), path.name, str(tmp_path / "site"), str(tmp_path))


def test_a_wheel_that_unpacks_to_far_more_than_itself_or_to_very_many_files_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bomb = tmp_path / "bomb-1.0-py3-none-any.whl"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for nth in range(9):
            archive.writestr(f"zeros{nth}", bytes(12 << 20))
        archive.writestr("bomb-1.0.dist-info/RECORD", "")
    with pytest.raises(install.Refused, match="which is too much for it"):
        install.unpack_wheel(str(bomb), bomb.name, str(tmp_path / "site"), str(tmp_path))
    monkeypatch.setattr(install, "_MOST_FILES", 3)
    many = wheel(tmp_path, "many", member="one_more.py")
    with pytest.raises(install.Refused, match="more than 3 files"):
        install.unpack_wheel(str(many), many.name, str(tmp_path / "site"), str(tmp_path))


def test_a_wheel_that_differs_from_its_record_is_refused(tmp_path: Path) -> None:
    path = wheel(tmp_path, "mine", record="mine.py,sha256=AAAA,10\n")
    with pytest.raises(install.Refused, match="differs from its RECORD"):
        install.unpack_wheel(str(path), path.name, str(tmp_path / "site"), str(tmp_path))
    gone = wheel(tmp_path, "gone", record="gone.py,,\nabsent.py,,\n")
    with pytest.raises(install.Refused, match="not in it"):
        install.unpack_wheel(str(gone), gone.name, str(tmp_path / "site"), str(tmp_path))


def test_the_data_folders_of_a_wheel_go_where_they_belong(tmp_path: Path) -> None:
    path = wheel(tmp_path, "mine", member="mine-1.0.data/purelib/inner.py")
    install.unpack_wheel(str(path), path.name, str(tmp_path / "site"), str(tmp_path / "home"))
    assert (tmp_path / "site/inner.py").exists()
    assert not (tmp_path / "site/mine-1.0.data").exists()
