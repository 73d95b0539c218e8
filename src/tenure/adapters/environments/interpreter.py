"""Find a CPython on this machine and copy it so that it runs from any folder: `bin/python3`, `lib/`.

The copy leaves out tests, tkinter, idlelib, config, site-packages and bytecode, and takes along the shared libraries
that are not glibc's. It is started with LD_LIBRARY_PATH=<copy>/lib. The archive is the same bytes each time.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from tenure.kit.digests import canonical, digest_of
from tenure.kit.errors import Kind, TenureError
from tenure.model.package import Interpreter
from tenure.worker.confine import GLIBC

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from tenure.adapters.blobs import Blobs

#: raise it when the way of copying changes, so that no cached copy of the old way is used
_RECIPE = 2

_LEFT_OUT_FOLDERS = {
    "__pycache__", "dist-packages", "ensurepip", "idlelib", "site-packages", "test", "tests", "idle_test", "tkinter", "turtledemo",
}  # fmt: skip
_LEFT_OUT_FILES = re.compile(
    r".*\.(pyc|pyo|a)|(_tkinter|_test|_ctypes_test|xx|_xx).*\.so|turtle\.py|EXTERNALLY-MANAGED|sitecustomize\.py"
)

#: asked of a candidate: enough to copy it
_QUESTION = """
import json, platform, site, sys, sysconfig
print(json.dumps({
    "version": platform.python_version(), "implementation": sys.implementation.name, "prefix": sys.base_prefix,
    "executable": getattr(sys, "_base_executable", sys.executable), "stdlib": sysconfig.get_path("stdlib"),
    "platform": sysconfig.get_platform(), "sites": site.getsitepackages(), "bits": sys.maxsize.bit_length() + 1,
    "glibc": platform.libc_ver()[1]}))
"""

#: Debian's Python looks for packages in `dist-packages` alone
_SITE = b"""import os, site, sys
site.addsitedir(os.path.join(sys.prefix, "lib", "python%d.%d" % sys.version_info[:2], "site-packages"))
"""


class NoInterpreter(TenureError):
    """This machine has no CPython of the wanted version."""

    code = "no-interpreter"
    kind = Kind.UNAVAILABLE
    message = "no CPython {wanted} on this machine (looked at pyenv, uv, PATH and /usr)"
    next_step = "install one, for example with `uv python install {wanted}` or `pyenv install {wanted}`"


@dataclass(frozen=True, slots=True)
class Found:
    """A CPython of this machine, as it describes itself."""

    executable: Path
    version: str
    platform: str
    prefix: Path
    stdlib: Path
    glibc: str
    looks_in_site_packages: bool

    @property
    def minor(self) -> str:
        """Return the version without its last part: 3.11."""
        return ".".join(self.version.split(".")[:2])


def find(wanted: str, environ: Mapping[str, str], home: Path) -> Found:
    """Return a CPython whose version is, or begins with, `wanted`; the running one first, then the newest patch."""
    running = describe(Path(sys.executable))
    if running and _fits(running.version, wanted):
        return running
    found = [
        one for path in _candidates(wanted, environ, home) if (one := describe(path)) and _fits(one.version, wanted)
    ]
    if not found:
        raise NoInterpreter(wanted=wanted)
    return max(found, key=lambda one: (one.looks_in_site_packages, tuple(map(int, one.version.split(".")))))


def describe(executable: Path) -> Found | None:
    """Return what the interpreter says of itself; None when it does not run or is no released CPython."""
    try:
        answer = subprocess.run([executable, "-I", "-c", _QUESTION], capture_output=True, timeout=30, check=True)
        facts = json.loads(answer.stdout)
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    if facts["implementation"] != "cpython" or not re.fullmatch(r"3\.\d+\.\d+", facts["version"]):
        return None
    return Found(
        executable=Path(facts["executable"]).resolve(),
        version=facts["version"],
        platform=facts["platform"],
        prefix=Path(facts["prefix"]),
        stdlib=Path(facts["stdlib"]),
        glibc=facts["glibc"],
        looks_in_site_packages=any(site.endswith("site-packages") for site in facts["sites"]),
    )


def _fits(version: str, wanted: str) -> bool:
    return version == wanted or version.startswith(wanted + ".")


def _candidates(wanted: str, environ: Mapping[str, str], home: Path) -> list[Path]:
    """Return executables worth asking, each once; pyenv's shims are no interpreters and are passed over."""
    minor = ".".join(wanted.split(".")[:2])
    roots = [Path(environ.get("PYENV_ROOT") or home / ".pyenv") / "versions", home / ".local/share/uv/python"]
    kept = [found for root in roots for found in sorted(root.glob(f"*{wanted}*/bin/python3"))]
    folders = [Path(part) for part in environ.get("PATH", "").split(os.pathsep) if part and "shims" not in part]
    named = [folder / f"python{minor}" for folder in (*folders, Path("/usr/bin"), Path("/usr/local/bin"))]
    unnamed = [folder / "python3" for folder in folders]
    existing = [path for path in (*kept, *named, *unnamed) if path.is_file()]
    return list({path.resolve(): path for path in existing}.values())


