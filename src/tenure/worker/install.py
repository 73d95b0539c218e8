"""The one installer: an interpreter and wheels, verified, become an environment that runs alone.

Standard library only and Python 3.7 syntax, because a copy of this file is `restore.py` in every package: it must work
in many years, on a machine that has a Python of any kind and nothing of ours. Packaging, serving and restoring all
build through `build`; run as a script beside a `manifest.json` it verifies that package and restores it.

It trusts nothing: every file's sha256 is checked before anything is unpacked, and links, devices, absolute and
escaping paths are refused. An environment appears by one rename, so a killed build leaves nothing half-made.
"""

from __future__ import annotations

import argparse
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
from typing import IO, Any, Callable, Iterable, Iterator

_CHUNK = 1 << 20
#: how `--build` ends when a file is not what it should be
REFUSED = 3
_MAX_UNPACKED = 16 << 30
#: more files than any wheel or interpreter has, and more bytes for each of an archive's own, beyond the first few
_MOST_FILES, _MOST_RATIO, _FREE = 200_000, 200, 64 << 20
#: rows of one call of a restored worker
_TOGETHER = 256
#: the limits of a worker whose card names none, as `serving/launch.py` has them
_MEMORY, _FILES = 4 << 30, 1024
_CONFINED = "import sys; sys.path.insert(0, sys.argv[1]); from tenure_worker import confine; sys.exit(confine.main(sys.argv[2:]))"
_RECORD_SIGNATURES = ("RECORD", "RECORD.jws", "RECORD.p7s")
#: when every unpacked file says it was changed (seconds), so that the bytecode of a file fits it after every unpacking
CHANGED = 315_532_800
#: zlib and sha256 let go of the interpreter's lock, so threads work at once
_AT_ONCE = 4


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


def build(environment: dict[str, Any], find: Callable[[str], str], target: str, bytecode: str = "") -> tuple[str, str]:
    """Make the environment at `target` unless it is there already; return its interpreter and its LD_LIBRARY_PATH.

    `environment` is the manifest's object of that name, `find` maps a digest to the path of the blob. `bytecode` is a
    tar.gz of what this environment compiled when it was there before. Raises `Refused`.
    """
    with _alone(target):
        if not os.path.isdir(target):
            _sweep(target)
            _verify(environment, find)
            _make(environment, find, target, bytecode)
    return paths_of(target)


def _build_apart() -> int:
    """Build what standard input orders: `environment`, `blobs` (digest -> path), `target`, `bytecode`. Writes a refusal as JSON."""
    order = json.load(sys.stdin)
    try:
        build(order["environment"], order["blobs"].__getitem__, order["target"], order["bytecode"])
    except Refused as refusal:
        print(json.dumps({"file": refusal.file, "why": refusal.why}))
        return REFUSED
    return 0


def _make(environment: dict[str, Any], find: Callable[[str], str], target: str, bytecode: str) -> None:
    draft = tempfile.mkdtemp(prefix=_draft_prefix(target), dir=os.path.dirname(target))
    try:
        home = os.path.join(draft, "python")
        unpack_tar(find(environment["interpreter"]["digest"]), home, "the interpreter", gzipped=True)
        minor = ".".join(environment["interpreter"]["version"].split(".")[:2])
        site = os.path.join(home, "lib", "python" + minor, "site-packages")
        os.makedirs(site, exist_ok=True)
        for library in usable_libraries(environment):
            with open(find(library["digest"]), "rb") as source:
                _write(inside(os.path.join(home, "lib"), library["name"], "the lock"), source, 0)
        # The largest first, so that no thread is left with one of them when the others have nothing more to do.
        wheels = sorted(environment["wheels"], key=lambda wheel: -os.path.getsize(find(wheel["digest"])))
        _at_once(lambda wheel: unpack_wheel(find(wheel["digest"]), wheel["file"], site, home), wheels)
        if bytecode:
            unpack_tar(bytecode, draft, "the bytecode", gzipped=True)
        os.chmod(draft, 0o755)
        os.rename(draft, target)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise


