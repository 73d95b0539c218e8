"""The one installer: an interpreter and wheels, verified, become an environment that runs alone.

Standard library only and Python 3.7 syntax, because a copy of this file is `restore.py` in every package: it must work
in many years, on a machine that has a Python of any kind and nothing of ours. Packaging, serving and restoring all
build through `build`; run as a script beside a `manifest.json` it verifies that package and restores it.

It trusts nothing: every file's sha256 is checked before anything is unpacked, and links, devices, absolute and
escaping paths are refused. An environment appears by one rename, so a killed build leaves nothing half-made.
"""

from __future__ import annotations

import base64
import contextlib
import csv
import fcntl
import hashlib
import importlib
import io
import json
import os
import shutil
import socket
import stat
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from concurrent.futures import ThreadPoolExecutor
from typing import IO, Any, Callable, Iterator

_CHUNK = 1 << 20
_MAX_UNPACKED = 16 << 30
_RECORD_SIGNATURES = ("RECORD", "RECORD.jws", "RECORD.p7s")


class Refused(Exception):
    """A file is not what it should be; `file` names it and `why` says what was found."""

    def __init__(self, file: str, why: str) -> None:
        super().__init__("%s: %s" % (file, why))
        self.file = file
        self.why = why


def sha256_of(path: str) -> str:
    """Return the sha256 of a file as 64 hex digits."""
    seen = hashlib.sha256()
    with open(path, "rb") as file:
        for piece in iter(lambda: file.read(_CHUNK), b""):
            seen.update(piece)
    return seen.hexdigest()


def check_file(path: str, digest: str, name: str = "") -> None:
    """Raise `Refused` unless the file at `path` is there and has the digest `sha256:<64 hex>`."""
    name = name or os.path.basename(path)
    if not os.path.isfile(path):
        raise Refused(name, "it is missing")
    found = "sha256:" + sha256_of(path)
    if found != digest:
        raise Refused(name, "it changed after sealing: expected %s, found %s" % (digest, found))


def paths_of(target: str) -> tuple[str, str]:
    """Return the environment's interpreter and its LD_LIBRARY_PATH."""
    home = os.path.join(target, "python")
    return os.path.join(home, "bin", "python3"), os.path.join(home, "lib")


def build(environment: dict[str, Any], find: Callable[[str], str], target: str) -> tuple[str, str]:
    """Make the environment at `target` unless it is there already; return its interpreter and its LD_LIBRARY_PATH.

    `environment` is the manifest's object of that name, `find` maps a digest to the path of the blob. Raises `Refused`.
    """
    with _alone(target):
        if not os.path.isdir(target):
            _sweep(target)
            _verify(environment, find)
            _make(environment, find, target)
    return paths_of(target)


def _make(environment: dict[str, Any], find: Callable[[str], str], target: str) -> None:
    draft = tempfile.mkdtemp(prefix=_draft_prefix(target), dir=os.path.dirname(target))
    try:
        home = os.path.join(draft, "python")
        unpack_tar(find(environment["interpreter"]["digest"]), home, "the interpreter")
        minor = ".".join(environment["interpreter"]["version"].split(".")[:2])
        site = os.path.join(home, "lib", "python" + minor, "site-packages")
        os.makedirs(site, exist_ok=True)
        with ThreadPoolExecutor(4) as pool:  # zlib and sha256 let go of the interpreter's lock
            list(
                pool.map(
                    lambda wheel: unpack_wheel(find(wheel["digest"]), wheel["file"], site, home), environment["wheels"]
                )
            )
        os.chmod(draft, 0o755)
        os.rename(draft, target)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise


def _verify(environment: dict[str, Any], find: Callable[[str], str]) -> None:
    interpreter = environment["interpreter"]
    check_file(find(interpreter["digest"]), interpreter["digest"], "the interpreter " + interpreter["version"])
    for wheel in environment["wheels"]:
        check_file(find(wheel["digest"]), wheel["digest"], wheel["file"])


