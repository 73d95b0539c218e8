"""What shared libraries say they need, read from their bytes, and which of a package's own a machine can use."""

import random
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from tenure.adapters.blobs import Blobs
from tenure.adapters.environments import elf, libraries
from tenure.model.package import Interpreter, Wheel
from tenure.worker import install

KNOWN = libraries._known()
needs_cplusplus = pytest.mark.skipif("libstdc++.so.6" not in KNOWN, reason="this machine has no libstdc++ to look at")


@needs_cplusplus
def test_a_library_says_its_name_what_it_needs_and_how_new_a_glibc() -> None:
    content = KNOWN["libstdc++.so.6"].read_bytes()
    found = elf.read(content)
    assert found is not None
    assert found.soname == "libstdc++.so.6"
    assert {"libm.so.6", "libc.so.6", "libgcc_s.so.1"} <= set(found.needed)
    major, minor = map(int, elf.oldest_glibc(content).split("."))
    assert (major, minor) >= (2, 2)


@needs_cplusplus
def test_what_is_cut_short_or_changed_is_read_without_an_error() -> None:
    content = KNOWN["libgcc_s.so.1"].read_bytes()
    dice = random.Random(5)
    for _ in range(300):
        cut = bytearray(content[: dice.randrange(len(content))])
        for _ in range(8):
            if cut:
                cut[dice.randrange(min(len(cut), 1024))] = dice.randrange(256)
        elf.read(bytes(cut))
    assert elf.read(b"#!/bin/sh") is None
    assert elf.read(content[:100]) is None


@needs_cplusplus
def test_what_a_wheel_loads_from_the_machine_is_stored_with_what_that_needs_and_nothing_of_glibc(
    tmp_path: Path,
) -> None:
    blobs = Blobs(tmp_path / "blobs")
    path = tmp_path / "native-1.0-cp311-cp311-linux_x86_64.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.write(KNOWN["libstdc++.so.6"], "native/part.so")
    kept = blobs.add(path)
    wheels = [Wheel("native", "1.0", path.name, kept.digest, kept.size)]
    python = tmp_path / "python.tar.gz"
    tarfile.open(python, "w:gz").close()
    captured = blobs.add(python)
    found = libraries.of_wheels(
        wheels, Interpreter("3.11.7", captured.digest, captured.size), blobs, tmp_path / "notes"
    )
    assert [one.name for one in found] == ["libgcc_s.so.1"], "the wheel brings libstdc++ itself"
    assert blobs.verify(found[0].digest).read_bytes() == KNOWN["libgcc_s.so.1"].read_bytes()


@pytest.mark.skipif(sys.platform != "linux", reason="glibc is Linux's")
def test_a_library_that_asks_for_a_newer_glibc_is_left_to_the_machine() -> None:
    given = [{"name": name, "digest": "", "glibc": glibc} for name, glibc in (("a", "2.2"), ("b", ""), ("c", "9.1"))]
    assert [one["name"] for one in install.usable_libraries({"libraries": given})] == ["a", "b"]
    assert install.usable_libraries({}) == [], "packages of before had none"
