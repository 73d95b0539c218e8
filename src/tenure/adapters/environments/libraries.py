"""The shared libraries that wheels take from the machine: found in their ELF files, and packed beside the interpreter.

A manylinux wheel may lean on the machine's libstdc++, libgcc_s, libz or libgomp; what it needs beyond glibc goes into the
package, so that it also runs where they are not installed.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import tarfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from tenure.adapters.environments import elf
from tenure.model.package import Library
from tenure.worker.confine import GLIBC

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from tenure.adapters.blobs import Blobs
    from tenure.model.package import Interpreter, Wheel

#: raise it when more is read of a wheel, so that no note of before is used
_RECIPE = 1
_MACHINES = {"x86_64": 62, "aarch64": 183}


class _Wants(msgspec.Struct, frozen=True):
    """What an archive's libraries ask the loader for, and what they are themselves called."""

    needs: tuple[str, ...]
    brings: tuple[str, ...]


def of_wheels(wheels: Iterable[Wheel], interpreter: Interpreter, blobs: Blobs, notes: Path) -> tuple[Library, ...]:
    """Return the machine's libraries that the wheels load, each stored; what this machine has not is left out.

    `notes` is a folder that remembers what was read of each wheel.
    """
    wants = [_wants(wheel, blobs, notes) for wheel in wheels]
    brought = {name for one in wants for name in one.brings}
    needed = {name for one in wants for name in one.needs} - brought
    if not needed:
        return ()
    there = brought | _beside(interpreter, blobs, notes)
    found = _followed(needed - there, there, _known())
    return tuple(_stored(name, path, blobs) for name, path in sorted(found.items()))


def _followed(wanted: set[str], there: set[str], known: Mapping[str, Path]) -> dict[str, Path]:
    """Return name -> file of what is wanted and of what that needs in turn, but for glibc and what is there."""
    found: dict[str, Path] = {}
    left = sorted(wanted)
    while left:
        name = left.pop()
        if name in found or name in there or GLIBC.fullmatch(name) or name not in known:
            continue
        found[name] = known[name]
        described = elf.read(known[name].read_bytes())
        left += described.needed if described else ()
    return found


def _stored(name: str, path: Path, blobs: Blobs) -> Library:
    file = blobs.add(path)
    return Library(name, file.digest, file.size, elf.oldest_glibc(path.read_bytes()))


def _known() -> dict[str, Path]:
    """Return name -> file of the libraries that this machine's loader finds, of its own architecture alone."""
    program = shutil.which("ldconfig", path="/sbin:/usr/sbin:/bin:/usr/bin")
    if program is None:
        return {}
    listed = subprocess.run([program, "-p"], capture_output=True, text=True, check=False).stdout
    known: dict[str, Path] = {}
    for line in listed.splitlines():
        name, arrow, path = line.strip().partition(" => ")
        if arrow and _is_ours(Path(path)):
            known.setdefault(name.partition(" ")[0], Path(path).resolve())
    return known


def _is_ours(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            described = file.read(20)
    except OSError:
        return False
    wanted = _MACHINES.get(platform.machine(), -1)
    return described.startswith(b"\x7fELF\x02\x01") and int.from_bytes(described[18:20], "little") == wanted


def _wants(wheel: Wheel, blobs: Blobs, notes: Path) -> _Wants:
    """Return what a wheel wants; read once, because its libraries have to be decompressed."""
    if wheel.file.endswith("-any.whl"):
        return _Wants((), ())
    note = notes / f"wants-{_RECIPE}-{_hex(wheel.digest)}.json"
    return _remembered(note, lambda: _read_wheel(blobs.path(wheel.digest)))


def _read_wheel(path: Path) -> _Wants:
    needs, brings = set[str](), set[str]()
    for name, content in _libraries_in(path):
        described = elf.read(content)
        if described is not None:
            needs |= set(described.needed)
            brings |= {name, described.soname}
    return _Wants(tuple(sorted(needs)), tuple(sorted(brings - {""})))


def _libraries_in(path: Path) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(path) as wheel:
        for member in wheel.namelist():
            name = member.rpartition("/")[2]
            if name.endswith(".so") or ".so." in name:
                yield name, wheel.read(member)


def _beside(interpreter: Interpreter, blobs: Blobs, notes: Path) -> set[str]:
    """Return the libraries that the interpreter's archive brings along."""
    note = notes / f"beside-{_hex(interpreter.digest)}.json"
    return set(_remembered(note, lambda: _in_archive(blobs.path(interpreter.digest))).brings)


def _in_archive(path: Path) -> _Wants:
    with tarfile.open(path) as tar:
        names = [name.split("/") for name in tar.getnames()]
    return _Wants((), tuple(sorted(parts[1] for parts in names if len(parts) == 2 and parts[0] == "lib")))


def _remembered(note: Path, find: Callable[[], _Wants]) -> _Wants:
    if note.is_file():
        return msgspec.json.decode(note.read_bytes(), type=_Wants)
    found = find()
    note.parent.mkdir(parents=True, exist_ok=True)
    draft = note.with_suffix(f".{os.getpid()}.new")
    draft.write_bytes(msgspec.json.encode(found))
    draft.rename(note)
    return found


def _hex(digest: str) -> str:
    return digest.removeprefix("sha256:")