def _at_once(work: Callable[[Any], None], items: Iterable[Any]) -> None:
    """Do it for all items in a few threads; raise what the first of them in their order raised."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for _ in pool.map(work, items):
            pass


def usable_libraries(environment: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the libraries of the environment that this machine's glibc is new enough for.

    For the others the machine's own take their place, as older packages always do: better than one that cannot be loaded.
    """
    has = _numbers(_glibc())
    return [one for one in environment.get("libraries", ()) if _numbers(one.get("glibc", "")) <= has]


def _glibc() -> str:
    """Return this machine's version of glibc, "" where it has another libc."""
    try:
        return (os.confstr("CS_GNU_LIBC_VERSION") or "").rpartition(" ")[2]
    except (ValueError, OSError):
        return ""


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())


def _verify(environment: dict[str, Any], find: Callable[[str], str]) -> None:
    interpreter = environment["interpreter"]
    parts = [(interpreter["digest"], "the interpreter " + interpreter["version"])]
    parts += [(wheel["digest"], wheel["file"]) for wheel in environment["wheels"]]
    parts += [(library["digest"], library["name"]) for library in environment.get("libraries", ())]
    _at_once(lambda part: check_file(find(part[0]), part[0], part[1]), parts)


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


class _Allowance:
    """What may still be unpacked of one archive: so many files, so many bytes, and so many bytes for each byte of its own.

    The last is what a bomb goes beyond long before a disk is full. An archive within an archive stays a file.
    """

    def __init__(self, path: str, archive: str, limit: int) -> None:
        self._archive = archive
        self._most = min(limit, _FREE + _MOST_RATIO * os.path.getsize(path))
        self._bytes = self._files = 0

    def take(self, size: int) -> None:
        """Count one member of so many bytes, before anything of it is written; raise `Refused` beyond the allowance."""
        self._files += 1
        self._bytes += size
        if self._files > _MOST_FILES:
            raise Refused(self._archive, "it holds more than %d files" % _MOST_FILES)
        if self._bytes > self._most:
            raise Refused(self._archive, "it holds more than %d bytes, which is too much for it" % self._most)


def unpack_tar(path: str, folder: str, archive: str, limit: int = _MAX_UNPACKED, *, gzipped: bool = False) -> None:
    """Unpack a tar of plain files and folders; raise `Refused` at anything else. One that is compressed otherwise than said is none."""
    allowance = _Allowance(path, archive, limit)
    with tarfile.open(path, "r:gz" if gzipped else "r:") as tar:
        for member in tar:
            target = inside(folder, member.name, archive)
            allowance.take(member.size)
            if member.isdir():
                os.makedirs(target, exist_ok=True)
                continue
            if not member.isreg():
                raise Refused(archive, "its member %r is a link or a device" % member.name)
            source = tar.extractfile(member)
            assert source is not None, "a plain file has content"
            _write(target, source, member.mode & 0o111)


def unpack_wheel(path: str, name: str, site: str, home: str) -> None:
    """Unpack one wheel into `site`; its `.data` folders go where they belong under `home`. Checks RECORD."""
    allowance = _Allowance(path, name, _MAX_UNPACKED)
    with zipfile.ZipFile(path) as wheel:
        hashes = _record(wheel, name)
        for member in wheel.infolist():
            mode = member.external_attr >> 16
            target = inside(*_destination(member.filename, site, home), archive=name)
            allowance.take(member.file_size)
            if member.filename.endswith("/"):
                continue
            if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
                raise Refused(name, "its member %r is a link or a device" % member.filename)
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
    if wheel.getinfo(listings[0]).file_size > _FREE:
        raise Refused(name, "its RECORD has more than %d bytes" % _FREE)
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
    seen = hashlib.sha256()
    with _opened(target) as file:
        for piece in iter(lambda: source.read(_CHUNK), b""):
            seen.update(piece)
            file.write(piece)
    os.chmod(target, 0o755 if executable else 0o644)
    os.utime(target, (CHANGED, CHANGED))
    return seen.digest()


