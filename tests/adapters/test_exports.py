"""An export that was made to do harm: refused while it is unpacked, with nothing written elsewhere."""

import io
import tarfile
from pathlib import Path

import pytest

from tenure.adapters import exports
from tenure.model.travelling import DamagedExport


def unpacked(tmp_path: Path, member: tarfile.TarInfo, content: bytes = b"", form: str = "w") -> None:
    file = tmp_path / "moved.tenure"
    with tarfile.open(str(file), form) as tar:  # type: ignore[call-overload]
        member.size = len(content)
        tar.addfile(member, io.BytesIO(content))
    exports.unpack(file, tmp_path / "inner" / "received")


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_are_refused(kind: bytes, tmp_path: Path) -> None:
    member = tarfile.TarInfo("history.json")
    member.type, member.linkname = kind, "/etc/passwd"
    with pytest.raises(DamagedExport, match="link or a device"):
        unpacked(tmp_path, member)


@pytest.mark.parametrize("name", ["../outside", "/absolute", "package/../../outside", "a\\..\\outside"])
def test_paths_that_lead_elsewhere_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(DamagedExport, match="outside the folder"):
        unpacked(tmp_path, tarfile.TarInfo(name), b"x")
    assert not list(tmp_path.rglob("outside"))


@pytest.mark.parametrize("form", ["w:gz", "w:xz"])
def test_a_compressed_one_is_refused_before_it_is_unpacked(form: str, tmp_path: Path) -> None:
    with pytest.raises(DamagedExport, match="no readable tar"):
        unpacked(tmp_path, tarfile.TarInfo("history.json"), bytes(32 << 20), form)
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and path.stat().st_size > 1 << 20]
