"""Package folders and the tars they travel in: written whole or not at all, opened only when every byte is right.

Layout and format: docs/formats/package.md. Nothing here unpickles or runs anything.
"""

from __future__ import annotations

import os
import shutil
import tarfile
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from tenure.adapters.signing import is_valid
from tenure.kit.digests import digest_of
from tenure.kit.errors import Kind, TenureError
from tenure.model.package import (
    MANIFEST,
    DamagedPackage,
    Manifest,
    OpenPackage,
    Signature,
    blob_digests,
    decode_manifest,
    encode_manifest,
)
from tenure.worker import install

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tenure.adapters.blobs import Blobs

_SIGNATURES = "signatures"
_BLOBS = "blobs"
_MOST_MANIFEST = 16 << 20


class Occupied(TenureError):
    """The output folder holds something that is no package."""

    code = "output-occupied"
    kind = Kind.CONFLICT
    message = "{folder} exists and is not a package"
    next_step = "choose another --output"


class TooLarge(TenureError):
    """An upload holds more than is allowed."""

    code = "package-too-large"
    kind = Kind.TOO_LARGE
    message = "{file}: {why}"
    next_step = "package with fewer or smaller files"


def write_folder(
    folder: Path,
    manifest: Manifest,
    contents: Mapping[str, bytes | Path],
    blobs: Blobs,
    signatures: Iterable[Signature],
) -> Path:
    """Write a package so that it is there whole or not at all; one that was there before is replaced."""
    if folder.exists() and not (folder / MANIFEST).is_file():
        raise Occupied(folder=folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        lay_out(draft, manifest, contents)
        for digest in blob_digests(manifest):
            _link(blobs.path(digest), draft / _BLOBS / digest.removeprefix("sha256:"))
        for signature in signatures:
            _write(draft / _SIGNATURES / f"{signature.key}.json", msgspec.json.encode(signature))
        draft.chmod(0o755)
        _replace(draft, folder)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    return folder


def lay_out(folder: Path, manifest: Manifest, contents: Mapping[str, bytes | Path]) -> None:
    """Write the manifest and the files of a package into an existing folder."""
    _write(folder / MANIFEST, encode_manifest(manifest))
    for name, content in contents.items():
        _write(folder / name, content)


def _replace(draft: Path, folder: Path) -> None:
    old = draft.with_name(draft.name + ".old")
    if folder.exists():
        folder.rename(old)
    draft.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def _write(path: Path, content: bytes | Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        shutil.copyfile(content, path)


def _link(source: Path, target: Path) -> None:
    """Give the blob a second name where the file system can; digests are checked wherever it is read."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def open_folder(folder: Path, store: Blobs | None = None) -> OpenPackage:
    """Return a package after checking every byte of it; raise `DamagedPackage` naming the file that is wrong.

    Blobs that the folder lacks may come from `store`, where an upload left out what was there already.
    """
    content = _manifest_bytes(folder)
    manifest = decode_manifest(content)
    signatures = _signatures(folder, content)
    try:
        for name, file in sorted(manifest.files.items()):
            install.check_file(install.inside(str(folder), name, MANIFEST), file.digest, name)
        for digest in blob_digests(manifest):
            _check_blob(folder, digest, manifest, store)
    except install.Refused as refusal:
        raise DamagedPackage(file=refusal.file, why=refusal.why) from refusal
    _refuse_strangers(folder, manifest, signatures)
    return OpenPackage(folder, manifest, digest_of(content), signatures)


def _manifest_bytes(folder: Path) -> bytes:
    path = folder / MANIFEST
    if not path.is_file():
        raise DamagedPackage(file=MANIFEST, why=f"there is none in {folder}")
    if path.stat().st_size > _MOST_MANIFEST:
        raise TooLarge(file=MANIFEST, why=f"it has more than {_MOST_MANIFEST} bytes")
    return path.read_bytes()


def _signatures(folder: Path, manifest: bytes) -> tuple[Signature, ...]:
    """Return the signatures, all valid, at least one: a package is signed when it is made."""
    found = []
    for path in sorted((folder / _SIGNATURES).glob("*")):
        name = f"{_SIGNATURES}/{path.name}"
        try:
            signature = msgspec.json.decode(path.read_bytes(), type=Signature)
        except (msgspec.DecodeError, OSError) as error:
            raise DamagedPackage(file=name, why=f"it cannot be read: {error}") from error
        if path.name != f"{signature.key}.json" or not is_valid(signature, manifest):
            raise DamagedPackage(file=MANIFEST, why=f"it does not fit the signature {name}: one of the two was changed")
        found.append(signature)
    if not found:
        raise DamagedPackage(file=_SIGNATURES, why="the package is not signed")
    return tuple(found)


def _check_blob(folder: Path, digest: str, manifest: Manifest, store: Blobs | None) -> None:
    path = folder / _BLOBS / digest.removeprefix("sha256:")
    if not path.is_file() and store is not None and store.has(digest):
        store.verify(digest)
        return
    install.check_file(str(path), digest, called(manifest, digest))


def called(manifest: Manifest, digest: str) -> str:
    """Return what a person calls a blob: the wheel's file name, the library's, the interpreter, worker.pyz."""
    if digest == manifest.worker:
        return "worker.pyz"
    environment = manifest.environment
    if environment is None or digest == environment.interpreter.digest:
        return "the interpreter"
    names = {wheel.digest: wheel.file for wheel in environment.wheels}
    names |= {library.digest: library.name for library in environment.libraries}
    return names.get(digest, digest)


def _refuse_strangers(folder: Path, manifest: Manifest, signatures: Sequence[Signature]) -> None:
    """Refuse a file that nothing vouches for; there is no list of names to be ignored."""
    known = {MANIFEST, *manifest.files, *(f"{_SIGNATURES}/{one.key}.json" for one in signatures)}
    known |= {f"{_BLOBS}/{digest.removeprefix('sha256:')}" for digest in blob_digests(manifest)}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink() or (not path.is_dir() and name not in known):
            raise DamagedPackage(file=name, why="the manifest does not know it")


def store_all(package: OpenPackage, blobs: Blobs) -> None:
    """Keep everything of an opened package as blobs; the manifest's own address is the package's id."""
    blobs.add((package.folder / MANIFEST).read_bytes())
    for name in package.manifest.files:
        blobs.add(package.folder / name)
    for digest in blob_digests(package.manifest):
        if not blobs.has(digest):
            blobs.add(package.folder / _BLOBS / digest.removeprefix("sha256:"))


def mend_all(package: OpenPackage, blobs: Blobs) -> None:
    """Write anew whatever of a stored package was damaged or lost, from the folder in which it was opened."""
    whole = {package.digest: MANIFEST} | {file.digest: name for name, file in package.manifest.files.items()}
    whole |= {digest: f"{_BLOBS}/{digest.removeprefix('sha256:')}" for digest in blob_digests(package.manifest)}
    for digest, name in whole.items():
        # An upload left out what the home had intact.
        if (package.folder / name).is_file():
            blobs.mend(digest, package.folder / name)


def materialise(digest: str, blobs: Blobs, folder: Path) -> Manifest:
    """Return the manifest of a stored package, its files laid out in `folder` and each checked.

    The folder is a cache: missing, it is made from blobs; a file changed in it is refused by name.
    """
    manifest = decode_manifest(blobs.verify(digest).read_bytes())
    if not folder.is_dir():
        contents: dict[str, bytes | Path] = {name: blobs.verify(file.digest) for name, file in manifest.files.items()}
        folder.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{folder.name[:12]}.", dir=folder.parent))
        lay_out(draft, manifest, contents)
        settle(draft, folder)
    try:
        install.check_file(str(folder / MANIFEST), digest, MANIFEST)
        for name, file in sorted(manifest.files.items()):
            install.check_file(str(folder / name), file.digest, name)
    except install.Refused as refusal:
        raise DamagedPackage(file=folder / refusal.file, why=refusal.why) from refusal
    return manifest


def settle(draft: Path, folder: Path) -> None:
    """Give the folder its name; when another process was faster, its folder stays."""
    draft.chmod(0o755)
    try:
        draft.rename(folder)
    except OSError:
        shutil.rmtree(draft, ignore_errors=True)
        if not folder.is_dir():
            raise


def pack(folder: Path, only: Sequence[str] | None, target: Path) -> Path:
    """Write an uncompressed tar of a package, of its blobs those in `only` (None: all); return `target`."""
    wanted = None if only is None else {digest.removeprefix("sha256:") for digest in only}
    with tarfile.open(target, "w", dereference=True) as tar:
        for path in sorted(folder.rglob("*")):
            name = path.relative_to(folder).as_posix()
            if path.is_file() and (wanted is None or path.parent.name != _BLOBS or path.name in wanted):
                tar.add(path, name, recursive=False, filter=_anonymous)
    return target


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = member.mtime = 0
    member.uname = member.gname = ""
    member.mode = 0o644
    member.type, member.linkname = tarfile.REGTYPE, ""
    return member


def unpack(archive: Path, folder: Path, most: int) -> Path:
    """Unpack an uploaded tar into a new folder: plain files only, at most `most` bytes; it is not yet checked."""
    folder.mkdir(parents=True)
    try:
        install.unpack_tar(str(archive), str(folder), "the upload", most)
    except install.Refused as refusal:
        raise TooLarge(file=refusal.file, why=refusal.why) from refusal
    except (tarfile.TarError, EOFError, OSError) as error:
        raise DamagedPackage(file="the upload", why=f"it is no readable tar: {error}") from error
    return folder
