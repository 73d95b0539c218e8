"""A folder with model.toml: what it leaves open is completed, and what would not be packaged is refused with its cure."""

from pathlib import Path

import pytest

from tenure.adapters import sources
from tenure.model.packaging.source import BadSource, PackageSource


def folder(place: Path, told: str, *files: str) -> PackageSource:
    (place / "code").mkdir()
    (place / "model.toml").write_text(told)
    for name in files:
        (place / name).write_text("")
    if not list((place / "code").iterdir()):
        (place / "code").rmdir()
    return PackageSource(place)


def test_a_class_of_the_folders_own_code_is_named_as_it_is_imported(tmp_path: Path) -> None:
    found = sources.completed(folder(tmp_path, 'name = "plain"\nentry = "code/plain.py:Plain"\n', "code/plain.py"))
    assert (found.entry, found.code) == ("plain:Plain", (tmp_path / "code",))


def test_a_class_beside_the_description_is_refused_unless_it_is_named_as_code(tmp_path: Path) -> None:
    told = 'name = "plain"\nentry = "plain.py:Plain"\n'
    with pytest.raises(BadSource, match=r"plain\.py stands beside model\.toml") as refused:
        sources.completed(folder(tmp_path, told, "plain.py"))
    assert 'code = ["plain.py"]' in refused.value.facts["cure"]
    (tmp_path / "model.toml").write_text(f'{told}code = ["plain.py"]\n')
    found = sources.completed(PackageSource(tmp_path))
    assert (found.entry, found.code) == ("plain:Plain", (tmp_path / "plain.py",))
