"""An export on disk: one uncompressed tar, the same bytes for the same content, so that any changed byte shows."""

from __future__ import annotations

import io
import tarfile
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tenure.adapters.signing import is_valid
from tenure.kit.digests import digest_of_file
from tenure.model.travelling import BLOBS, HISTORY, SIGNATURE, DamagedExport, decode, decode_signature
from tenure.worker import install

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tenure.adapters.blobs import Blobs
    from tenure.model.travelling import Travelled

_MOST = 64 << 30
_PIECE = 1 << 20


def write(target: Path, names: Iterable[str], content: Callable[[str], bytes | Path]) -> None:
    """Write the tar of `names`, in their order, whole or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as folder:
        draft = Path(folder, "draft")
        with tarfile.open(draft, "w", format=tarfile.PAX_FORMAT) as tar:
            for name in names:
                _add(tar, name, content(name))
        draft.replace(target)


def _add(tar: tarfile.TarFile, name: str, content: bytes | Path) -> None:
    member = tarfile.TarInfo(name)
    member.mode = 0o644
    if isinstance(content, bytes):
        member.size = len(content)
        tar.addfile(member, io.BytesIO(content))
        return
    member.size = content.stat().st_size
    with content.open("rb") as source:
        tar.addfile(member, source)


def order(history: Travelled) -> list[str]:
    """Return the names of an export's files in the order they are written in."""
    return [HISTORY, SIGNATURE, *sorted(history.files)]


def unpack(file: Path, folder: Path) -> Travelled:
    """Unpack an export into the new folder `folder` and return its history; every byte of the file is checked.

    Raises `DamagedExport` naming what is wrong.
    """
    folder.mkdir(parents=True)
    try:
        install.unpack_tar(str(file), str(folder), file.name, _MOST)
    except install.Refused as refusal:
        raise DamagedExport(file=refusal.file, why=refusal.why) from refusal
    except (tarfile.TarError, EOFError, OSError, UnicodeError, ValueError) as error:
        raise DamagedExport(file=file.name, why=f"it is no readable tar: {error}") from error
    history = check(folder)
    _check_frame(file, folder, history)
    return history


def check(folder: Path, store: Blobs | None = None) -> Travelled:
    """Return the history of an unpacked export after checking every file; blobs left out may come from `store`."""
    content = _read(folder, HISTORY)
    history = decode(content)
    if not is_valid(decode_signature(_read(folder, SIGNATURE)), content):
        raise DamagedExport(file=HISTORY, why=f"it does not fit {SIGNATURE}: one of the two was changed")
    for name, file in history.files.items():
        if store is not None and _is_blob(name) and not (folder / name).is_file() and store.has(file.digest):
            continue
        try:
            install.check_file(install.inside(str(folder), name, HISTORY), file.digest, name)
        except install.Refused as refusal:
            raise DamagedExport(file=refusal.file, why=refusal.why) from refusal
    known = {HISTORY, SIGNATURE, *history.files}
    for path in sorted(folder.rglob("*")):
        if not path.is_dir() and path.relative_to(folder).as_posix() not in known:
            raise DamagedExport(file=path.relative_to(folder), why="the history does not name it")
    return history


def _read(folder: Path, name: str) -> bytes:
    try:
        return (folder / name).read_bytes()
    except OSError as error:
        raise DamagedExport(file=name, why="it is missing") from error


def _is_blob(name: str) -> bool:
    return name.split("/")[-2:-1] == [BLOBS]


def _check_frame(file: Path, folder: Path, history: Travelled) -> None:
    """Raise `DamagedExport` unless the tar is byte for byte what is written for this content: headers and padding too."""
    again = folder.with_name(folder.name + ".again")
    try:
        write(again, order(history), lambda name: folder / name)
        if digest_of_file(again) != digest_of_file(file):
            raise DamagedExport(file=_changed(file, again), why="the tar around it was changed")
    finally:
        again.unlink(missing_ok=True)


def _changed(file: Path, again: Path) -> str:
    """Return the member in whose place the first different byte stands."""
    at = _first_difference(file, again)
    with tarfile.open(again) as tar:
        members = [member for member in tar if member.offset <= at]
    return members[-1].name if members else file.name


def _first_difference(one: Path, other: Path) -> int:
    with one.open("rb") as left, other.open("rb") as right:
        at = 0
        while True:
            ours, theirs = left.read(_PIECE), right.read(_PIECE)
            if ours != theirs:
                pairs = zip(ours, theirs, strict=False)
                return at + next((n for n, (a, b) in enumerate(pairs) if a != b), min(len(ours), len(theirs)))
            if not ours:
                return at
            at += len(ours)