def capture(found: Found, blobs: Blobs, cache: Path) -> Interpreter:
    """Return the interpreter as a blob; made once per machine and source, remembered under `cache`."""
    note = cache / f"{_identity(found)}.json"
    if note.is_file():
        known = msgspec.json.decode(note.read_bytes(), type=Interpreter)
        if blobs.has(known.digest):
            return known
    cache.mkdir(parents=True, exist_ok=True)
    archive = cache / f".{note.stem}.{os.getpid()}.tar.gz"
    try:
        _write(found, archive)
        file = blobs.add(archive)
    finally:
        archive.unlink(missing_ok=True)
    made = Interpreter(found.version, file.digest, file.size)
    # By a rename: somebody else who packages at this moment reads it whole or not at all.
    draft = note.with_suffix(f".{os.getpid()}.draft")
    draft.write_bytes(msgspec.json.encode(made))
    draft.rename(note)
    return made


def _identity(found: Found) -> str:
    """Return a name that changes when the interpreter is upgraded in place."""
    changed = [path.stat().st_mtime_ns for path in (found.executable, found.stdlib / "os.py")]
    parts = [_RECIPE, str(found.executable), found.version, str(found.stdlib), changed]
    return digest_of(canonical(parts)).removeprefix("sha256:")[:32]


def _write(found: Found, archive: Path) -> None:
    """Write the tar.gz: sorted, without owners and times, so that one source always gives the same bytes."""
    with (
        archive.open("wb") as raw,
        gzip.GzipFile("", "wb", 6, raw, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for name, content, mode in sorted(_members(found)):
            _add(tar, name, _content(content), mode)


def _add(tar: tarfile.TarFile, name: str, content: bytes, mode: int) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(content), mode
    tar.addfile(member, io.BytesIO(content))


def _content(source: Path | bytes) -> bytes:
    """Return a file's bytes, a binary's without its debug symbols where `strip` is at hand (a third of the archive)."""
    if isinstance(source, bytes):
        return source
    if ".so" in source.name and (strip := shutil.which("strip")):
        with tempfile.NamedTemporaryFile() as lighter:
            done = subprocess.run([strip, "-g", "-o", lighter.name, source], capture_output=True, check=False)
            if done.returncode == 0:
                return Path(lighter.name).read_bytes()
    return source.read_bytes()


def _members(found: Found) -> Iterator[tuple[str, Path | bytes, int]]:
    library = f"lib/python{found.minor}"
    yield "bin/python3", found.executable, 0o755
    kept = list(_kept(found.stdlib))
    for path in kept:
        yield f"{library}/{path.relative_to(found.stdlib).as_posix()}", path, 0o644
    binaries = [found.executable, *(path for path in kept if path.suffix == ".so")]
    for name, path in sorted(_libraries(binaries).items()):
        yield f"lib/{name}", path, 0o644
    if not found.looks_in_site_packages:
        yield f"{library}/sitecustomize.py", _SITE, 0o644


def _kept(stdlib: Path) -> Iterator[Path]:
    for folder, names, files in os.walk(stdlib):
        names[:] = [name for name in names if name not in _LEFT_OUT_FOLDERS and not name.startswith("config-")]
        yield from (Path(folder, name) for name in files if not _LEFT_OUT_FILES.fullmatch(name))


def _libraries(binaries: Iterable[Path]) -> dict[str, Path]:
    """Return soname -> file of everything the binaries load that is not glibc's."""
    answer = subprocess.run(["ldd", *binaries], capture_output=True, text=True, check=False).stdout
    pairs = re.findall(r"^\s*(\S+) => (/\S+)", answer, re.MULTILINE)
    return {name: Path(path).resolve() for name, path in pairs if not GLIBC.fullmatch(name)}