def _opened(target: str) -> IO[bytes]:
    """Return a new file for writing; its folder is made if it is not there, which few are the first to find."""
    try:
        return open(target, "wb")
    except FileNotFoundError:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        return open(target, "wb")


# --- a package on its own: `python3 restore.py [FOLDER]` --------------------------------------------------------------


def verify_package(package: str) -> dict[str, Any]:
    """Return the manifest of the package folder after checking every file and blob that it names."""
    with open(os.path.join(package, "manifest.json"), "rb") as file:
        manifest: dict[str, Any] = json.loads(file.read().decode("utf-8"))
    for name, file in sorted(manifest["files"].items()):
        check_file(inside(package, name, "manifest.json"), file["digest"], name)
    return manifest


class Restored:
    """A package's worker in its rebuilt environment: started with the limits that it has in service, asked over a socket."""

    def __init__(self, package: str, manifest: dict[str, Any], frames: Any, columns: Any, peer: socket.socket) -> None:
        self._package, self._manifest = package, manifest
        self._frames, self._columns, self._peer = frames, columns, peer

    def welcome(self) -> dict[str, Any]:
        """Return what the worker says of itself once its model is loaded."""
        facts: dict[str, Any] = self._frames.read_json(self._ask(self._frames.HELLO, self._frames.WELCOME))
        return facts

    def reproduce(self) -> int:
        """Return how many golden rows gave the recorded bits; raise `Refused` naming the first that did not."""
        golden = self._manifest["golden"]
        inputs, outputs = [self._read(golden[name]) for name in ("inputs", "outputs")]
        rows = self._columns.Codec(inputs[0]).split_rows(*inputs[1:])
        expected = self._columns.Codec(outputs[0]).split_rows(*outputs[1:])
        for start in range(0, len(rows), _TOGETHER):
            some = rows[start : start + _TOGETHER]
            body = self._infer(len(some), self._columns.Codec(inputs[0]).join_rows(some))
            found = self._columns.Codec(outputs[0]).split_rows(len(some), body)
            for nth, bits in enumerate(found, start):
                if bits != expected[nth]:
                    raise Refused("golden row %d" % nth, "other bits than recorded on %s" % golden["cpu"])
        return len(rows)

    def answer(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return the model's answers to rows of one's own."""
        inputs, outputs = [self._columns.Codec(self._manifest[name]) for name in ("inputs", "outputs")]
        answers: list[dict[str, Any]] = []
        for start in range(0, len(rows), _TOGETHER):
            some = rows[start : start + _TOGETHER]
            try:
                packed = inputs.pack(some)
            except ValueError as error:
                raise Refused("rows %d to %d" % (start, start + len(some) - 1), str(error)) from error
            answers += outputs.unpack(len(some), self._infer(len(some), packed))
        return answers

    def _infer(self, rows: int, body: bytes) -> bytes:
        return self._ask(self._frames.INFER, self._frames.RESULT, rows, body)

    def _ask(self, kind: int, wanted: int, rows: int = 0, body: bytes = b"") -> bytes:
        self._peer.sendall(self._frames.encode(kind, 1, rows, body=body))
        parser = self._frames.Parser()
        received: list[Any] = []
        while not received:
            content = self._peer.recv(1 << 18)
            if not content:
                raise Refused("worker.pyz", "it ended without an answer")
            received = parser.feed(content)
        if received[0].kind != wanted:
            told = self._frames.read_json(received[0].meta)
            raise Refused("worker.pyz", told.get("error", "it answered with an error"))
        return bytes(received[0].body)

    def _read(self, name: str) -> Any:
        with open(os.path.join(self._package, name), "rb") as file:
            return self._columns.read_columns(file.read())


@contextlib.contextmanager
def running(package: str, manifest: dict[str, Any], python: str, libraries: str) -> Iterator[Restored]:
    """Start the sealed worker in the rebuilt environment, with no network (unless its card asks for one) and bounded memory."""
    worker = os.path.join(package, "blobs", manifest["worker"].partition(":")[2])
    sys.path.insert(0, worker)  # the worker's own codec reads the files that it wrote
    frames, columns = [importlib.import_module("tenure_worker." + name) for name in ("frames", "columns")]
    ours, theirs = socket.socketpair()
    digest = "sha256:" + sha256_of(os.path.join(package, "manifest.json"))
    limits = {
        "memory": manifest.get("memory") or _MEMORY,
        "files": _FILES,
        "network": manifest.get("network", False),
        "library_path": libraries,
    }
    # The rebuilt interpreter takes the limits upon itself: whatever Python runs this may lack what that needs.
    confined = [python, "-I", "-S", "-c", _CONFINED, worker, json.dumps(limits)]
    with zipfile.ZipFile(worker) as archive:
        if "tenure_worker/confine.py" not in archive.namelist():
            confined = []  # a draft's restore.py may be newer than the worker of the home that completed it
    command = [python, "-s", "-B", worker, "--package", package, "--digest", digest]
    process = subprocess.Popen(
        [*confined, *command, "--connect-fd", str(theirs.fileno())],
        env=_environ(manifest, libraries),
        pass_fds=[theirs.fileno()],
        stdout=subprocess.DEVNULL,
    )
    theirs.close()
    try:
        yield Restored(package, manifest, frames, columns, ours)
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


def rows_of(path: str, inputs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows of a JSON file (a list of objects) or a CSV file with a header, as the model's inputs have their types."""
    with open(path, encoding="utf-8-sig", newline="") as file:
        if path.endswith(".json"):
            rows: list[dict[str, Any]] = json.load(file)
            return rows
        return [
            {field["name"]: _typed(row.get(field["name"]), field) for field in inputs} for row in csv.DictReader(file)
        ]


def _typed(text: str | None, field: dict[str, Any]) -> Any:
    if text is None or text == "":
        return None
    kind = field["type"]
    if kind == "bool":
        return text.strip().lower() in ("true", "1", "yes")
    try:
        return int(text) if kind == "int" else float(text) if kind == "float" else text
    except ValueError as error:
        raise Refused(field["name"], "%r is no %s" % (text, kind)) from error


def main(arguments: list[str]) -> int:
    """Verify the package this file lies in, rebuild its environment, reproduce its golden outputs, answer rows if given."""
    package = os.path.dirname(os.path.abspath(__file__))
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("folder", nargs="?", default=package + "-restored", help="where its environment is built")
    parser.add_argument("--input", help="rows to answer: JSON (a list of objects) or CSV")
    parser.add_argument("--output", help="where the answers go, as JSON; by default the screen")
    given = parser.parse_args(arguments)
    find = lambda digest: os.path.join(package, "blobs", digest.partition(":")[2])  # noqa: E731
    try:
        manifest = verify_package(package)
        check_file(find(manifest["worker"]), manifest["worker"], "worker.pyz")
        python, libraries = build(manifest["environment"], find, os.path.abspath(given.folder))
        with running(package, manifest, python, libraries) as restored:
            limits = restored.welcome().get("limits") or dict.fromkeys(("memory", "network", "why"), "not limited")
            # Where the answers go to standard output, nothing else does.
            told = sys.stderr if given.input and not given.output else sys.stdout
            print("%s: %d golden outputs came out bit for bit" % (manifest["name"], restored.reproduce()), file=told)
            print("its Python: LD_LIBRARY_PATH=%s %s" % (libraries, python), file=told)
            print("its limits: %(memory)s bytes of memory, network %(network)s (%(why)s)" % limits, file=told)
            if given.input:
                _answer(restored.answer(rows_of(given.input, manifest["inputs"])), given.output)
    except Refused as refusal:
        sys.exit("refused: %s" % refusal)
    return 0


def _answer(answers: list[dict[str, Any]], output: str | None) -> None:
    text = json.dumps(answers, indent=1) + "\n"
    if output is None:
        sys.stdout.write(text)
        return
    with open(output, "w", encoding="utf-8") as file:
        file.write(text)


if __name__ == "__main__":
    sys.exit(_build_apart() if sys.argv[1:] == ["--build"] else main(sys.argv[1:]))