@contextlib.contextmanager
def _alone(target: str) -> Iterator[None]:
    """Hold the lock of `target`: two builds of one environment wait for each other."""
    os.makedirs(os.path.dirname(target), exist_ok=True)
    with open(target + ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _draft_prefix(target: str) -> str:
    return ".%s." % os.path.basename(target)[:12]


def _sweep(target: str) -> None:
    """Remove what killed builds left; the lock is held, so nobody is building there."""
    folder = os.path.dirname(target)
    for name in os.listdir(folder):
        if name.startswith(_draft_prefix(target)):
            shutil.rmtree(os.path.join(folder, name), ignore_errors=True)


# --- archives: nothing outside the folder, no links, no devices -------------------------------------------------------


def inside(folder: str, name: str, archive: str) -> str:
    """Return where the member `name` of `archive` belongs under `folder`; raise `Refused` when it would escape."""
    parts = name.split("/")
    if name.startswith("/") or "\\" in name or "\0" in name or ".." in parts or (parts[0] and ":" in parts[0]):
        raise Refused(archive, "its member %r would be written outside the folder" % name)
    return os.path.join(folder, *parts)


def unpack_tar(path: str, folder: str, archive: str, limit: int = _MAX_UNPACKED) -> None:
    """Unpack a tar (compressed or not) of plain files and folders; raise `Refused` at anything else."""
    left = limit
    with tarfile.open(path) as tar:
        for member in tar:
            target = inside(folder, member.name, archive)
            if member.isdir():
                os.makedirs(target, exist_ok=True)
                continue
            if not member.isreg():
                raise Refused(archive, "its member %r is a link or a device" % member.name)
            left -= member.size
            if left < 0:
                raise Refused(archive, "it holds more than %d bytes" % limit)
            source = tar.extractfile(member)
            assert source is not None, "a plain file has content"
            _write(target, source, member.mode & 0o111)


def unpack_wheel(path: str, name: str, site: str, home: str) -> None:
    """Unpack one wheel into `site`; its `.data` folders go where they belong under `home`. Checks RECORD."""
    left = _MAX_UNPACKED
    with zipfile.ZipFile(path) as wheel:
        hashes = _record(wheel, name)
        for member in wheel.infolist():
            mode = member.external_attr >> 16
            target = inside(*_destination(member.filename, site, home), archive=name)
            if member.filename.endswith("/"):
                continue
            if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
                raise Refused(name, "its member %r is a link or a device" % member.filename)
            left -= member.file_size
            if left < 0:
                raise Refused(name, "it holds more than %d bytes" % _MAX_UNPACKED)
            with wheel.open(member) as source:
                found = _write(target, source, mode & 0o111)
            _agree(name, member.filename, hashes.get(member.filename), found)


def _destination(member: str, site: str, home: str) -> tuple[str, str]:
    """Return the folder and the path in it for a wheel's member (binary distribution format, `.data` folders)."""
    top, _, rest = member.partition("/")
    if not top.endswith(".data") or not rest:
        return site, member
    scheme, _, rest = rest.partition("/")
    folders = {"purelib": site, "platlib": site, "scripts": os.path.join(home, "bin"), "data": home}
    return folders.get(scheme, os.path.join(home, "include")), rest


def _record(wheel: zipfile.ZipFile, name: str) -> dict[str, str]:
    """Return member -> urlsafe base64 sha256 as the wheel's RECORD lists them."""
    listings = [
        member for member in wheel.namelist() if member.endswith(".dist-info/RECORD") and member.count("/") == 1
    ]
    if len(listings) != 1:
        raise Refused(name, "it has no single RECORD: it is not a wheel")
    rows = csv.reader(io.StringIO(wheel.read(listings[0]).decode("utf-8")))
    present = set(wheel.namelist())
    hashes = {}
    for row in rows:
        if row and row[0] not in present:
            raise Refused(name, "its RECORD lists %r, which is not in it" % row[0])
        if row and len(row) > 1 and row[1].startswith("sha256="):
            hashes[row[0]] = row[1][len("sha256=") :]
    return hashes


def _agree(archive: str, member: str, expected: str | None, found: bytes) -> None:
    """Raise `Refused` when RECORD says otherwise; what it does not list is still covered by the wheel's own digest."""
    if expected is None or os.path.basename(member) in _RECORD_SIGNATURES:
        return
    if base64.urlsafe_b64encode(found).rstrip(b"=").decode("ascii") != expected.rstrip("="):
        raise Refused(archive, "its member %r differs from its RECORD" % member)


def _write(target: str, source: IO[bytes], executable: int) -> bytes:
    """Write one new file and return the sha256 of its content."""
    os.makedirs(os.path.dirname(target), exist_ok=True)
    seen = hashlib.sha256()
    with open(target, "wb") as file:
        for piece in iter(lambda: source.read(_CHUNK), b""):
            seen.update(piece)
            file.write(piece)
    os.chmod(target, 0o755 if executable else 0o644)
    return seen.digest()


# --- a package on its own: `python3 restore.py [FOLDER]` --------------------------------------------------------------


def verify_package(package: str) -> dict[str, Any]:
    """Return the manifest of the package folder after checking every file and blob that it names."""
    with open(os.path.join(package, "manifest.json"), "rb") as file:
        manifest: dict[str, Any] = json.loads(file.read().decode("utf-8"))
    for name, file in sorted(manifest["files"].items()):
        check_file(inside(package, name, "manifest.json"), file["digest"], name)
    return manifest


def reproduce(package: str, manifest: dict[str, Any], python: str, libraries: str) -> int:
    """Return how many golden rows were answered with the recorded bits; raise `Refused` naming the first that was not."""
    worker = os.path.join(package, "blobs", manifest["worker"].partition(":")[2])
    sys.path.insert(0, worker)  # the worker's own codec reads the files that it wrote
    columns = importlib.import_module("tenure_worker.columns")
    inputs, outputs = [_columns(columns, package, manifest["golden"][name]) for name in ("inputs", "outputs")]
    rows = columns.Codec(inputs[0]).split_rows(*inputs[1:])
    expected = columns.Codec(outputs[0]).split_rows(*outputs[1:])
    with _running(package, manifest, worker, python, libraries) as ask:
        for start in range(0, len(rows), 256):
            some = rows[start : start + 256]
            body = ask(len(some), columns.Codec(inputs[0]).join_rows(some))
            found = columns.Codec(outputs[0]).split_rows(len(some), body)
            for nth, bits in enumerate(found, start):
                if bits != expected[nth]:
                    raise Refused("golden row %d" % nth, "other bits than recorded on %s" % manifest["golden"]["cpu"])
    return len(rows)


def _columns(columns: Any, package: str, name: str) -> Any:
    with open(os.path.join(package, name), "rb") as file:
        return columns.read_columns(file.read())


@contextlib.contextmanager
def _running(package: str, manifest: dict[str, Any], worker: str, python: str, libraries: str) -> Iterator[Any]:
    """Start the sealed worker in the rebuilt environment; give a function (rows, column bytes) -> column bytes."""
    frames = importlib.import_module("tenure_worker.frames")
    ours, theirs = socket.socketpair()
    digest = "sha256:" + sha256_of(os.path.join(package, "manifest.json"))
    command = [python, "-s", "-B", worker, "--package", package, "--digest", digest]
    process = subprocess.Popen(
        [*command, "--connect-fd", str(theirs.fileno())],
        env=_environ(manifest, libraries),
        pass_fds=[theirs.fileno()],
        stdout=subprocess.DEVNULL,
    )
    theirs.close()

    def ask(rows: int, body: bytes) -> bytes:
        ours.sendall(frames.encode(frames.INFER, 1, rows, body=body))
        parser = frames.Parser()
        received: list[Any] = []
        while not received:
            content = ours.recv(1 << 18)
            if not content:
                raise Refused("worker.pyz", "it ended without an answer")
            received = parser.feed(content)
        if received[0].kind != frames.RESULT:
            raise Refused("worker.pyz", frames.read_json(received[0].meta).get("error", "it answered with an error"))
        return bytes(received[0].body)

    try:
        yield ask
    finally:
        ours.close()
        process.wait()


def _environ(manifest: dict[str, Any], libraries: str) -> dict[str, str]:
    """Return the same environment as `serving/launch.py` gives a worker."""
    names = ("OMP_NUM", "OPENBLAS_NUM", "MKL_NUM", "BLIS_NUM", "NUMEXPR_NUM", "VECLIB_MAXIMUM")
    threads = {name + "_THREADS": str(manifest.get("threads", 1)) for name in names}
    passed = {name: os.environ[name] for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE") if name in os.environ}
    plain = {
        "PATH": "/usr/bin:/bin",
        "HOME": "/nonexistent",
        "TMPDIR": "/tmp",
        "LANG": "C.UTF-8",
        "PYTHONHASHSEED": "0",
    }
    return dict(plain, LD_LIBRARY_PATH=libraries, **dict(threads, **passed))


def main(arguments: list[str]) -> int:
    """Verify the package this file lies in, rebuild its environment, and reproduce its golden outputs."""
    package = os.path.dirname(os.path.abspath(__file__))
    target = os.path.abspath(arguments[0] if arguments else package + "-restored")
    find = lambda digest: os.path.join(package, "blobs", digest.partition(":")[2])  # noqa: E731
    try:
        manifest = verify_package(package)
        check_file(find(manifest["worker"]), manifest["worker"], "worker.pyz")
        python, libraries = build(manifest["environment"], find, target)
        rows = reproduce(package, manifest, python, libraries)
    except Refused as refusal:
        sys.exit("refused: %s" % refusal)
    print("%s: %d golden outputs came out bit for bit" % (manifest["name"], rows))
    print("its Python: LD_LIBRARY_PATH=%s %s" % (libraries, python))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
